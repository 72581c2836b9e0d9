// How operations end without having been done, on every driver: cancelled, closed, refused as busy.
#include "driver_fixture.hpp"

#include <cerrno>
#include <string>
#include <vector>

namespace eddy::runtime {
namespace {

using namespace std::chrono_literals;

class driver_ending : public driver_test {
 protected:
  /// Cancels `waiter` and waits for its end, which must be that cancellation.
  static task<void> cancel_and_join(any_task_handle waiter) {
    EXPECT_FALSE(waiter.done());
    EXPECT_TRUE(waiter.cancel());
    while (!waiter.done()) co_await yield();
    EXPECT_EQ(waiter.status(), coro::task_status::cancelled);
  }
};
INSTANTIATE_TEST_SUITE_P(on, driver_ending, ::testing::ValuesIn(driver_factories()), driver_name);

const std::error_code closed_code = make_error_code(errc::closed);

TEST_P(driver_ending, a_cancelled_receive_takes_nothing) {
  drive([&]() -> task<void> {  // loop.21, strm.16
    connection pair = co_await connected();
    std::vector<char> untouched(10, '-');
    auto reading = spawn(coro::as_task(receive(*pair.server, untouched)));
    co_await settle();
    co_await cancel_and_join(reading);
    co_await send_all(*pair.client, "all of it");
    co_await settle();
    EXPECT_EQ(std::string(untouched.begin(), untouched.end()), "----------");
    const std::string text = co_await receive_all(*pair.server, 9);
    EXPECT_EQ(text, "all of it");
  });
}

TEST_P(driver_ending, a_receive_cancelled_in_the_step_of_its_start_takes_nothing) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    char untouched[] = "----";
    for (int turns = 1; turns < 4; ++turns) {
      auto reading = spawn(coro::as_task(receive(*pair.server, untouched)));
      for (int turn = 0; turn < turns; ++turn) co_await yield();
      co_await cancel_and_join(reading);
    }
    co_await send_all(*pair.client, "late");
    const std::string text = co_await receive_all(*pair.server, 4);
    EXPECT_EQ(text, "late");
    EXPECT_STREQ(untouched, "----");
  });
}

TEST_P(driver_ending, bytes_and_cancellation_in_one_step_lose_no_byte) {
  drive([&]() -> task<void> {  // general rules 10 and 11
    connection pair = co_await connected();
    for (int turns = 0; turns < 4; ++turns) {
      char buffer[4] = {};
      auto reading = spawn(coro::as_task(receive(*pair.server, buffer)));
      co_await settle();
      co_await send_all(*pair.client, "data");
      for (int turn = 0; turn < turns; ++turn) co_await yield();
      reading.cancel();
      while (!reading.done()) co_await yield();
      std::string text;
      if (reading.status() == coro::task_status::succeeded) {
        const std::size_t size = co_await reading;
        text = std::string(buffer, size);
      }
      if (text.empty()) text = co_await receive_all(*pair.server, 4);
      EXPECT_EQ(text, "data");
    }
  });
}

TEST_P(driver_ending, a_cancelled_send_has_sent_nothing) {
  drive([&]() -> task<void> {  // strm.9
    connection pair = co_await connected();
    const std::string block(1 << 16, 'x');
    std::size_t sent = 0;
    const auto fill = [&]() -> task<void> {
      for (;;) sent += co_await send(*pair.client, block);
    };
    auto filling = spawn(fill());
    std::size_t before = 1;
    while (before != sent) {
      before = sent;
      co_await settle();
    }
    co_await cancel_and_join(filling);
    pair.client->shutdown(SHUT_WR);
    const std::string received = co_await receive_all(*pair.server, sent + 1);
    EXPECT_EQ(received.size(), sent);
  });
}

