#include "websocket_fixture.hpp"

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr std::string_view goodbye{"\x03\xe8", 2};  // 1000

// The failure of a receive.
task<std::optional<websocket_error>> failure_of(websocket& from) {
  std::optional<websocket_error> got;
  websocket_message message;
  try {
    bool more = true;
    while (more) more = co_await from.receive(message);
  } catch (const websocket_error& e) {
    got = e;
  }
  co_return got;
}

// --- messages ---

EDDY_TEST(websocket, receives_texts_and_binary_messages_whole_and_in_fragments) {
  websocket_pair pair(ws::role::server);
  co_await pair.peer.send(1, "hello");
  co_await pair.peer.send(2, "a", false);
  co_await pair.peer.send(9, "?");
  co_await pair.peer.send(0, "b");
  auto first = co_await pair.ours.receive();
  EDDY_REQUIRE(first.has_value());
  EXPECT_TRUE(first->is_text());
  EXPECT_EQ(first->data, "hello");
  websocket_message second;
  const bool got = co_await pair.ours.receive(second);
  EXPECT_TRUE(got);
  EXPECT_EQ(second.kind, websocket_kind::binary);
  EXPECT_EQ(second.data, "ab");
  const std::string pong = co_await pair.peer.read();
  EXPECT_EQ(pong, "pong:?");
}

