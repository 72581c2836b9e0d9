// Deadlines, sizes, hang-ups and the end of serving, on the virtual clock.
#include "server_fixture.hpp"
#include "waiting_handler.hpp"

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::chrono::milliseconds since(time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now() - start);
}

void add_waiting(server& app, waiting_handler& handler, duration how_long) {
  app.get("/wait", [&handler, how_long](request&) { return handler.run(how_long); });
  app.get("/", [](request&) { return "root"; });
}

EDDY_TEST(http_server_limits, a_head_has_to_be_complete_ten_seconds_after_accept) {
  server app;
  auto body = [](net::address at) -> task<void> {
    const time_point start = now();
    raw_client slow = co_await raw_client::connect(at);
    co_await slow.send("GET / HT");
    co_await sleep(6s);
    co_await slow.send("TP/1.1\r\nHost: h\r\n");
    const answer got = co_await slow.read();
    EXPECT_EQ(got.status, 408);
    EXPECT_EQ(got.field("connection"), "close");
    EXPECT_EQ(since(start), 10s);
    const time_point second = now();
    raw_client silent = co_await raw_client::connect(at);
    const std::string rest = co_await silent.read_rest();
    EXPECT_EQ(rest, "");
    EXPECT_EQ(since(second), 10s);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, an_idle_connection_ends_after_75_seconds) {
  server app;
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    for (int i = 0; i < 3; ++i) {
      const answer got = co_await client.ask(get("/"));
      EXPECT_EQ(got.status, 200);
      co_await sleep(70s);
    }
    const answer last = co_await client.ask(get("/"));
    EXPECT_EQ(last.status, 200);
    const time_point start = now();
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "");
    EXPECT_EQ(since(start), 75s);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, a_later_head_has_ten_seconds_from_its_first_byte) {
  server app;
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 200);
    co_await sleep(60s);
    const time_point start = now();
    co_await client.send("G");
    co_await sleep(9s);
    co_await client.send("E");
    const answer late = co_await client.read();
    EXPECT_EQ(late.status, 408);
    EXPECT_EQ(since(start), 10s);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, a_body_has_to_make_progress) {
  server_options options;
  options.min_rate = 0;
  server app(options);
  app.post("/", [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::string(body);
  });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    for (const char* piece : {"a", "b", "c"}) {
      co_await sleep(29s);
      co_await client.send(piece);
    }
    const time_point start = now();
    const answer got = co_await client.read();
    EXPECT_EQ(got.status, 408);
    EXPECT_EQ(since(start), 30s);
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, a_body_has_to_come_at_a_minimum_rate) {
  server app;  // 240 bytes per second after 10 seconds
  app.post("/", [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::to_string(body.size());
  });
  auto body = [](net::address at) -> task<void> {
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 24000\r\n\r\n";
    raw_client slow = co_await raw_client::connect(at);
    const time_point start = now();
    co_await slow.send(head);
    for (int second = 0; second < 11; ++second) {
      co_await sleep(1s);
      co_await slow.send("0123456789");
    }
    const answer got = co_await slow.read();
    EXPECT_EQ(got.status, 408);
    EXPECT_GE(now() - start, 10s);
    EXPECT_LE(now() - start, 11s);
    raw_client steady = co_await raw_client::connect(at);
    co_await steady.send(head);
    for (int second = 0; second < 100; ++second) {
      co_await sleep(1s);
      co_await steady.send(std::string(240, 'x'));
    }
    const answer whole = co_await steady.read();
    EXPECT_EQ(whole.body, "24000");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, an_answer_has_to_be_taken_at_a_minimum_rate) {
  server_options options;
  options.min_rate = 1'000'000;
  server app(options);
  app.get("/", [](request&) { return std::string(50'000'000, 'x'); });
  auto body = [&app](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/"));
    co_await sleep(1ms);
    const time_point start = now();
    std::array<std::byte, 10'000> piece{};
    while (app.statistics().connections_open > 0 && now() - start < 50s) {
      co_await sleep(1s);  // 10 kB each second: there is always some progress
      static_cast<void>(co_await client.stream().read_some(piece));
    }
    EXPECT_GE(now() - start, 10s);
    EXPECT_LE(now() - start, 15s);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, handlers_have_five_minutes_unless_their_route_says_otherwise) {
  server app;
  waiting_handler handler;
  add_waiting(app, handler, 1h);
  auto body = [](net::address at) -> task<void> {
    const time_point start = now();
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/wait"));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(now() - start, 5min);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, handlers_beyond_a_concurrency_limit_are_answered_503) {
  server_options options;
  options.max_concurrent = 2;
  server app(options);
  waiting_handler handler;
  route_options single;
  single.max_concurrent = 1;
  const auto wait = [&handler](request&) { return handler.run(10s); };
  app.get("/single", wait, single);
  app.get("/wait", wait);
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    raw_client first = co_await raw_client::connect(at);
    raw_client second = co_await raw_client::connect(at);
    raw_client third = co_await raw_client::connect(at);
    co_await first.send(get("/single"));
    co_await sleep(1s);
    answer got = co_await second.ask(get("/single"));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.field("retry-after"), "1");
    co_await second.send(get("/wait"));
    co_await sleep(1s);
    got = co_await third.ask(get("/wait"));
    EXPECT_EQ(got.status, 503);
    got = co_await third.ask(get("/"));  // does not wait: not counted
    EXPECT_EQ(got.status, 200);
    got = co_await first.read();
    EXPECT_EQ(got.body, "done");
    got = co_await third.ask(get("/single"));
    EXPECT_EQ(got.body, "done");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, a_client_that_does_not_read_is_cut_off) {
  server app;
  app.get("/", [](request&) { return std::string(10'000'000, 'x'); });
  auto body = [&app](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/"));
    co_await sleep(29s);
    EXPECT_EQ(app.statistics().connections_open, 1u);
    co_await sleep(2s);
    EXPECT_EQ(app.statistics().connections_open, 0u);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, sizes_are_bounded) {
  server app;
  route_options small;
  small.max_body = 10;
  const auto whole = [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::to_string(body.size());
  };
  app.post("/small", whole, small);
  app.post("/usual", whole);
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    const auto ask = [at](std::string text) -> task<answer> {
      raw_client client = co_await raw_client::connect(at);
      co_return co_await client.ask(text);
    };
    answer got = co_await ask(get("/" + std::string(9000, 'a')));
    EXPECT_EQ(got.status, 414);
    got = co_await ask(get("/", "A: " + std::string(33'000, 'a') + "\r\n"));
    EXPECT_EQ(got.status, 431);
    got = co_await ask(get("/", "A: " + std::string(20'000, 'a') + "\r\n"));
    EXPECT_EQ(got.status, 200);
    std::string many;
    for (int i = 0; i < 101; ++i) many += "A: b\r\n";
    got = co_await ask(get("/", many));
    EXPECT_EQ(got.status, 431);
    got = co_await ask(post("/small", "0123456789"));
    EXPECT_EQ(got.body, "10");
    got = co_await ask(post("/small", "0123456789a"));
    EXPECT_EQ(got.status, 413);
    got = co_await ask(
        "POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "b\r\n0123456789a\r\n0\r\n\r\n");
    EXPECT_EQ(got.status, 413);
    got = co_await ask(post("/usual", std::string(1024 * 1024, 'x')));
    EXPECT_EQ(got.body, "1048576");
    got = co_await ask(post("/usual", std::string(1024 * 1024 + 1, 'x')));
    EXPECT_EQ(got.status, 413);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, a_refused_body_that_was_small_leaves_the_connection_usable) {
  server app;
  route_options small;
  small.max_body = 10;
  app.post("/", [](request&) { return "x"; }, small);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer refused = co_await client.ask(post("/", "0123456789abc"));
    EXPECT_EQ(refused.status, 413);
    const answer good = co_await client.ask(post("/", "0123456789"));
    EXPECT_EQ(good.status, 200);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_limits, a_handler_with_a_time_limit_is_answered_503) {
  server app;
  waiting_handler handler;
  route_options brief;
  brief.timeout = 2s;
  app.get("/wait", [&handler](request&) { return handler.run(1h); }, brief);
  auto body = [&handler](net::address at) -> task<void> {
    const time_point start = now();
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/wait"));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(since(start), 2s);
    EXPECT_EQ(handler.left, 1);
    EXPECT_EQ(got.field("retry-after"), "1");
    const answer again = co_await client.ask(get("/wait"));
    EXPECT_EQ(again.status, 503);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_hang_ups, cancel_the_handler) {
  server app;
  waiting_handler handler;
  add_waiting(app, handler, 1h);
  auto body = [&](net::address at) -> task<void> {
    for (int abrupt = 0; abrupt < 2; ++abrupt) {
      raw_client client = co_await raw_client::connect(at);
      co_await client.send(get("/wait"));
      co_await sleep(1s);
      EXPECT_EQ(handler.started, abrupt + 1);
      EXPECT_EQ(handler.left, abrupt);
      if (abrupt == 1) {
        client.stream().abort();
      } else {
        co_await client.stream().close();
      }
      co_await sleep(10ms);
      EXPECT_EQ(handler.left, abrupt + 1);
      EXPECT_EQ(handler.finished, 0);
      EXPECT_EQ(app.statistics().connections_open, 0u);
    }
  };
  co_await with_server(app, body);
  EXPECT_EQ(app.statistics().requests_running, 0u);
}

EDDY_TEST(http_server_hang_ups, are_noticed_behind_pipelined_requests_which_are_not_lost) {
  server app;
  waiting_handler handler;
  add_waiting(app, handler, 1s);
  auto body = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/") + get("/wait"));
    const time_point start = now();
    const answer first = co_await client.read();
    EXPECT_EQ(first.body, "root");
    EXPECT_LE(since(start), 20ms);  // not held back until the second answer
    co_await client.send(get("/") + get("/wait"));
    const answer second = co_await client.read();
    EXPECT_EQ(second.body, "done");
    const answer third = co_await client.read();
    EXPECT_EQ(third.body, "root");
    co_await client.stream().close();
    co_await sleep(100ms);
    EXPECT_EQ(handler.left, 2);
    EXPECT_EQ(handler.finished, 1);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_hang_ups, end_a_stream_that_has_nothing_to_say) {
  server app;
  int left = 0;
  app.get("/events", [&left](request&) {
    return response::stream("text/event-stream", [&left](body_writer& out) -> task<void> {
      struct note {
        int& left;
        ~note() { ++left; }
      };
      const note at_exit{left};
      co_await out.write("data: 1\n\n");
      co_await sleep(24h);
    });
  });
  auto body = [&left](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/events"));
    co_await sleep(1min);
    EXPECT_EQ(left, 0);
    co_await client.stream().close();
    co_await sleep(1s);
    EXPECT_EQ(left, 1);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_hang_ups, in_the_middle_of_a_body_reach_the_handler) {
  server app;
  bool disconnected = false;
  app.post("/", [&disconnected](request& r) -> task<std::string> {
    try {
      const std::string_view body = co_await r.body();
      co_return std::string(body);
    } catch (const error& lost) {
      disconnected = lost == condition::disconnected && r.client_gone();
      throw;
    }
  });
  testing::error_recorder recorder;
  auto body = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    co_await sleep(1s);
    co_await client.stream().close();
    co_await sleep(1s);
    EXPECT_TRUE(disconnected);
    EXPECT_EQ(app.statistics().connections_open, 0u);
  };
  co_await with_server(app, body);
  EXPECT_EQ(recorder.count(), 0u);  // a client that leaves is nobody's failure
}

EDDY_TEST(http_server_end, lets_requests_finish_and_closes_idle_connections_at_once) {
  server app;
  waiting_handler handler;
  add_waiting(app, handler, 3s);
  auto body = [&](net::address at) -> task<void> {
    raw_client idle = co_await raw_client::connect(at);
    const answer got = co_await idle.ask(get("/"));
    EXPECT_EQ(got.status, 200);
    raw_client silent = co_await raw_client::connect(at);
    raw_client busy = co_await raw_client::connect(at);
    co_await busy.send(get("/wait"));
    co_await sleep(1s);
    const time_point start = now();
    app.shutdown();
    std::string rest = co_await idle.read_rest();
    EXPECT_EQ(rest, "");
    rest = co_await silent.read_rest();
    EXPECT_EQ(rest, "");
    EXPECT_EQ(since(start), 0s);
    const answer last = co_await busy.read();
    EXPECT_EQ(last.body, "done");
    EXPECT_EQ(last.field("connection"), "close");
    EXPECT_EQ(since(start), 2s);
    bool refused = false;
    try {
      raw_client late = co_await raw_client::connect(at);
    } catch (const error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_end, cancels_what_is_left_at_the_drain_limit) {
  server_options options;
  options.drain_limit = 5s;
  server app(options);
  waiting_handler handler;
  add_waiting(app, handler, 1h);
  const time_point start = now();
  auto body = [](net::address at) -> task<void> {
    raw_client busy = co_await raw_client::connect(at);
    co_await busy.send(get("/wait"));
    co_await sleep(1s);
  };
  // The client leaves with the body; another one stays.
  net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const net::address at = listener.local();
  cancel_scope scope;
  auto both = [&](task_group& group) -> task<void> {
    auto serving = [&](cancel_scope&) { return app.serve(listener); };
    group.spawn(with_scope(scope, serving));
    raw_client stays = co_await raw_client::connect(at);
    co_await stays.send(get("/wait"));
    co_await body(at);
    EXPECT_EQ(handler.started, 2);
    scope.cancel();
    const std::string rest = co_await stays.read_rest();
    EXPECT_EQ(rest, "");
  };
  co_await with_group(both);
  EXPECT_EQ(since(start), 6s);
  EXPECT_EQ(handler.left, 2);
  EXPECT_EQ(handler.finished, 0);
  EXPECT_EQ(app.statistics().connections_open, 0u);
}

EDDY_TEST(http_server_streams, may_be_anything_that_moves_bytes) {
  server app;
  app.get("/", [](request& r) { return r.peer().empty() ? "unnamed" : "named"; });
  io::memory_stream_options one_byte;
  one_byte.largest_transfer = 1;
  auto [client, served] = io::memory_stream_pair(one_byte);
  io::memory_stream& end = client;
  io::any_stream stream(std::move(served));
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve_connection(std::move(stream)));
    const std::string text = get("/") + get("/", "Connection: close\r\n");
    co_await io::write_all(end, text);
    std::string got;
    std::array<std::byte, 64> piece;
    for (;;) {
      const std::size_t count = co_await end.read_some(piece);
      if (count == 0) break;
      got += io::text_of(std::span(piece).first(count));
    }
    EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(got.substr(20), HasSubstr("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(got, HasSubstr("Connection: close\r\n"));
  };
  co_await with_group(both);
}

}  // namespace
}  // namespace eddy::http::test
