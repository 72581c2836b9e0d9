// What a connection costs while nothing happens on it.
#include "sanitizers.hpp"
#include "server_fixture.hpp"
#include "tls/connected.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

std::size_t heap_in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// The clients' ends, as nothing but descriptors.
class silent_clients {
 public:
  silent_clients() = default;
  silent_clients(const silent_clients&) = delete;
  silent_clients& operator=(const silent_clients&) = delete;
  ~silent_clients() {
    for (const int one : descriptors_) ::close(one);
  }

  /// Asks once; then the connection stays as it is.
  template <class Stream>
  static task<void> ask(Stream& stream) {
    const std::string text = get("/");
    co_await io::write_all(stream, text);
    std::string got;
    std::array<std::byte, 1024> piece{};
    while (!got.ends_with("root")) {
      const std::size_t count = co_await stream.read_some(piece);
      if (count == 0) break;
      got += io::text_of(std::span(piece).first(count));
    }
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 "));
  }
  task<void> add(net::address at) {
    net::tcp_stream plain = co_await net::tcp_stream::connect(at);
    descriptors_.push_back(::dup(plain.native_handle()));
    co_await ask(plain);
  }
  task<void> add_secure(net::address at) {
    net::tcp_stream tcp = co_await net::tcp_stream::connect(at);
    descriptors_.push_back(::dup(tcp.native_handle()));
    io::any_stream under(std::move(tcp));
    tls::stream secure = co_await tls::stream::connect(std::move(under),
                                                       tls::testing::plain_client(), "example.org");
    co_await ask(secure);
  }

 private:
  std::vector<int> descriptors_;
};

class idle_memory : public ::testing::TestWithParam<bool> {
 protected:
  /// Bytes per connection, after it has come to rest. In waves: what a wave needs while it is awake is kept for the
  /// next, and has been there before the measured ones.
  task<std::size_t> measure(server& app, net::address at) {
    constexpr std::size_t wave = 100;
    constexpr std::size_t waves = 3;
    constexpr std::size_t unmeasured = 1;
    silent_clients clients;
    std::size_t before = 0;
    for (std::size_t i = 0; i < waves; ++i) {
      if (i == unmeasured) before = heap_in_use();
      for (std::size_t one = 0; one < wave; ++one) {
        auto added = GetParam() ? clients.add_secure(at) : clients.add(at);
        co_await std::move(added);
      }
      co_await sleep(1200ms);  // they rest after a second without a request
    }
    EXPECT_EQ(app.statistics().connections_open, waves * wave);
    co_return (heap_in_use() - before) / ((waves - unmeasured) * wave);
  }
};

TEST_P(idle_memory, of_a_connection_is_bounded) {
  server app;
  app.get("/", [](request&) { return "root"; });
  std::size_t bytes = 0;
  auto main = [&]() -> task<void> {
    net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
    auto both = [&](task_group& group) -> task<void> {
      auto serving =
          GetParam() ? app.serve(listener, tls::testing::plain_server()) : app.serve(listener);
      group.spawn(std::move(serving));
      bytes = co_await measure(app, listener.local());
      app.shutdown();
    };
    co_await with_timeout(60s, with_group(both));
  };
  run_options options;
  options.handle_signals = false;
  run(main(), options);
  RecordProperty("bytes", std::to_string(bytes));
#ifndef EDDY_HAS_SANITIZER  // they have a heap of their own, which does not tell
  EXPECT_GT(bytes, 0U);
  EXPECT_LT(bytes, GetParam() ? 20'000U : 1'500U);
#endif
}

INSTANTIATE_TEST_SUITE_P(connections, idle_memory, ::testing::Bool(),
                         [](const auto& secure) { return secure.param ? "tls" : "plain"; });

}  // namespace
}  // namespace eddy::http::test