EDDY_TEST(websocket, sends_texts_and_binary_messages_in_both_roles) {
  for (const ws::role own : {ws::role::server, ws::role::client}) {
    websocket_pair pair(own);
    const std::string large(100'000, 'x');
    auto send_all = [&]() -> task<void> {
      co_await pair.ours.send_text("hello");
      co_await pair.ours.send_binary(io::bytes_of(large));
      websocket_message third;
      third.data = "third";
      co_await pair.ours.send(third);
    };
    auto read_all = [&]() -> task<void> {
      const std::array<std::string, 3> all{"text:hello", "binary:" + large, "text:third"};
      for (const std::string& expected : all) {
        const std::string got = co_await pair.peer.read();
        EXPECT_EQ(got, expected);
      }
    };
    co_await gather(send_all(), read_all());
  }
}

EDDY_TEST(websocket, refuses_to_send_what_is_not_utf8) {
  websocket_pair pair(ws::role::server);
  EXPECT_THROW(co_await pair.ours.send_text("\xff"), error);
  EXPECT_TRUE(pair.ours.is_open());
}

EDDY_TEST(websocket, many_tasks_send_in_order_of_their_calls) {
  websocket_pair pair(ws::role::server, {}, {.capacity = 16, .largest_transfer = 5});
  std::vector<std::string> called;  // in the order in which the tasks came to run
  auto send = [&](std::string text) -> task<void> {
    called.push_back("text:" + text);
    co_await pair.ours.send_text(text);
  };
  auto run = [&](task_group& group) -> task<void> {
    for (int i = 0; i < 20; ++i) group.spawn(send, "message " + std::to_string(i));
    std::vector<std::string> got;
    for (int i = 0; i < 20; ++i) got.push_back(co_await pair.peer.read());
    EXPECT_EQ(got, called);
  };
  co_await with_group(run);
}

EDDY_TEST(websocket, large_messages_come_and_go_in_pieces) {
  websocket_options options;
  options.max_message = 10'000'000;
  websocket_pair pair(ws::role::client, options);
  const std::string part(50'000, 'y');
  auto write = [&](websocket_writer& out) -> task<void> {
    for (int i = 0; i < 40; ++i) co_await out.write(part);
  };
  auto send_all = [&]() -> task<void> {
    co_await pair.ours.send_stream(websocket_kind::text, write);
  };
  auto bounce = [&]() -> task<void> {
    const std::string got = co_await pair.peer.read();
    EXPECT_EQ(got.size(), 5 + 40 * part.size());
    co_await pair.peer.send(1, got.substr(5));
  };
  auto take = [&]() -> task<void> {
    std::size_t size = 0;
    bool last = false;
    while (!last) {
      auto piece = co_await pair.ours.receive_piece();
      EDDY_REQUIRE(piece.has_value());
      EXPECT_LE(piece->data.size(), 64u * 1024);
      size += piece->data.size();
      last = piece->last;
    }
    EXPECT_EQ(size, 40 * part.size());
  };
  co_await gather(send_all(), bounce(), take());
}

EDDY_TEST(websocket, a_streamed_message_that_fails_cuts_the_connection) {
  websocket_pair pair(ws::role::server);
  auto nothing = [](websocket_writer&) -> task<void> {
    throw std::runtime_error("no data");
    co_return;
  };
  EXPECT_THROW(co_await pair.ours.send_stream(websocket_kind::binary, nothing), std::runtime_error);
  EXPECT_TRUE(pair.ours.is_open());
  auto half = [](websocket_writer& out) -> task<void> {
    co_await out.write("half");
    throw std::runtime_error("no more data");
  };
  EXPECT_THROW(co_await pair.ours.send_stream(websocket_kind::binary, half), std::runtime_error);
  EXPECT_FALSE(pair.ours.is_open());
  EXPECT_EQ(pair.ours.close_code(), 1006);
}

// --- the end ---

EDDY_TEST(websocket, answers_a_close_frame_and_ends_in_order) {
  websocket_pair pair(ws::role::server);
  co_await pair.peer.send(8, std::string("\x03\xe9", 2) + "bye");
  const auto message = co_await pair.ours.receive();
  EXPECT_FALSE(message.has_value());
  EXPECT_EQ(pair.ours.close_code(), 1001);
  EXPECT_EQ(pair.ours.close_reason(), "bye");
  const auto again = co_await pair.ours.receive();
  EXPECT_FALSE(again.has_value());
  std::string what;
  try {
    co_await pair.ours.send_text("late");
  } catch (const websocket_error& e) {
    what = e.what();
    EXPECT_EQ(e, condition::disconnected);
    EXPECT_EQ(e.close_code(), 1001);
  }
  EXPECT_EQ(what, "send: closed (closed with 1001): bye");
  const auto said = co_await pair.peer.read_all();
  EXPECT_THAT(said, ElementsAre("close 1001:", "end"));
}

EDDY_TEST(websocket, close_waits_for_the_answer_and_drops_what_still_comes) {
  websocket_pair pair(ws::role::server);
  auto peer = [&]() -> task<void> {
    const std::string got = co_await pair.peer.read();
    EXPECT_EQ(got, "close 4000:enough");
    co_await pair.peer.send(1, "still");
    co_await pair.peer.send(8, std::string("\x0f\xa0", 2));
    const std::string end = co_await pair.peer.read();
    EXPECT_EQ(end, "end");
  };
  co_await gather(pair.ours.close(4000, "enough"), peer());
  EXPECT_EQ(pair.ours.close_code(), 4000);
  EXPECT_FALSE(pair.ours.is_open());
  co_await pair.ours.close();  // nothing more to do
}

EDDY_TEST(websocket, close_lets_a_task_that_receives_read_the_answer) {
  websocket_pair pair(ws::role::server);
  auto receive = [&]() -> task<void> {
    const auto message = co_await pair.ours.receive();
    EDDY_REQUIRE(message.has_value());
    EXPECT_EQ(message->data, "last");
    const auto end = co_await pair.ours.receive();
    EXPECT_FALSE(end.has_value());
  };
  auto close = [&]() -> task<void> {
    co_await eddy::testing::settle();  // the other one receives
    co_await pair.ours.close();
  };
  auto peer = [&]() -> task<void> {
    const std::string got = co_await pair.peer.read();
    EXPECT_EQ(got, "close 1000:");
    co_await pair.peer.send(1, "last");
    co_await sleep(1s);
    co_await pair.peer.send(8, std::string(goodbye));
  };
  co_await gather(receive(), close(), peer());
  EXPECT_EQ(pair.ours.close_code(), 1000);
}

EDDY_TEST(websocket, close_gives_up_when_its_time_is_over) {
  websocket_pair pair(ws::role::client);
  const time_point begin = now();
  co_await pair.ours.close();
  EXPECT_EQ(now() - begin, 10s);
  EXPECT_EQ(pair.ours.close_code(), 1006);
  const auto said = co_await pair.peer.read_all();
  EXPECT_EQ(said.back(), "reset");
}

EDDY_TEST(websocket, close_refuses_codes_that_may_not_be_sent) {
  websocket_pair pair(ws::role::server);
  for (const int code : {0, 999, 1005, 1006, 2000, 5000}) {
    EXPECT_THROW(co_await pair.ours.close(static_cast<std::uint16_t>(code)), error);
  }
  EXPECT_THROW(co_await pair.ours.close(1000, std::string(124, 'x')), error);
  EXPECT_THROW(co_await pair.ours.close(1000, "\xff"), error);
  co_return;
}

EDDY_TEST(websocket, a_lost_connection_is_thrown_by_both_sides) {
  websocket_pair pair(ws::role::server);
  pair.peer.stream().abort();
  const auto failure = co_await failure_of(pair.ours);
  EDDY_REQUIRE(failure.has_value());
  EXPECT_EQ(*failure, condition::disconnected);
  EXPECT_EQ(failure->close_code(), 1006);
  EXPECT_THROW(co_await pair.ours.send_text("x"), websocket_error);
}

EDDY_TEST(websocket, an_end_without_a_close_frame_is_a_failure) {
  websocket_pair pair(ws::role::client);
  co_await pair.peer.stream().shutdown_write();
  const auto failure = co_await failure_of(pair.ours);
  EDDY_REQUIRE(failure.has_value());
  EXPECT_EQ(*failure, condition::disconnected);
  EXPECT_EQ(pair.ours.close_code(), 1006);
}

EDDY_TEST(websocket, tells_a_peer_that_breaks_the_protocol_why_it_ends) {
  struct wrong {
    raw_frame frame;
    ws::errc code;
    std::string answer;
  };
  const std::array<wrong, 3> all{
      {{{.opcode = 3}, ws::errc::reserved_opcode, "close 1002:"},
       {{.opcode = 1, .payload = "\xff"}, ws::errc::bad_utf8, "close 1007:"},
       {{.opcode = 2, .payload = std::string(1 << 21, 'x')},
        ws::errc::frame_too_big,
        "close 1009:"}}};
  for (const wrong& one : all) {
    websocket_pair pair(ws::role::server, {}, {.capacity = 1 << 22});
    auto peer = [&]() -> task<void> {
      co_await pair.peer.send(one.frame);
      const std::string got = co_await pair.peer.read();
      EXPECT_EQ(got, one.answer);
      co_await pair.peer.stream().shutdown_write();
    };
    auto receive = [&]() -> task<void> {
      const auto failure = co_await failure_of(pair.ours);
      EDDY_REQUIRE(failure.has_value());
      EXPECT_EQ(failure->code(), make_error_code(one.code));
    };
    co_await gather(receive(), peer());
  }
}

EDDY_TEST(websocket, abort_wakes_everybody) {
  websocket_pair pair(ws::role::server);
  auto receive = [&]() -> task<void> {
    const auto failure = co_await failure_of(pair.ours);
    EDDY_REQUIRE(failure.has_value());
    EXPECT_EQ(*failure, errc::closed);
  };
  auto abort = [&]() -> task<void> {
    co_await sleep(1s);
    pair.ours.abort();
  };
  co_await gather(receive(), abort());
}

// --- time ---

EDDY_TEST(websocket, pings_a_silent_peer_and_gives_up_without_an_answer) {
  websocket_pair pair(ws::role::server);
  const time_point begin = now();
  auto peer = [&]() -> task<void> {
    const std::string first = co_await pair.peer.read();
    EXPECT_EQ(first, "ping:");
    EXPECT_EQ(now() - begin, 20s);
    co_await sleep(5s);
    co_await pair.peer.send(10);
    const std::string second = co_await pair.peer.read();
    EXPECT_EQ(second, "ping:");
    EXPECT_EQ(now() - begin, 45s);
  };
  auto receive = [&]() -> task<void> {
    const auto failure = co_await failure_of(pair.ours);
    EDDY_REQUIRE(failure.has_value());
    EXPECT_EQ(*failure, condition::timed_out);
    EXPECT_EQ(now() - begin, 65s);
  };
  co_await gather(receive(), peer());
}

EDDY_TEST(websocket, does_not_ping_while_data_comes_or_when_told_not_to) {
  websocket_options quiet;
  quiet.ping_interval = 0s;
  for (const bool pinging : {true, false}) {
    websocket_pair pair(ws::role::server, pinging ? websocket_options() : quiet);
    auto peer = [&]() -> task<void> {
      for (int i = 0; i < 10; ++i) {
        co_await sleep(pinging ? 15s : 1000s);
        co_await pair.peer.send(1, "x");
      }
      co_await pair.peer.send(8);
      const auto said = co_await pair.peer.read_all();
      EXPECT_THAT(said, ElementsAre("close 1005:", "end"));
    };
    auto receive = [&]() -> task<void> {
      const auto failure = co_await failure_of(pair.ours);
      EXPECT_FALSE(failure.has_value());
    };
    co_await gather(receive(), peer());
  }
}

EDDY_TEST(websocket, a_peer_that_takes_nothing_ends_the_connection) {
  websocket_pair pair(ws::role::server, {}, {.capacity = 100});
  const time_point begin = now();
  std::optional<websocket_error> failure;
  const std::string text(1000, 'x');
  try {
    co_await pair.ours.send_text(text);
  } catch (const websocket_error& e) {
    failure = e;
  }
  EDDY_REQUIRE(failure.has_value());
  EXPECT_EQ(*failure, condition::timed_out);
  EXPECT_EQ(now() - begin, 30s);
}

// --- back-pressure and cancellation ---

EDDY_TEST(websocket, reads_nothing_that_nobody_receives) {
  websocket_pair pair(ws::role::server, {}, {.capacity = 1000});
  const std::string text(5000, 'x');
  raw_frame frame;
  frame.payload = text;
  auto sending = pair.peer.send(frame);
  const bool sent = co_await move_on_after(1h, std::move(sending));
  EXPECT_FALSE(sent);
}

EDDY_TEST(websocket, a_cancelled_receive_has_lost_nothing) {
  websocket_pair pair(ws::role::server, {}, {.largest_transfer = 3});
  const std::string bytes =
      bytes_of({.opcode = 1, .payload = "hel", .final = false}, ws::role::client) +
      bytes_of({.opcode = 0, .payload = "lo"}, ws::role::client);
  std::optional<websocket_message> got;
  for (const char byte : bytes) {
    EXPECT_FALSE(got.has_value());
    co_await pair.peer.send_bytes(std::string_view(&byte, 1));
    auto receiving = pair.ours.receive();
    auto ended = co_await move_on_after(1ms, std::move(receiving));
    if (ended) got = std::move(*ended);
  }
  EDDY_REQUIRE(got.has_value());
  EXPECT_EQ(got->data, "hello");
}

EDDY_TEST(websocket, pieces_go_on_behind_a_cancelled_receive) {
  websocket_pair pair(ws::role::server);
  co_await pair.peer.send(1, "hel", false);
  auto receiving = pair.ours.receive();
  const auto ended = co_await move_on_after(1ms, std::move(receiving));
  EXPECT_FALSE(ended.has_value());
  co_await pair.peer.send(0, "lo");
  const auto piece = co_await pair.ours.receive_piece();
  EDDY_REQUIRE(piece.has_value());
  EXPECT_EQ(piece->data, "hello");
  EXPECT_TRUE(piece->last);
}

EDDY_TEST(websocket, a_cancelled_send_is_nothing_or_whole) {
  for (const ws::role own : {ws::role::server, ws::role::client}) {
    websocket_pair pair(own, {}, {.capacity = 100});
    const std::string large(60'000, 'x');
    std::size_t progress = 0;
    cancel_scope brief(after(now(), 1s));
    auto send = [&](cancel_scope&) -> task<void> {
      try {
        co_await pair.ours.send_text(large);
      } catch (const cancelled& stop) {
        progress = stop.progress();
        throw;
      }
    };
    const bool sent = co_await with_scope(brief, send);
    EXPECT_FALSE(sent);
    EXPECT_EQ(progress, large.size());

    cancel_scope full(after(now(), 1s));
    auto send_more = [&](cancel_scope&) -> task<void> {
      try {
        co_await pair.ours.send_text("not sent");
      } catch (const cancelled& stop) {
        EXPECT_EQ(stop.progress(), 0u);
        throw;
      }
    };
    co_await with_scope(full, send_more);

    auto read = [&]() -> task<void> {
      const std::string first = co_await pair.peer.read();
      EXPECT_EQ(first, "text:" + large);
      const std::string second = co_await pair.peer.read();
      EXPECT_EQ(second, "text:next");
    };
    co_await gather(pair.ours.send_text("next"), read());
  }
}

EDDY_TEST(websocket, only_one_task_receives) {
  websocket_pair pair(ws::role::server);
  auto run = [&](task_group& group) -> task<void> {
    auto first = group.spawn(pair.ours.receive());
    co_await eddy::testing::settle();
    EXPECT_THROW(co_await pair.ours.receive(), error);
    group.cancel();
  };
  co_await with_group(run);
}

}  // namespace
}  // namespace eddy::http::test
