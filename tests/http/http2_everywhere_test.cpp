// HTTP/2 exchanges in memory, cancelled and made to fail at every point on either side.
#include "every_exchange.hpp"
#include "undisturbed.hpp"

#include <string>

#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/server.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/everywhere.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/testing/test_client.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::error_recorder;
using ::eddy::testing::trial;
using ::eddy::testing::with_test_client;
using tests::expect_value_when_undisturbed;

client_options by_http2() {
  client_options options;
  options.http2_prior_knowledge = true;
  return options;
}

// clk.6
TEST(everywhere, an_http2_client_keeps_one_connection_for_those_who_go_on) {
  cancel_everywhere([](trial& t) -> task<void> {
    server app;
    add_routes(app);
    auto body = [&](client& c) -> task<void> {
      const auto ended = co_await t.expose(ask_everything(c, ""));
      expect_value_when_undisturbed(t, ended);
      co_await ask_everything(c, "");
      EXPECT_EQ(c.statistics().waiting, 0U);
      EXPECT_EQ(c.statistics().connections, 1U);
      co_await sleep(1s);
      EXPECT_EQ(app.statistics().requests_running, 0U);
    };
    co_await with_test_client(app, body, by_http2());
    EXPECT_EQ(app.statistics().connections_open, 0U);
  });
}

// clk.6
TEST(everywhere, an_http2_stream_that_is_disturbed_leaves_the_others_alone) {
  cancel_everywhere([](trial& t) -> task<void> {
    server app;
    add_routes(app);
    auto body = [&](client& c) -> task<void> {
      {
        auto first = co_await c.get("/hello");  // the connection is made by somebody else
        co_await first.discard();
      }
      const auto other = [&]() -> task<void> {
        for (int i = 0; i < 3; ++i) co_await ask_everything(c, "");
      };
      const auto disturbed = [&]() -> task<void> {
        const auto ended = co_await t.expose(ask_everything(c, ""));
        expect_value_when_undisturbed(t, ended);
      };
      co_await gather(other(), disturbed());
      EXPECT_EQ(c.statistics().connects, 1U);
    };
    co_await with_test_client(app, body, by_http2());
  });
}

// clk.6
TEST(everywhere, an_http2_connection_ends_with_its_handlers) {
  cancel_everywhere([](trial& t) -> task<void> {
    const error_recorder failed_handlers;
    server app;
    add_routes(app);
    auto [near, far] = io::memory_stream_pair();
    io::any_stream served(std::move(far));
    auto asking = spawn(
        [](io::memory_stream stream) -> task<void> {
          client_options options = by_http2();
          options.retries = 0;
          int connections = 0;
          options.connector = [&](connect_target) -> task<io::any_stream> {
            co_await yield();
            if (connections++ > 0) throw_error(errc::closed, "only one connection");
            co_return io::any_stream(std::move(stream));
          };
          client c(options);
          const auto ended = co_await as_result(with_timeout(1min, ask_anything(c, "http://h")));
          if (ended.is_cancelled()) static_cast<void>(ended.value());
        },
        std::move(near));
    const auto ended = co_await t.expose(app.serve_connection(std::move(served)));
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(app.statistics().connections_open, 0U);
    EXPECT_EQ(app.statistics().requests_running, 0U);
    co_await asking;
  });
}

}  // namespace
}  // namespace eddy::http::test
