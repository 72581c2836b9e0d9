#include <eddy/http/client.hpp>

#include "http/client_requests.hpp"
#include "http/scripted_server.hpp"
#include "net/on_every_network.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/json.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using eddy::testing::virtual_options;
using http::testing::error_of;
using http::testing::fetch;
using http::testing::scripted_peer;
using http::testing::with_scripted_server;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Answers every request of every connection alike.
task<void> say_hello(scripted_peer& peer) {
  bool more = true;
  while (more) more = co_await peer.answer(hello);
}

/// A script that answers the n-th request of a connection with texts[n], then closes.
auto texts(std::vector<std::string> answers) {
  return [answers = std::move(answers)](scripted_peer& peer) -> task<void> {
    for (const std::string& text : answers) {
      const bool served = co_await peer.answer(text);
      if (!served) co_return;
    }
  };
}

EDDY_TEST(http_client, gets_a_page_and_says_who_asks) {
  std::string seen;
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    seen = *request;
    co_await peer.send(hello);
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    client_response response = co_await c.get(base + "/a/b?c=d%20e#part");
    EXPECT_EQ(response.status(), 200);
    EXPECT_TRUE(response.ok());
    EXPECT_EQ(response.url(), base + "/a/b?c=d%20e");
    const std::string page = co_await response.body();
    EXPECT_EQ(page, "hello");
    EXPECT_EQ(seen, "GET /a/b?c=d%20e HTTP/1.1\r\nHost: " + base.substr(7) +
                        "\r\nUser-Agent: eddy\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, "
                        "br, zstd\r\n\r\n");
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client, posts_a_body_with_its_type) {
  std::string seen;
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    seen = *request;
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"a\":[1,2]}");
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    const boost::json::value note = parse_json(R"({"text":"x"})");
    client_response response = co_await c.post_json(base + "/", note);
    const boost::json::value answer = co_await response.json();
    EXPECT_EQ(answer.at("a").at(1).as_int64(), 2);
    EXPECT_THAT(seen, StartsWith("POST / HTTP/1.1\r\n"));
    EXPECT_THAT(seen, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(seen, HasSubstr("Content-Length: 12\r\n"));
    EXPECT_THAT(seen, ::testing::EndsWith("\r\n\r\n{\"text\":\"x\"}"));
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client, uses_a_connection_again) {
  auto body = [](const std::string& base) -> task<void> {
    client c;
    for (int i = 0; i < 5; ++i) {
      const std::string page = co_await fetch(c, base);
      EXPECT_EQ(page, "hello");
    }
    EXPECT_EQ(c.statistics().connects, 1u);
    EXPECT_EQ(c.statistics().requests, 5u);
    EXPECT_EQ(c.statistics().idle, 1u);
  };
  co_await with_scripted_server(say_hello, body);
}

EDDY_TEST(http_client, closes_a_connection_whose_body_was_not_read) {
  auto body = [](const std::string& base) -> task<void> {
    client c;
    {
      const client_response unread = co_await c.get(base);
      EXPECT_FALSE(unread.finished());
      EXPECT_EQ(c.statistics().connections, 1u);
    }
    EXPECT_EQ(c.statistics().connections, 0u);
    co_await fetch(c, base);
    EXPECT_EQ(c.statistics().connects, 2u);
  };
  co_await with_scripted_server(say_hello, body);
}