TEST_P(driver_ending, a_cancelled_accept_takes_no_connection) {
  drive([&]() -> task<void> {
    auto listening = listener(socket_address::loopback_v4(0));
    auto accepting = spawn(accept_from(*listening));
    co_await settle();
    co_await cancel_and_join(accepting);
    auto client = io().open_socket(AF_INET, SOCK_STREAM, 0);
    co_await connect_to(*client, listening->local_address());
    const auto server = co_await accept_one(*listening);
    EXPECT_EQ(server->peer_address(), client->local_address());
  });
}

TEST_P(driver_ending, a_connection_accepted_and_cancelled_in_one_step_is_delivered) {
  for (int turns = 0; turns < 4; ++turns) {
    drive([&]() -> task<void> {  // strm.17
      auto listening = listener(socket_address::loopback_v4(0));
      auto accepting = spawn(accept_from(*listening));
      co_await settle();
      auto client = io().open_socket(AF_INET, SOCK_STREAM, 0);
      co_await connect_to(*client, listening->local_address());
      for (int turn = 0; turn < turns; ++turn) co_await yield();
      accepting.cancel();
      while (!accepting.done()) co_await yield();
      std::unique_ptr<descriptor> server;
      if (accepting.status() == coro::task_status::succeeded) {
        server = co_await std::move(accepting);
      } else {
        server = co_await accept_one(*listening);
      }
      EXPECT_EQ(server->peer_address(), client->local_address());
    });
  }
}

TEST_P(driver_ending, a_cancelled_datagram_receive_takes_nothing) {
  drive([&]() -> task<void> {
    auto server = io().open_socket(AF_INET, SOCK_DGRAM, 0);
    auto client = io().open_socket(AF_INET, SOCK_DGRAM, 0);
    server->bind(socket_address::loopback_v4(0));
    char untouched[] = "----";
    socket_address from;
    auto reading =
        spawn(coro::as_task(transfer(*server, io_verb::receive_from, untouched, 4, &from)));
    co_await settle();
    co_await cancel_and_join(reading);
    char text[] = "text";
    socket_address to = server->local_address();
    co_await transfer(*client, io_verb::send_to, text, 4, &to);
    char buffer[10];
    const std::size_t size = co_await transfer(*server, io_verb::receive_from, buffer, 10, &from);
    EXPECT_EQ(std::string_view(buffer, size), "text");
    EXPECT_STREQ(untouched, "----");
  });
}

TEST_P(driver_ending, a_timeout_ends_a_receive_and_nothing_else) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    char byte = 0;
    for (int round = 0; round < 3; ++round) {
      const auto got = co_await move_on_after(1ms, receive(*pair.server, {&byte, 1}));
      EXPECT_FALSE(got);
    }
    co_await send_all(*pair.server, "x");
    const std::string text = co_await receive_all(*pair.client, 1);
    EXPECT_EQ(text, "x");
  });
}

TEST_P(driver_ending, cancelling_one_direction_leaves_the_other_alone) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    const std::string big(32 << 20, 'x');
    auto writing = spawn(send_all(*pair.client, big));
    auto reading = spawn(receive_all(*pair.client, 1));
    co_await settle();
    co_await cancel_and_join(reading);
    const std::string text = co_await receive_all(*pair.server, big.size());
    EXPECT_TRUE(text == big);
    co_await writing;
  });
}

TEST_P(driver_ending, closing_ends_what_is_pending) {
  drive([&]() -> task<void> {  // strm.8
    connection pair = co_await connected();
    auto listening = listener(socket_address::loopback_v4(0));
    char byte = 0;
    auto reading = spawn(failure_of(receive(*pair.server, {&byte, 1})));
    auto accepting = spawn(failure_of(accept_one(*listening)));
    co_await settle();
    EXPECT_FALSE(reading.done() || accepting.done());
    pair.server->close();
    listening->close();
    EXPECT_FALSE(pair.server->is_open());
    const std::error_code read = co_await reading;
    const std::error_code accepted = co_await accepting;
    EXPECT_EQ(read, closed_code);
    EXPECT_EQ(accepted, closed_code);
    const std::string end = co_await receive_all(*pair.client, 1);
    EXPECT_EQ(end, "");
  });
}

