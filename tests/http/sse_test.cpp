#include <eddy/http/sse.hpp>

#include "scripted_server.hpp"
#include "server_fixture.hpp"

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/everywhere.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

task<void> three_events(event_writer& out) {
  co_await out.send("one");
  wire::sse::outgoing_event second;
  second.data = "two\nlines";
  second.type = "change";
  second.id = "2";
  co_await out.send(second);
  co_await sleep(40s);
  co_await out.send("three");
}

EDDY_TEST(sse, a_server_sends_events_ids_and_keeps_the_connection_alive) {
  server app;
  app.get("/events", [](request& r) { return event_stream(r, three_events); });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const time_point begin = now();
    const answer got = co_await client.ask(get("/events"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.field("Content-Type"), "text/event-stream");
    EXPECT_EQ(got.field("Cache-Control"), "no-cache");
    EXPECT_EQ(got.body,
              ": \n\ndata: one\n\nevent: change\nid: 2\ndata: two\ndata: lines\n\n: \n\n: \n\n"
              "data: three\n\n");
    EXPECT_EQ(now() - begin, 40s);
  };
  co_await with_server(app, body);
}

EDDY_TEST(sse, a_handler_is_told_what_the_client_has_seen_and_when_the_server_ends) {
  server app;
  app.get("/events", [](request& r) {
    return event_stream(r, [](event_writer& out) -> task<void> {
      co_await out.send("after " + out.last_event_id());
      co_await out.draining();
      co_await out.send("bye");
    });
  });
  auto body = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/events", "Last-Event-ID: 17\r\n"));
    co_await sleep(1s);
    app.shutdown();
    const answer got = co_await client.read();
    EXPECT_EQ(got.body, ": \n\ndata: after 17\n\ndata: bye\n\n");
  };
  const time_point begin = now();
  co_await with_server(app, body);
  EXPECT_LE(now() - begin, 2s);
}

EDDY_TEST(sse, a_handler_ends_when_its_client_has_gone) {
  server app;
  bool ended = false;
  app.get("/events", [&](request& r) {
    return event_stream(r, [&](event_writer&) -> task<void> {
      struct mark {
        bool& set;
        ~mark() { set = true; }
      };
      const mark at_end{ended};
      co_await sleep(24h);
    });
  });
  auto body = [&](net::address at) -> task<void> {
    {
      raw_client client = co_await raw_client::connect(at);
      co_await client.send(get("/events"));
      co_await sleep(1s);
    }
    co_await sleep(1s);
    EXPECT_TRUE(ended);
  };
  co_await with_server(app, body);
}

EDDY_TEST(sse, refuses_events_that_would_break_the_stream) {
  server app;
  app.get("/events", [&](request& r) {
    return event_stream(r, [&](event_writer& out) -> task<void> {
      wire::sse::outgoing_event wrong;
      wrong.data = "x";
      wrong.id = "a\nb";
      EXPECT_THROW(co_await out.send(wrong), error);
      co_await out.send_comment("still here");
    });
  });
  auto body = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/events"));
    EXPECT_EQ(got.body, ": \n\n: still here\n\n");
  };
  co_await with_server(app, body);
}

EDDY_TEST(sse, our_client_follows_our_server) {
  server app;
  app.get("/events", [](request& r) { return event_stream(r, three_events); });
  auto body = [](net::address at) -> task<void> {
    client through;
    event_source source(through, "http://" + at.to_string() + "/events");
    std::vector<std::string> got;
    for (int i = 0; i < 4; ++i) {
      const auto event = co_await source.next();
      EDDY_REQUIRE(event.has_value());
      got.push_back(event->type + "|" + event->data + "|" + event->id);
    }
    EXPECT_THAT(got, ElementsAre("message|one|", "change|two\nlines|2", "message|three|2",
                                 "message|one|2"));
    EXPECT_EQ(source.connections(), 2u);
    EXPECT_TRUE(source.connected());
    EXPECT_EQ(source.last_event_id(), "2");
  };
  co_await with_server(app, body);
}

