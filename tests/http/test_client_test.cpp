// WebSockets, events and streams through the client for tests: no sockets, and virtual time.
#include <eddy/testing/test_client.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/server.hpp>
#include <eddy/http/sse.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

task<void> echo(websocket& on) {
  for (;;) {
    const auto message = co_await on.receive();
    if (!message) co_return;
    co_await on.send(*message);
  }
}

task<void> count(event_writer& out) {
  for (int i = 1; i <= 3; ++i) {
    const std::string number = std::to_string(i);
    wire::sse::outgoing_event event;
    event.data = number;
    event.id = number;
    co_await out.send(event);
    co_await sleep(1min);
  }
}

EDDY_TEST(test_client, speaks_websocket_with_the_application) {
  server app;
  app.get("/echo", [](request& r) { return websocket_upgrade(r, echo); });
  auto body = [](client& c) -> task<void> {
    auto first = co_await websocket_connect(c, "/echo");
    auto second = co_await websocket_connect(c, "ws://app/echo");
    EXPECT_TRUE(first.is_compressed());
    for (const std::string& text : {std::string("hello"), std::string(200'000, 'x')}) {
      for (websocket* one : {&first, &second}) {
        co_await one->send_text(text);
        const auto back = co_await one->receive();
        EXPECT_TRUE(back && back->data == text);
      }
    }
    co_await first.close(1000, "done");
    EXPECT_EQ(first.close_code(), 1000);
    // The second is still open when the body ends: its handler is cancelled.
  };
  co_await testing::with_test_client(app, body);
  EXPECT_EQ(app.statistics().connections_open, 0U);
}

EDDY_TEST(test_client, is_told_why_a_websocket_is_refused) {
  server app;
  app.get("/plain", [](request&) { return "plain"; });
  auto body = [](client& c) -> task<void> {
    EXPECT_THROW(co_await websocket_connect(c, "/plain"), websocket_error);
    EXPECT_THROW(co_await websocket_connect(c, "/missing"), websocket_error);
  };
  co_await testing::with_test_client(app, body);
}

EDDY_TEST(test_client, follows_a_stream_of_events) {
  server app;
  app.get("/events", [](request& r) { return event_stream(r, count); });
  std::vector<std::string> got;
  auto body = [&](client& c) -> task<void> {
    event_source source(c, "/events");
    for (int i = 0; i < 4; ++i) {
      const auto event = co_await source.next();
      EDDY_REQUIRE(event.has_value());
      got.push_back(event->data);
    }
    EXPECT_EQ(source.connections(), 2U);
    EXPECT_EQ(source.last_event_id(), "1");
  };
  co_await testing::with_test_client(app, body);
  EXPECT_THAT(got, ElementsAre("1", "2", "3", "1"));
  EXPECT_EQ(app.statistics().connections_open, 0U);
}

EDDY_TEST(test_client, reads_an_answer_while_it_is_made) {
  server app;
  app.get("/ticks", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await out.write("tick");
        co_await sleep(1s);
      }
    });
  });
  auto body = [](client& c) -> task<void> {
    const time_point start = now();
    auto answer = co_await c.get("/ticks");
    EXPECT_EQ(now() - start, 0s);
    std::array<std::byte, 64> piece{};
    const std::size_t first = co_await answer.read_some(piece);
    EXPECT_EQ(first, 4U);
    const std::string rest = co_await answer.body();
    EXPECT_EQ(rest, "ticktick");
    EXPECT_EQ(now() - start, 3s);
  };
  co_await testing::with_test_client(app, body);
}

}  // namespace
}  // namespace eddy::http