EDDY_TEST(http_client, closes_idle_connections_after_their_time) {
  auto body = [](const std::string& base) -> task<void> {
    client c({.keep_alive = 10s});
    co_await fetch(c, base);
    co_await sleep(9s);
    EXPECT_EQ(c.statistics().idle, 1u);
    co_await sleep(2s);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(say_hello, body);
}

// A POST shows it: a request that must not be sent twice gets through.
SOCKET_TEST(http_client, notices_that_the_server_has_closed_an_idle_connection) {
  event closed;
  auto script = [&](scripted_peer& peer) -> task<void> {
    co_await peer.answer(hello);
    if (peer.number() > 0) co_return;
    co_await peer.stream().close();
    closed.set();
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    co_await fetch(c, base);
    co_await closed.wait();
    EXPECT_EQ(c.statistics().idle, 1u);
    client_response response = co_await c.post(base, "x");
    EXPECT_FALSE(response.reused_connection());
    EXPECT_EQ(c.statistics().requests, 2u);
    EXPECT_EQ(c.statistics().connects, 2u);
  };
  co_await with_scripted_server(script, body);
}

/// Serves one request, and closes as soon as a second one has arrived on the same connection.
task<void> close_on_second(scripted_peer& peer) {
  co_await peer.answer(hello);
  if (peer.number() > 0) co_await say_hello(peer);
  static_cast<void>(co_await peer.read_request());
}

EDDY_TEST(http_client, repeats_an_idempotent_request_that_found_a_dead_connection) {
  auto body = [](const std::string& base) -> task<void> {
    client c;
    co_await fetch(c, base);
    const std::string page = co_await fetch(c, base);
    EXPECT_EQ(page, "hello");
    EXPECT_EQ(c.statistics().connects, 2u);
    EXPECT_EQ(c.statistics().requests, 3u);
  };
  co_await with_scripted_server(close_on_second, body);
}

EDDY_TEST(http_client, does_not_repeat_a_post) {
  auto body = [](const std::string& base) -> task<void> {
    client c;
    co_await fetch(c, base);
    const auto failure = co_await error_of(c.post(base, "x"));
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, condition::disconnected);
    EXPECT_EQ(failure->phase(), request_phase::waiting);
    EXPECT_EQ(c.statistics().requests, 2u);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(close_on_second, body);
}

EDDY_TEST(http_client, does_not_use_a_connection_on_which_the_server_spoke_unasked) {
  auto script = [](scripted_peer& peer) -> task<void> {
    co_await peer.answer(hello);
    co_await sleep(1s);
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    co_await say_hello(peer);
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    co_await fetch(c, base);
    co_await sleep(2s);
    const std::string page = co_await fetch(c, base);
    EXPECT_EQ(page, "hello");
    EXPECT_EQ(c.statistics().connects, 2u);
  };
  co_await with_scripted_server(script, body);
}

// --- time ---

task<void> never_answer(scripted_peer& peer) {
  static_cast<void>(co_await peer.read_request());
  co_await sleep(std::chrono::hours(1));
}

EDDY_TEST(http_client, gives_up_after_its_total_time_and_says_where) {
  auto body = [](const std::string& base) -> task<void> {
    client c({.timeouts = {.total = 1500ms}});
    const time_point begun = now();
    const auto failure = co_await error_of(c.get(base + "/slow"));
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, condition::timed_out);
    EXPECT_EQ(failure->phase(), request_phase::waiting);
    EXPECT_THAT(failure->what(), HasSubstr("GET " + base + "/slow: waiting for the response"));
    EXPECT_THAT(failure->what(), HasSubstr("1.5 s"));
    EXPECT_EQ(now() - begun, 1500ms);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(never_answer, body);
}

EDDY_TEST(http_client, counts_the_body_into_the_total_time) {
  auto script = [](scripted_peer& peer) -> task<void> {
    co_await peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    for (int i = 0; i < 100; ++i) {
      co_await sleep(1s);
      co_await peer.send("x");
    }
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    client_response response = co_await c.get(base);
    const auto failure = co_await error_of(response.body());
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, condition::timed_out);
    EXPECT_EQ(failure->phase(), request_phase::reading);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  auto quiet = [&](scripted_peer& peer) -> task<void> {
    static_cast<void>(co_await as_result(script(peer)));  // the client goes away half-way
  };
  co_await with_scripted_server(quiet, body);
}

virtual_options slow_network() {
  virtual_options options;
  options.network.latency = 20s;
  return options;
}

EDDY_TEST_WITH(http_client, limits_the_time_of_connecting, slow_network()) {
  auto body = [](const std::string& base) -> task<void> {
    client c({.timeouts = {.total = 1min, .connect = 5s}});
    const auto failure = co_await error_of(c.get(base));
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, condition::timed_out);
    EXPECT_EQ(failure->phase(), request_phase::connecting);
    EXPECT_EQ(now().time_since_epoch(), 5s);
  };
  co_await with_scripted_server(say_hello, body);
}

