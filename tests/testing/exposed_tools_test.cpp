// What tests are written with, cancelled and made to fail at every point itself.
#include "undisturbed.hpp"

#include <array>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/net/net.hpp>
#include <eddy/testing/async_mock.hpp>
#include <eddy/testing/everywhere.hpp>
#include <eddy/testing/fault_proxy.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/testing/test_client.hpp>

namespace eddy::testing {
namespace {

using namespace std::chrono_literals;
using tests::expect_value_when_undisturbed;

// clk.6
// Exposes: testing/async_mock.operator
TEST(everywhere, a_mock_counts_each_call_once) {
  cancel_everywhere([](trial& t) -> task<void> {
    async_mock<int(int)> slow;
    slow.then_returns(7).delays(1s).does([](int x) -> task<int> {
      co_await sleep(1s);
      co_return x;
    });
    const auto call = [&]() -> task<void> {
      const int first = co_await slow(1);
      EXPECT_EQ(first, 7);
      const int second = co_await slow(2);
      EXPECT_EQ(second, 2);
    };
    const auto ended = co_await t.expose(call());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(slow.running(), 0U);
    EXPECT_EQ(slow.completed() + slow.failed() + slow.cancelled(), slow.awaited());
    EXPECT_EQ(slow.completed() == 2, ended.has_value());
  });
}

// clk.6
// Exposes: testing/virtual_run.settle
TEST(everywhere, settling_leaves_nobody_behind) {
  cancel_everywhere([](trial& t) -> task<void> {
    bool ran = false;
    auto other = spawn([&]() -> task<void> {
      co_await yield();
      ran = true;
    });
    const auto wait = [&]() -> task<void> { co_await settle(); };
    const auto ended = co_await t.expose(wait());
    expect_value_when_undisturbed(t, ended);
    if (ended.has_value()) {
      EXPECT_TRUE(ran);
    }
    co_await other;
  });
}

task<void> echo(net::tcp_stream peer) {
  std::array<std::byte, 16> buffer;
  for (;;) {
    const std::size_t n = co_await peer.read_some(buffer);
    if (n == 0) break;
    co_await peer.write_all(std::span<const std::byte>(buffer).first(n));
  }
}

// clk.6
// Exposes: testing/fault_proxy.serve
TEST(everywhere, a_fault_proxy_leaves_no_connection) {
  everywhere_options slow;
  slow.run.network.latency = 10ms;
  cancel_everywhere(
      [](trial& t) -> task<void> {
        const error_recorder broken_connections;
        auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
        auto server = spawn([&]() -> task<void> { co_await net::serve(listener, echo); });
        {
          fault_proxy proxy(listener.local());
          auto client = spawn([&]() -> task<void> {
            const auto talk = [&]() -> task<void> {
              auto stream = co_await net::tcp_stream::connect(proxy.address());
              co_await stream.write_all("hello");
              std::array<std::byte, 16> buffer;
              static_cast<void>(co_await stream.read_some(buffer));
            };
            const auto ended = co_await as_result(with_timeout(1min, talk()));
            proxy.close();
            if (ended.is_cancelled()) static_cast<void>(ended.value());
          });
          const auto ended = co_await t.expose(proxy.serve());
          expect_value_when_undisturbed(t, ended);
          proxy.close();
          co_await client;
        }
        co_await sleep(1s);
        listener.close();
        const auto stopped = co_await as_result(server);
        EXPECT_FALSE(stopped.is_cancelled());
        EXPECT_EQ(virtual_io().network().open_sockets(), 0U);
      },
      slow);
}

// clk.6
// Exposes: testing/test_client.with_test_client
TEST(everywhere, a_test_client_ends_with_its_body) {
  cancel_everywhere([](trial& t) -> task<void> {
    const error_recorder failed_handlers;
    http::server app;
    app.get("/", [](http::request&) -> task<std::string> {
      co_await sleep(1s);
      co_return "hello";
    });
    const auto body = [](http::client& c) -> task<void> {
      auto got = co_await c.get("/");
      const std::string text = co_await got.body();
      EXPECT_EQ(text == "hello", got.status() == 200);  // the handler is exposed as well
    };
    const auto ended = co_await t.expose(with_test_client(app, body));
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(app.statistics().requests_running, 0U);
    EXPECT_EQ(app.statistics().connections_open, 0U);
  });
}

}  // namespace
}  // namespace eddy::testing