EDDY_TEST(sse, a_client_comes_back_after_the_time_the_server_asked_for_with_the_last_id) {
  std::vector<std::string> requests;
  auto script = [&](testing::scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    EDDY_REQUIRE(request.has_value());
    requests.push_back(*request);
    switch (peer.number()) {
      case 0:
        co_await peer.send(std::string(stream_head) + "retry: 500\nid: 7\ndata: a\n\ndata: lost");
        break;
      case 1: break;  // ends without a response
      case 2: co_await peer.send(std::string(stream_head) + "data: b\n\n"); break;
      default: co_await peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    }
  };
  auto body = [&](std::string base) -> task<void> {
    client_options once;
    once.retries = 0;
    client through(once);
    event_source_options options;
    options.last_event_id = "5";
    event_source source(through, base + "/events", options);
    const auto first = co_await source.next();
    EXPECT_EQ(first->data, "a");
    const time_point begin = now();
    const auto second = co_await source.next();
    EXPECT_EQ(second->data, "b");
    EXPECT_EQ(second->id, "7");
    EXPECT_GE(now() - begin, 1s);
    EXPECT_LT(now() - begin, 2s);
    const auto end = co_await source.next();
    EXPECT_FALSE(end.has_value());
    const auto again = co_await source.next();
    EXPECT_FALSE(again.has_value());
  };
  co_await testing::with_scripted_server(script, body);
  EDDY_REQUIRE(requests.size() >= 4u);
  EXPECT_THAT(requests[0], HasSubstr("Last-Event-ID: 5\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("Accept: text/event-stream\r\n"));
  EXPECT_THAT(requests.back(), HasSubstr("Last-Event-ID: 7\r\n"));
}

EDDY_TEST(sse, a_silent_connection_is_made_anew_and_a_cancelled_next_has_lost_nothing) {
  auto script = [&](testing::scripted_peer& peer) -> task<void> {
    co_await peer.answer(std::string(stream_head) + "data: " + std::to_string(peer.number()));
    co_await sleep(30s);
    co_await peer.send("\n\n");
    co_await sleep(24h);
  };
  auto body = [&](std::string base) -> task<void> {
    client through;
    event_source source(through, base);
    auto waiting = source.next();
    const auto nothing = co_await move_on_after(10s, std::move(waiting));
    EXPECT_FALSE(nothing.has_value());
    const auto first = co_await source.next();
    EXPECT_EQ(first->data, "0");
    const auto second = co_await source.next();
    EXPECT_EQ(second->data, "1");
  };
  co_await testing::with_scripted_server(script, body);
}

EDDY_TEST(sse, what_is_no_stream_of_events_is_thrown) {
  auto script = [&](testing::scripted_peer& peer) -> task<void> {
    static constexpr std::array<std::string_view, 3> answers{
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 12345678901234567890\n"};
    co_await peer.answer(answers.at(peer.number()));
  };
  auto body = [&](std::string base) -> task<void> {
    client_options each;
    each.keep_alive = 0s;
    client through(each);
    event_source_options options;
    options.max_event = 10;
    event_source source(through, base, options);
    EXPECT_THROW(co_await source.next(), http_error);
    EXPECT_THROW(co_await source.next(), error);
    std::string what;
    try {
      co_await source.next();
    } catch (const error& e) {
      what = e.what();
    }
    EXPECT_THAT(what, HasSubstr("limit"));
    event_source nowhere(through, "gopher://x/");
    EXPECT_THROW(co_await nowhere.next(), error);
  };
  co_await testing::with_scripted_server(script, body);
}

// Exposes: http/sse.send http/sse.send_comment http/sse.next http/sse.connect http/sse.read
TEST(everywhere, a_disturbed_source_of_events_goes_on) {
  eddy::testing::cancel_everywhere([](eddy::testing::trial& t) -> task<void> {
    server app;
    app.get("/events", [](request& r) { return event_stream(r, three_events); });
    auto body = [&](net::address at) -> task<void> {
      client through;
      event_source source(through, "http://" + at.to_string() + "/events");
      auto follow = [&]() -> task<void> {
        for (int i = 0; i < 2; ++i) {
          const auto event = co_await source.next();
          EXPECT_TRUE(event.has_value());
        }
      };
      auto ended = co_await t.expose(follow());
      const auto event = co_await source.next();
      EXPECT_TRUE(event.has_value());
    };
    co_await with_server(app, body);
    EXPECT_EQ(app.statistics().connections_open, 0U);
  });
}

}  // namespace
}  // namespace eddy::http::test