EDDY_TEST(http_client, says_who_refused_the_connection) {
  client c;
  const auto failure = co_await error_of(c.get("http://127.0.0.1:9/x"));
  EDDY_REQUIRE(failure);
  EXPECT_EQ(*failure, condition::disconnected);
  EXPECT_EQ(failure->phase(), request_phase::connecting);
  EXPECT_EQ(failure->peer(), "127.0.0.1:9");
  EXPECT_EQ(failure->url(), "http://127.0.0.1:9/x");
}

// --- limits ---

EDDY_TEST(http_client, keeps_to_the_limit_per_host_in_order_of_arrival) {
  int at_once = 0;
  int most = 0;
  std::vector<std::string> order;
  auto script = [&](scripted_peer& peer) -> task<void> {
    for (;;) {
      const auto request = co_await peer.read_request();
      if (!request) co_return;
      order.push_back(request->substr(0, request->find(' ', 4)));
      most = std::max(most, ++at_once);
      co_await sleep(1s);
      --at_once;
      co_await peer.send(hello);
    }
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c({.max_connections_per_host = 2});
    std::vector<task<std::string>> fetches;
    for (int i = 0; i < 10; ++i) {
      // Started one after the other, whatever the order of ready tasks.
      auto later = [](client& with, std::string url, duration pause) -> task<std::string> {
        co_await sleep(pause);
        co_return co_await fetch(with, url);
      };
      fetches.push_back(later(c, base + "/" + std::to_string(i), i * 1ms));
    }
    const auto pages = co_await gather(std::move(fetches));
    EXPECT_EQ(pages.size(), 10u);
    EXPECT_EQ(most, 2);
    EXPECT_EQ(c.statistics().connects, 2u);
    EXPECT_EQ(c.statistics().waiting, 0u);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(order[static_cast<std::size_t>(i)], "GET /" + std::to_string(i));
    }
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client, gives_the_place_of_an_idle_connection_to_another_host) {
  auto inner = [](const std::string& first) {
    return [first](const std::string& second) -> task<void> {
      client c({.max_connections = 1});
      for (int i = 0; i < 3; ++i) {
        co_await fetch(c, first);
        co_await fetch(c, second);
      }
      EXPECT_EQ(c.statistics().connections, 1u);
      EXPECT_EQ(c.statistics().connects, 6u);
    };
  };
  auto outer = [&](const std::string& first) -> task<void> {
    auto body = inner(first);
    co_await with_scripted_server(say_hello, body);
  };
  co_await with_scripted_server(say_hello, outer);
}

EDDY_TEST(http_client, lets_no_host_starve_another_one_at_the_total_limit) {
  auto outer = [&](const std::string& busy) -> task<void> {
    auto body = [&](const std::string& rare) -> task<void> {
      client c({.max_connections = 2});
      int busy_done = 0;
      std::optional<int> rare_after;
      auto hammer = [&]() -> task<void> {
        for (int i = 0; i < 50; ++i) {
          co_await fetch(c, busy);
          ++busy_done;
        }
      };
      auto once = [&]() -> task<void> {
        co_await sleep(1ms);
        co_await fetch(c, rare);
        rare_after = busy_done;
      };
      co_await gather(hammer(), hammer(), hammer(), hammer(), once());
      EXPECT_EQ(busy_done, 200);
      EDDY_REQUIRE(rare_after);
      EXPECT_LT(*rare_after, 20);
      EXPECT_LE(c.statistics().connections, 2u);
    };
    co_await with_scripted_server(say_hello, body);
  };
  auto slow_hello = [](scripted_peer& peer) -> task<void> {
    bool more = true;
    while (more) {
      more = co_await peer.answer(hello);
      co_await sleep(1ms);
    }
  };
  co_await with_scripted_server(slow_hello, outer);
}

