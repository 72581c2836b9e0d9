// WebSockets that are cancelled and made to fail at every point: no byte is torn, no message lost, nothing left.
#include "server_fixture.hpp"
#include "websocket_fixture.hpp"

#include <string>

#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/testing/everywhere.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::disturbance;
using ::eddy::testing::trial;

// Exposes: http/websocket.receive http/websocket.receive_piece
TEST(everywhere, a_disturbed_receive_of_a_websocket_loses_nothing) {
  cancel_everywhere([](trial& t) -> task<void> {
    websocket_pair pair(ws::role::server, {}, {.capacity = 7, .largest_transfer = 3});
    std::string got;
    auto send_all = [&]() -> task<void> {
      co_await pair.peer.send(1, "hel", false);
      co_await pair.peer.send(9, "p");
      co_await pair.peer.send(0, "lo");
    };
    auto receive = [&]() -> task<void> {
      const auto message = co_await pair.ours.receive();
      if (message) got = message->data;
    };
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(send_all());
      auto ended = co_await t.expose(receive());
      while (pair.ours.is_open() && got.size() < 5) {
        const auto piece = co_await pair.ours.receive_piece();
        if (piece) got += piece->data;
      }
    };
    const auto ended = co_await as_result(with_group(both));
    EXPECT_TRUE(ended.has_value());
    EXPECT_EQ(got, "hello");
  });
}

// Exposes: http/websocket.send http/websocket.send_text http/websocket.send_binary
TEST(everywhere, a_disturbed_send_of_a_websocket_is_nothing_or_whole) {
  cancel_everywhere([](trial& t) -> task<void> {
    websocket_pair pair(ws::role::client, {}, {.capacity = 5, .largest_transfer = 2});
    websocket_message third;
    third.data = "third";
    auto send_all = [&]() -> task<void> {
      co_await pair.ours.send_text("first");
      co_await pair.ours.send_binary(io::bytes_of("second"));
      co_await pair.ours.send(third);
    };
    auto read = [&]() -> task<void> {
      std::string last;
      while (last != "text:end" && last != "end" && last != "reset") {
        last = co_await pair.peer.read();
      }
      EXPECT_EQ(last, "text:end");
    };
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(read());
      auto ended = co_await t.expose(send_all());
      EXPECT_TRUE(pair.ours.is_open());
      co_await pair.ours.send_text("end");
    };
    co_await with_group(both);
  });
}

// Exposes: http/websocket.send_stream http/websocket.write http/websocket.close
TEST(everywhere, a_websocket_streams_and_closes_or_is_cut) {
  cancel_everywhere([](trial& t) -> task<void> {
    websocket_pair pair(ws::role::server, {}, {.capacity = 5, .largest_transfer = 2});
    auto write = [](websocket_writer& out) -> task<void> {
      co_await out.write("piece");
      co_await out.write("more");
    };
    auto talk = [&]() -> task<void> {
      co_await pair.ours.send_stream(websocket_kind::text, write);
      co_await pair.ours.close();
    };
    auto read = [&]() -> task<void> {
      std::string last;
      while (last != "end" && last != "reset") {
        last = co_await pair.peer.read();
        if (last.starts_with("close")) co_await pair.peer.send(8);
      }
    };
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(read());
      auto ended = co_await t.expose(talk());
      if (t.kind() == disturbance::none) {
        EXPECT_TRUE(ended.has_value());
        EXPECT_EQ(pair.ours.close_code(), 1005);
      }
      co_await pair.ours.close();
      EXPECT_FALSE(pair.ours.is_open());
    };
    co_await with_group(both);
  });
}

// Exposes: http/websocket.websocket_connect
TEST(everywhere, a_disturbed_handshake_leaves_no_connection) {
  cancel_everywhere([](trial& t) -> task<void> {
    server app;
    app.get("/echo", [](request& r) { return websocket_upgrade(r, echo); });
    auto body = [&](net::address at) -> task<void> {
      const std::string url = "ws://" + at.to_string() + "/echo";
      auto talk = [&]() -> task<void> {
        auto on = co_await websocket_connect(url);
        co_await on.send_text("hello");
        const auto back = co_await on.receive();
        EXPECT_TRUE(back && back->data == "hello");
        co_await on.close();
      };
      auto ended = co_await t.expose(talk());
      if (t.kind() == disturbance::none) {
        EXPECT_TRUE(ended.has_value());
      }
    };
    co_await test::with_server(app, body);
    EXPECT_EQ(app.statistics().connections_open, 0U);
  });
}

}  // namespace
}  // namespace eddy::http::test