TEST_P(driver_ending, closing_ends_a_waiting_send) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    const std::string big(64 << 20, 'x');
    std::error_code code;
    const auto fill = [&]() -> task<void> {
      try {
        co_await send_all(*pair.client, big);
      } catch (const error& e) {
        code = e.code();
      }
    };
    auto filling = spawn(fill());
    for (int round = 0; round < 10; ++round) co_await settle();
    EXPECT_FALSE(filling.done());
    pair.client->close();
    co_await filling;
    EXPECT_EQ(code, closed_code);
  });
}

TEST_P(driver_ending, closing_twice_and_using_afterwards_is_safe) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    pair.client->close();
    pair.client->close();
    EXPECT_FALSE(pair.client->is_open());
    char byte = 0;
    const std::error_code read = co_await failure_of(receive(*pair.client, {&byte, 1}));
    const std::error_code written = co_await failure_of(send(*pair.client, "x"));
    EXPECT_EQ(read, closed_code);
    EXPECT_EQ(written, closed_code);
    try {
      pair.client->shutdown(SHUT_WR);
      ADD_FAILURE() << "shut down after close";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), closed_code);
    }
  });
}

TEST_P(driver_ending, closing_and_cancelling_in_one_step_ends_once) {
  for (const bool close_first : {false, true}) {
    drive([&]() -> task<void> {
      connection pair = co_await connected();
      char byte = 0;
      auto reading = spawn(failure_of(receive(*pair.server, {&byte, 1})));
      co_await settle();
      if (close_first) pair.server->close();
      reading.cancel();
      pair.server->close();
      while (!reading.done()) co_await yield();
      // Whichever came first decides, where the driver knows at once.
      if (!close_first) {
        EXPECT_EQ(reading.status(), coro::task_status::cancelled);
      }
    });
  }
}

TEST_P(driver_ending, a_second_operation_in_a_direction_is_busy_and_harmless) {
  drive([&]() -> task<void> {  // strm.7
    connection pair = co_await connected();
    auto first = spawn(receive_all(*pair.server, 5));
    co_await settle();
    char byte = 0;
    const std::error_code second = co_await failure_of(receive(*pair.server, {&byte, 1}));
    EXPECT_EQ(second, make_error_code(errc::busy));
    co_await send_all(*pair.server, "the other direction is free");
    co_await send_all(*pair.client, "first");
    const std::string text = co_await std::move(first);
    EXPECT_EQ(text, "first");
  });
}

TEST_P(driver_ending, a_closed_listener_refuses_and_its_port_is_free) {
  drive([&]() -> task<void> {
    auto listening = listener(socket_address::loopback_v4(0));
    const socket_address address = listening->local_address();
    listening.reset();
    auto client = io().open_socket(AF_INET, SOCK_STREAM, 0);
    const std::error_code code = co_await failure_of(connect_to(*client, address));
    EXPECT_EQ(code, std::error_code(ECONNREFUSED, std::system_category()));
    const auto again = listener(address);
    EXPECT_EQ(again->local_address(), address);
  });
}

TEST_P(driver_ending, a_waiting_task_says_what_it_waits_for) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    auto reading = spawn(receive_all(*pair.server, 5));
    co_await settle();
    const coro::operation* waiting = reading.state().waiting_on();
    EXPECT_NE(waiting, nullptr);
    const coro::wait_info info = waiting->describe();
    EXPECT_EQ(info.kind, "socket.receive");
    EXPECT_EQ(info.object, pair.server.get());
    EXPECT_NE(info.detail.find(pair.server->peer_address().to_string()), std::string::npos)
        << info.detail;
    pair.client.reset();
    co_await reading;
  });
}

}  // namespace
}  // namespace eddy::runtime