EDDY_TEST(http_client, refuses_bodies_that_are_too_large) {
  auto script = texts({"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello hello", ""});
  auto body = [](const std::string& base) -> task<void> {
    client c({.max_body = 10});
    client_response response = co_await c.get(base);
    const auto failure = co_await error_of(response.body());
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, errc::limit_exceeded);
    EXPECT_THAT(failure->what(), HasSubstr("larger than 10 bytes"));
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client, streams_a_body_beyond_the_limit) {
  auto script = texts({"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello hello", ""});
  auto body = [](const std::string& base) -> task<void> {
    client c({.max_body = 10});
    client_response response = co_await c.get(base);
    std::string whole;
    std::array<std::byte, 4> piece{};
    for (;;) {
      const std::size_t got = co_await response.read_some(piece);
      if (got == 0) break;
      whole += io::text_of(std::span(piece).first(got));
    }
    EXPECT_EQ(whole, "hello hello");
    EXPECT_EQ(c.statistics().idle, 1u);
  };
  co_await with_scripted_server(script, body);
}

// --- cancellation and the end ---

EDDY_TEST(http_client, gives_everything_back_when_cancelled_at_any_moment) {
  auto slow = [](scripted_peer& peer) -> task<void> {
    for (;;) {
      const auto request = co_await peer.read_request();
      if (!request) co_return;
      co_await sleep(2ms);
      co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
      co_await sleep(2ms);
      co_await peer.send("llo");
    }
  };
  auto forgiving = [&](scripted_peer& peer) -> task<void> {
    static_cast<void>(co_await as_result(slow(peer)));
  };
  auto body = [](const std::string& base) -> task<void> {
    client c({.max_connections_per_host = 2});
    for (int tenths = 0; tenths < 100; ++tenths) {
      auto impatient = [&](duration patience) -> task<void> {
        co_await move_on_after(patience, fetch(c, base));
      };
      co_await gather(impatient(tenths * 100us), impatient(tenths * 130us),
                      impatient(tenths * 70us), impatient(tenths * 200us));
      EXPECT_EQ(c.statistics().waiting, 0u);
      EXPECT_EQ(c.statistics().connections, c.statistics().idle);
      EXPECT_LE(c.statistics().connections, 2u);
    }
    const std::string page = co_await fetch(c, base);
    EXPECT_EQ(page, "hello");
  };
  co_await with_scripted_server(forgiving, body);
}

EDDY_TEST(http_client, refuses_requests_after_close_and_lets_running_ones_end) {
  auto script = [](scripted_peer& peer) -> task<void> {
    static_cast<void>(co_await peer.read_request());
    co_await sleep(1s);
    co_await peer.send(hello);
    static_cast<void>(co_await peer.read_request());
  };
  auto body = [](const std::string& base) -> task<void> {
    client c({.max_connections_per_host = 1});
    auto close_soon = [&]() -> task<void> {
      co_await sleep(500ms);
      c.close();
    };
    auto second = [&]() -> task<std::optional<request_error>> {
      co_await sleep(1ms);
      co_return co_await error_of(fetch(c, base));
    };
    auto [running, waiting, closed] = co_await gather(fetch(c, base), second(), close_soon());
    EXPECT_EQ(running, "hello");
    EDDY_REQUIRE(waiting);
    EXPECT_EQ(*waiting, errc::closed);
    EXPECT_EQ(waiting->phase(), request_phase::queued);
    const auto later = co_await error_of(c.get(base));
    EDDY_REQUIRE(later);
    EXPECT_EQ(*later, errc::closed);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client, may_be_destroyed_before_its_responses) {
  auto body = [](const std::string& base) -> task<void> {
    std::optional<client> c(std::in_place);
    client_response response = co_await c->get(base);
    c.reset();
    const std::string page = co_await response.body();
    EXPECT_EQ(page, "hello");
  };
  co_await with_scripted_server(say_hello, body);
}

TEST(http_client, refuses_options_that_allow_nothing) {
  eddy::testing::run_virtual([]() -> task<void> {
    EXPECT_THROW(client({.max_connections = 0}), error);
    EXPECT_THROW(client({.max_connections_per_host = 0}), error);
    co_return;
  });
}

}  // namespace
}  // namespace eddy::http
