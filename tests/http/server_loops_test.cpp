// One server on several loops: its connections are spread evenly.
#include "net/reserved_port.hpp"
#include "server_fixture.hpp"
#include "tls/connected.hpp"
#include "tls/temporary_folder.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t loops = 4;

/// A server on its loops, in threads of their own, at a port without and one with TLS. "/loop" tells the loop's number.
class server_on_loops {
 public:
  explicit server_on_loops(server_options options = {}) : app_(std::move(options)) {
    app_.get("/loop", [](request&) { return std::to_string(runtime::loop::current().index()); });
    thread_ = std::jthread([this] { live(); });
    begun_.wait();
  }
  server_on_loops(const server_on_loops&) = delete;
  server_on_loops& operator=(const server_on_loops&) = delete;
  ~server_on_loops() { app_.shutdown(); }

  [[nodiscard]] const net::address& plain() const noexcept { return plain_.at(); }
  [[nodiscard]] const net::address& secure() const noexcept { return secure_.at(); }
  [[nodiscard]] const server& app() const noexcept { return app_; }
  /// Ends the serving of one loop without TLS.
  void leave(std::size_t loop) {
    place& one = places_.at(loop);
    EXPECT_TRUE(one.loop.post([&one] { one.scope->cancel(); }));
  }

 private:
  struct place {
    runtime::loop_ref loop;
    cancel_scope* scope = nullptr;
  };

  void live() {
    run_options options;
    options.loops = loops;
    options.handle_signals = false;
    run([this] { return serve_here(); }, options);
  }
  task<void> serve_here() {
    net::listen_options shared;
    shared.reuse_port = true;
    auto plain = net::tcp_listener::listen(plain_.at(), shared);
    auto secure = net::tcp_listener::listen(secure_.at(), shared);
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app_.serve(secure, context_));
      const auto serving = [&](cancel_scope& scope) -> task<void> {
        places_[runtime::loop::current().index()] = {current_loop(), &scope};
        group.spawn(tell_begun());
        co_await app_.serve(plain);
      };
      static_cast<void>(co_await with_scope(serving));
    };
    co_await with_group(both);
  }
  // Serving begins within a few turns.
  task<void> tell_begun() {
    for (int i = 0; i < 10; ++i) co_await yield();
    begun_.count_down();
  }

  server app_;
  tls::context context_ = tls::context::server(tls::testing::server_for({"example.org"}));
  net::testing::reserved_port plain_;
  net::testing::reserved_port secure_;
  std::array<place, loops> places_;
  std::latch begun_{loops};
  std::jthread thread_;  // last: it ends first
};

/// A connection that stays open.
struct client {
  explicit client(io::any_stream to) : stream(std::move(to)) {}
  io::any_stream stream;
  std::string told;  // by the server: its loop, or a status
};

task<void> ask(client& one) {
  co_await io::write_all(one.stream, get("/loop"));
  std::string text;
  std::array<std::byte, 1024> piece{};
  for (;;) {
    const auto head = text.find("\r\n\r\n");
    if (head != std::string::npos && text.size() > head + 4) break;
    const std::size_t count = co_await one.stream.read_some(piece);
    if (count == 0) break;
    text += io::text_of(std::span(piece).first(count));
  }
  one.told = text.starts_with("HTTP/1.1 200") ? text.substr(text.find("\r\n\r\n") + 4)
                                              : text.substr(0, 12);
}

task<std::unique_ptr<client>> connect(net::address to) {
  io::any_stream tcp(co_await net::tcp_stream::connect(to));
  auto one = std::make_unique<client>(std::move(tcp));
  co_await ask(*one);
  co_return one;
}

task<std::unique_ptr<client>> connect_securely(net::address to) {
  io::any_stream tcp(co_await net::tcp_stream::connect(to));
  io::any_stream secure(
      co_await tls::stream::connect(std::move(tcp), tls::testing::plain_client(), "example.org"));
  auto one = std::make_unique<client>(std::move(secure));
  co_await ask(*one);
  co_return one;
}

using clients = std::vector<std::unique_ptr<client>>;

[[nodiscard]] std::size_t count_of(const clients& all, std::string_view told) {
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [&](const auto& one) { return one->told == told; }));
}

void expect_balance(const clients& all) {
  std::size_t served = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < loops; ++i) {
    const std::size_t here = count_of(all, std::to_string(i));
    served += here;
    most = std::max(most, here);
  }
  EXPECT_EQ(served, all.size());
  EXPECT_LE(static_cast<double>(most), 1.10 * static_cast<double>(all.size()) / loops);
}

void run_client(task<void> body) {
  run_options options;
  options.handle_signals = false;
  run(with_timeout(60s, std::move(body)), options);
}

TEST(http_server_loops, have_equally_many_connections_of_each_address) {
  server_on_loops server;
  const auto body = [&]() -> task<void> {
    const std::vector<net::address> plain(64, server.plain());
    const std::vector<net::address> secure(64, server.secure());
    const clients first = co_await gather_each(plain, connect);
    expect_balance(first);
    const clients second = co_await gather_each(secure, connect_securely);
    expect_balance(second);
    for (const auto& one : first) {
      const std::string before = one->told;
      co_await ask(*one);
      EXPECT_EQ(one->told, before);
    }
    EXPECT_EQ(server.app().statistics().connections_open, 128U);
  };
  run_client(body());
}

TEST(http_server_loops, keep_to_their_limits) {
  constexpr std::size_t limit = 16;
  server_options options;
  options.max_connections = limit;
  server_on_loops server(std::move(options));
  const auto body = [&]() -> task<void> {
    const std::vector<net::address> each(100, server.plain());
    const clients all = co_await gather_each(each, connect);
    std::size_t served = 0;
    for (std::size_t i = 0; i < loops; ++i) {
      const std::size_t here = count_of(all, std::to_string(i));
      EXPECT_LE(here, limit);
      served += here;
    }
    EXPECT_GE(served, loops * (limit - 1));
    EXPECT_EQ(count_of(all, "HTTP/1.1 503"), all.size() - served);
  };
  run_client(body());
}

TEST(http_server_loops, the_others_go_on_when_one_leaves) {
  server_on_loops server;
  const auto body = [&]() -> task<void> {
    const std::vector<net::address> each(64, server.plain());
    clients all = co_await gather_each(each, connect);
    server.leave(0);
    std::erase_if(all, [](const auto& one) { return one->told == "0"; });
    // A connection that has begun meets its listener's end; later ones do not meet the listener.
    for (int i = 0; i < 64; ++i) {
      auto one = co_await connect(server.plain());
      EXPECT_EQ(one->told.size(), 1U) << one->told;
    }
    for (const auto& one : all) {
      const std::string before = one->told;
      co_await ask(*one);
      EXPECT_EQ(one->told, before);
    }
  };
  run_client(body());
}

}  // namespace
}  // namespace eddy::http::test
