// What tests of drivers are written with: operations on bare descriptors, and a fixture that runs a task on a loop.
#pragma once

#include "driver_factories.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/driver.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::runtime {

/// A transfer with one buffer, or with several that the caller keeps.
class transfer final : public io_operation {
 public:
  transfer(descriptor& on, io_verb verb, void* data, std::size_t size,
           socket_address* with = nullptr)
      : io_operation(on, verb), only_{data, size} {
    address = with;
  }
  transfer(descriptor& on, io_verb verb, std::span<const iovec> several) : io_operation(on, verb) {
    buffers = several;
  }

  bool try_complete() {
    if (buffers.empty()) buffers = {&only_, 1};
    return io_operation::try_complete();
  }
  std::size_t take() const { return take_count(is_inbound(verb()) ? "receive" : "send"); }

 private:
  iovec only_{};
};

class accept_one final : public io_operation {
 public:
  explicit accept_one(descriptor& on, socket_address* peer = nullptr)
      : io_operation(on, io_verb::accept) {
    address = peer;
  }
  std::unique_ptr<descriptor> take() {
    take_count("accept");
    return std::move(accepted);
  }
};

class connect_to final : public io_operation {
 public:
  connect_to(descriptor& on, socket_address to) : io_operation(on, io_verb::connect), to_(to) {}
  bool try_complete() {
    address = &to_;
    return io_operation::try_complete();
  }
  void take() const { take_count("connect"); }

 private:
  socket_address to_;
};

class readiness final : public io_operation {
 public:
  using io_operation::io_operation;
  void take() const { take_count("wait"); }
};

inline transfer receive(descriptor& on, std::span<char> into) {
  return {on, io_verb::receive, into.data(), into.size()};
}

inline transfer send(descriptor& on, std::string_view text) {
  return {on, io_verb::send, const_cast<char*>(text.data()), text.size()};
}

inline task<void> send_all(descriptor& on, std::string_view text) {
  while (!text.empty()) {
    const std::size_t done = co_await send(on, text);
    text.remove_prefix(done);
  }
}

/// At most `size` bytes, fewer at the end of the stream.
inline task<std::string> receive_all(descriptor& on, std::size_t size,
                                     std::size_t at_once = 65536) {
  std::string text;
  while (text.size() < size) {
    const std::size_t before = text.size();
    text.resize(std::min(size, before + at_once));
    const std::size_t done = co_await receive(on, std::span(text).subspan(before));
    text.resize(before + done);
    if (done == 0) break;
  }
  co_return text;
}

/// Some turns of the loop, so that other tasks come to their next wait and requests to the kernel.
inline task<void> settle() {
  for (int turn = 0; turn < 5; ++turn) co_await yield();
}

/// The code that awaiting `op` fails with; none when it succeeds.
template <class Op>
task<std::error_code> failure_of(Op op) {
  try {
    co_await std::move(op);
  } catch (const error& e) {
    co_return e.code();
  }
  co_return std::error_code();
}

inline std::string driver_name(const ::testing::TestParamInfo<driver_factory>& of) {
  return of.param.name;
}

struct connection {
  std::unique_ptr<descriptor> client;
  std::unique_ptr<descriptor> server;
};

class driver_test : public ::testing::TestWithParam<driver_factory> {
 protected:
  void SetUp() override {
    loop_options options;
    options.io = GetParam().make();
    loop_ = std::make_unique<loop>(std::move(options));
  }

  [[nodiscard]] driver& io() { return loop_->io(); }
  [[nodiscard]] loop& on() { return *loop_; }

  /// Runs `body()` to its end and rethrows its failure; all that it spawned must end as well. A hang is an error.
  template <class Fn>
  void drive(Fn body) {
    task_handle<void> main;
    {
      const coro::scheduler::entered here(*loop_);
      main = coro::launch(with_timeout(std::chrono::seconds(60), body()), loop_->root(),
                          std::source_location::current());
    }
    loop_->run_until([&] { return main.done() && (loop_->live_tasks() == 0 || main.failure()); });
    if (main.failure()) std::rethrow_exception(main.failure());
    EXPECT_FALSE(io().has_io());
  }

  [[nodiscard]] std::unique_ptr<descriptor> listener(const socket_address& address) {
    auto made = io().open_socket(address.family(), SOCK_STREAM, 0);
    if (address.is_ip()) made->set_option(SOL_SOCKET, SO_REUSEADDR, 1);
    made->bind(address);
    made->listen(128);
    return made;
  }

  /// A connection through a listener of its own.
  task<connection> connected(socket_address address = socket_address::loopback_v4(0)) {
    auto listening = listener(address);
    auto accepting = spawn(accept_from(*listening));
    connection made;
    made.client = io().open_socket(address.family(), SOCK_STREAM, 0);
    co_await connect_to(*made.client, listening->local_address());
    made.server = co_await std::move(accepting);
    co_return made;
  }

  static task<std::unique_ptr<descriptor>> accept_from(descriptor& listening) {
    co_return co_await accept_one(listening);
  }

 private:
  std::unique_ptr<loop> loop_;
};

}  // namespace eddy::runtime
