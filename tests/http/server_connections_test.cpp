// How many connections a server has: limits, refusals, and those that rest.
#include "server_fixture.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

EDDY_TEST(http_server_connections, beyond_the_limits_are_told_503_and_closed) {
  server_options options;
  options.max_connections = 3;
  options.max_per_peer = 2;
  options.retry_after = 1500ms;
  server app(options);
  app.get("/", [](request&) { return "root"; });
  auto body = [&app](net::address at) -> task<void> {
    raw_client first = co_await raw_client::connect(at);
    raw_client second = co_await raw_client::connect(at);
    raw_client third = co_await raw_client::connect(at);
    co_await third.send(get("/"));
    const answer told = co_await third.read();
    EXPECT_EQ(told.status, 503);
    EXPECT_EQ(told.field("retry-after"), "2");
    EXPECT_EQ(told.field("connection"), "close");
    std::string rest = co_await third.read_rest();
    EXPECT_EQ(rest, "");
    co_await third.stream().close();
    co_await sleep(1ms);
    EXPECT_EQ(app.statistics().connections_open, 2u);
    EXPECT_EQ(app.statistics().connections_refused, 1u);
    co_await first.stream().close();
    co_await sleep(1ms);
    raw_client fourth = co_await raw_client::connect(at);
    const answer got = co_await fourth.ask(get("/"));
    EXPECT_EQ(got.status, 200);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_connections, use_the_same_memory_in_turn_for_their_requests) {
  server app;
  std::vector<const request*> asked;
  app.get("/", [&asked](request& r) {
    asked.push_back(&r);
    return std::string(r.query());
  });
  auto body = [](net::address at) -> task<void> {
    raw_client first = co_await raw_client::connect(at);
    raw_client second = co_await raw_client::connect(at);
    for (const std::string& number : std::vector<std::string>{"1", "2", "3"}) {
      co_await first.send("GET /?" + number);  // half a head keeps it
      co_await sleep(1ms);
      const answer other = co_await second.ask(get("/?other" + number));
      EXPECT_EQ(other.body, "other" + number);
      const answer one = co_await first.ask(" HTTP/1.1\r\nHost: h\r\n\r\n");
      EXPECT_EQ(one.body, number);
      const answer again = co_await second.ask(get("/?again" + number));
      EXPECT_EQ(again.body, "again" + number);
    }
  };
  co_await with_server(app, body);
  EDDY_REQUIRE(asked.size() == 9);
  EXPECT_NE(asked[0], asked[1]);
  EXPECT_EQ(asked[1], asked[4]);
  EXPECT_EQ(asked[1], asked[7]);
  EXPECT_EQ(asked[2], asked[1]) << "what the other connection gave back last";
}

EDDY_TEST(http_server_connections, are_told_so_only_a_few_at_a_time_and_not_for_long) {
  server_options options;
  options.max_connections = 1;
  options.max_refusals = 1;
  server app(options);
  app.get("/", [](request&) { return "root"; });
  auto body = [&app](net::address at) -> task<void> {
    raw_client served = co_await raw_client::connect(at);
    const answer got = co_await served.ask(get("/"));
    EXPECT_EQ(got.status, 200);
    const time_point start = now();
    raw_client told = co_await raw_client::connect(at);  // and does not close
    raw_client waits = co_await raw_client::connect(at);
    const answer first = co_await told.read();
    EXPECT_EQ(first.status, 503);
    const answer second = co_await waits.read();
    EXPECT_EQ(second.status, 503);
    EXPECT_EQ(now() - start, 2s);
    EXPECT_EQ(app.statistics().connections_refused, 2u);
    const answer still = co_await served.ask(get("/"));
    EXPECT_EQ(still.status, 200);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_connections, of_one_peer_are_reset_where_none_may_be_told) {
  server_options options;
  options.max_per_peer = 1;
  options.max_refusals = 0;
  server app(options);
  auto body = [](net::address at) -> task<void> {
    raw_client first = co_await raw_client::connect(at);
    raw_client second = co_await raw_client::connect(at);
    const std::string rest = co_await second.read_rest();
    EXPECT_EQ(rest, "");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_readiness, ends_before_serving_does) {
  server app;
  EXPECT_FALSE(app.ready());
  app.get("/ready", [&app](request&) { return response(app.ready() ? 204 : 503); });
  auto body = [&app](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(get("/ready"));
    EXPECT_EQ(got.status, 204);
    app.set_ready(false);
    got = co_await client.ask(get("/ready"));
    EXPECT_EQ(got.status, 503);
    app.set_ready(true);
    EXPECT_TRUE(app.ready());
    app.shutdown();
    EXPECT_FALSE(app.ready());
  };
  co_await with_server(app, body);
  EXPECT_FALSE(app.ready());
}

EDDY_TEST(http_server_rest, is_not_noticed_by_the_client) {
  server app;
  app.get("/", [](request&) { return "root"; });
  auto body = [&app](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    for (const duration pause : {0s, 1s, 2s, 70s, 1s}) {
      co_await sleep(pause);
      const answer got = co_await client.ask(get("/"));
      EXPECT_EQ(got.body, "root");
      EXPECT_EQ(app.statistics().connections_open, 1u);
    }
    EXPECT_EQ(app.statistics().connections_total, 1u);
    co_await sleep(5s);
    co_await client.stream().close();  // at rest
    co_await sleep(1ms);
    EXPECT_EQ(app.statistics().connections_open, 0u);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_rest, ends_with_the_idle_timeout_or_with_the_server) {
  server_options options;
  options.idle_timeout = 5s;
  server app(options);
  app.get("/", [](request&) { return "root"; });
  auto body = [&app](net::address at) -> task<void> {
    std::vector<raw_client> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(co_await raw_client::connect(at));
      static_cast<void>(co_await clients.back().ask(get("/")));
      co_await sleep(500ms);
    }
    const time_point start = now();
    for (int i = 0; i < 2; ++i) {
      const std::string rest = co_await clients[static_cast<std::size_t>(i)].read_rest();
      EXPECT_EQ(rest, "");
      EXPECT_EQ(now() - start, 3500ms + i * 500ms);
    }
    EXPECT_EQ(app.statistics().connections_open, 1u);
    app.shutdown();
    const std::string rest = co_await clients[2].read_rest();
    EXPECT_EQ(rest, "");
    EXPECT_EQ(now() - start, 4s);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_rest, does_not_come_where_the_idle_timeout_is_shorter) {
  server_options options;
  options.idle_timeout = 300ms;
  server app(options);
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    static_cast<void>(co_await client.ask(get("/")));
    const time_point start = now();
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "");
    EXPECT_EQ(now() - start, 300ms);
  };
  co_await with_server(app, body);
}

// Requests that come at the very moment at which a connection comes to rest, or leaves it.
EDDY_TEST(http_server_rest, loses_no_request_that_comes_at_its_beginning) {
  server app;
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    for (int i = 0; i < 50; ++i) {
      co_await sleep(i % 2 == 0 ? 1s : 1s + std::chrono::microseconds(i));
      const answer got = co_await client.ask(get("/"));
      EXPECT_EQ(got.status, 200);
    }
  };
  co_await with_server(app, body);
}

}  // namespace
}  // namespace eddy::http::test
