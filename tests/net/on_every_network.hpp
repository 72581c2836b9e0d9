// Tests of sockets run twice: on the driver that EDDY_DRIVER names, with real loopback sockets, and in simulation.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include <dirent.h>
#include <gtest/gtest.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/net/net.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::net {

/// Descriptors of this process that are open.
inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

/// Runs `body` on a kernel driver; failures, hangs and leaks become failures of the test. `on_error` receives what goes
/// to the error hook; without it that is a failure as well.
inline void run_on_system(task<void> (*body)(), error_hook on_error = {}) {
  const std::int64_t frames = coro::live_frames();
  const std::size_t descriptors = open_descriptors();
  run_options options;
  options.handle_signals = false;
  options.on_error = std::move(on_error);
  if (!options.on_error) {
    options.on_error = [](const failure_report& what) {
      ADD_FAILURE() << what.message << ": " << (what.error ? describe_exception(what.error) : "");
    };
  }
  auto bounded = [body]() -> task<void> {
    const bool ended = co_await move_on_after(std::chrono::seconds(60), body());
    EXPECT_TRUE(ended) << "the test hangs";
  };
  try {
    run(bounded, options);
  } catch (const std::exception& failure) {
    ADD_FAILURE() << "the test's body threw " << failure.what();
  }
  EXPECT_EQ(coro::live_frames(), frames) << "frames were left behind";
  EXPECT_EQ(open_descriptors(), descriptors) << "descriptors were left behind";
}

/// What `failure` is, as an eddy::error; fails the test when it is none.
inline error error_of(const std::exception_ptr& failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const error& thrown) {
    return thrown;
  } catch (...) {
    ADD_FAILURE() << "not an eddy::error: " << describe_exception(std::current_exception());
    return error(errc::unsupported);
  }
  ADD_FAILURE() << "no failure";
  return error(errc::unsupported);
}

struct connected_pair {
  tcp_stream client;
  tcp_stream server;
};

/// Two ends of a TCP connection over loopback.
inline task<connected_pair> connect_pair() {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  tcp_stream client = co_await tcp_stream::connect(to);
  tcp_stream server = co_await listener.accept();
  co_return connected_pair(std::move(client), std::move(server));
}

/// Everything up to the end, as text.
template <class Stream>
task<std::string> read_all(Stream& from) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t count = co_await from.read_some(buffer);
    if (count == 0) co_return text;
    text += io::text_of(std::span(buffer).first(count));
  }
}

/// A handler: sends back what comes.
inline task<void> echo(tcp_stream peer) {
  std::array<std::byte, 1024> buffer;
  for (;;) {
    const std::size_t count = co_await peer.read_some(buffer);
    if (count == 0) co_return;
    co_await peer.write_all(std::span(buffer).first(count));
  }
}

/// What an echo makes of `question`.
inline task<std::string> ask(tcp_stream& server, std::string question) {
  co_await server.write_all(question);
  std::string answer;
  std::array<std::byte, 1024> buffer;
  while (answer.size() < question.size()) {
    const std::size_t count = co_await server.read_some(buffer);
    if (count == 0) break;
    answer += io::text_of(std::span(buffer).first(count));
  }
  co_return answer;
}

}  // namespace eddy::net

/// A test of sockets on a kernel driver.
#define SYSTEM_TEST(suite, name)                                                   \
  static ::eddy::task<void> system_test_##suite##_##name();                        \
  TEST(suite, name) { ::eddy::net::run_on_system(&system_test_##suite##_##name); } \
  static ::eddy::task<void> system_test_##suite##_##name()

/// A test of sockets on a kernel driver and in simulation.
#define SOCKET_TEST(suite, name)                                                                  \
  static ::eddy::task<void> socket_test_##suite##_##name();                                       \
  TEST(suite, name) { ::eddy::net::run_on_system(&socket_test_##suite##_##name); }                \
  TEST(suite##_simulated, name) {                                                                 \
    ::eddy::testing::run_test(&socket_test_##suite##_##name, ::eddy::testing::virtual_options()); \
  }                                                                                               \
  static ::eddy::task<void> socket_test_##suite##_##name()
