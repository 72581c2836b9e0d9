// What every driver does alike: streams. Cancellation and closing, datagrams and what only kernel drivers have stand in
// driver_ending_test.cpp and driver_system_test.cpp.
#include "driver_fixture.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace eddy::runtime {
namespace {

using namespace std::chrono_literals;

class driver_conformance : public driver_test {};
INSTANTIATE_TEST_SUITE_P(on, driver_conformance, ::testing::ValuesIn(driver_factories()),
                         driver_name);

std::string numbered_bytes(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : text) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return text;
}

task<void> echo(descriptor& on) {
  std::vector<char> buffer(4096);
  for (;;) {
    const std::size_t size = co_await receive(on, buffer);
    if (size == 0) co_return;
    co_await send_all(on, std::string_view(buffer.data(), size));
  }
}

TEST_P(driver_conformance, echoes_over_every_family) {
  const auto unix_name = socket_address::unix_path("@eddy-echo-" + std::to_string(::getpid()));
  for (const auto& address :
       {socket_address::loopback_v4(0), socket_address::loopback_v6(0), unix_name}) {
    drive([&]() -> task<void> {
      connection pair = co_await connected(address);
      auto echoing = spawn(echo(*pair.server));
      for (int round = 0; round < 20; ++round) {
        const std::string text = "message " + std::to_string(round);
        co_await send_all(*pair.client, text);
        const std::string back = co_await receive_all(*pair.client, text.size());
        EXPECT_EQ(back, text);
      }
      pair.client->shutdown(SHUT_WR);
      co_await std::move(echoing);
    });
  }
}

TEST_P(driver_conformance, serves_many_connections_at_once) {
  drive([&]() -> task<void> {
    constexpr int count = 200;
    auto listening = listener(socket_address::loopback_v4(0));
    const auto serve = [&]() -> task<void> {
      std::vector<std::unique_ptr<descriptor>> open;
      std::vector<task_handle<void>> running;
      for (int i = 0; i < count; ++i) {
        open.push_back(co_await accept_one(*listening));
        running.push_back(spawn(echo(*open.back())));
      }
      for (auto& each : running) co_await each;
    };
    const auto call = [&](int number) -> task<void> {
      auto socket = io().open_socket(AF_INET, SOCK_STREAM, 0);
      co_await connect_to(*socket, listening->local_address());
      for (int round = 0; round < 5; ++round) {
        const std::string text = std::to_string(number) + ":" + std::to_string(round);
        co_await send_all(*socket, text);
        const std::string back = co_await receive_all(*socket, text.size());
        EXPECT_EQ(back, text);
      }
    };
    auto serving = spawn(serve());
    std::vector<task_handle<void>> calls;
    for (int i = 0; i < count; ++i) calls.push_back(spawn(call(i)));
    for (auto& each : calls) co_await each;
    co_await serving;
  });
}

TEST_P(driver_conformance, receives_what_is_there_without_waiting_for_more) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    std::vector<char> buffer(1000);
    for (int round = 0; round < 3; ++round) {
      co_await send_all(*pair.client, "abc");
      const std::size_t size = co_await receive(*pair.server, buffer);
      EXPECT_EQ(std::string_view(buffer.data(), size), "abc");
    }
  });
}

TEST_P(driver_conformance, receives_the_rest_after_a_buffer_that_was_just_filled) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    co_await send_all(*pair.client, "abcdef");
    for (const char* part : {"ab", "cd", "ef"}) {
      const std::string text = co_await receive_all(*pair.server, 2);
      EXPECT_EQ(text, part);
    }
    auto reading = spawn(receive_all(*pair.server, 2));
    co_await settle();
    co_await send_all(*pair.client, "gh");
    const std::string text = co_await std::move(reading);
    EXPECT_EQ(text, "gh");
  });
}

TEST_P(driver_conformance, scatters_and_gathers) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    char a[] = "one";
    char b[] = "twelve";
    const iovec from[] = {{a, 3}, {nullptr, 0}, {b, 6}};
    const std::size_t sent = co_await transfer(*pair.client, io_verb::send, from);
    EXPECT_EQ(sent, 9u);
    char c[5] = {};
    char d[100] = {};
    const iovec into[] = {{c, 4}, {d, 100}};
    const std::size_t received = co_await transfer(*pair.server, io_verb::receive, into);
    EXPECT_EQ(received, 9u);
    EXPECT_STREQ(c, "onet");
    EXPECT_STREQ(d, "welve");
    auto waiting = spawn(coro::as_task(transfer(*pair.server, io_verb::receive, into)));
    co_await settle();
    co_await send_all(*pair.client, "later");
    const std::size_t later = co_await std::move(waiting);
    EXPECT_EQ(later, 5u);
  });
}

TEST_P(driver_conformance, lets_a_half_closed_peer_be_answered) {
  drive([&]() -> task<void> {  // strm.14
    connection pair = co_await connected();
    co_await send_all(*pair.client, "question");
    pair.client->shutdown(SHUT_WR);
    const std::string asked = co_await receive_all(*pair.server, 100);
    EXPECT_EQ(asked, "question");
    co_await send_all(*pair.server, "answer");
    pair.server->shutdown(SHUT_WR);
    const std::string answered = co_await receive_all(*pair.client, 100);
    EXPECT_EQ(answered, "answer");
  });
}

TEST_P(driver_conformance, tells_the_end_again_and_again) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    pair.client.reset();
    char byte = 0;
    for (int round = 0; round < 3; ++round) {
      const std::size_t size = co_await receive(*pair.server, {&byte, 1});
      EXPECT_EQ(size, 0u);
    }
  });
}

TEST_P(driver_conformance, says_whether_a_receive_would_be_done_at_once) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    EXPECT_FALSE(pair.server->is_readable());
    co_await send_all(*pair.client, "ab");
    co_await readiness(*pair.server, io_verb::wait_readable);
    EXPECT_TRUE(pair.server->is_readable());
    co_await receive_all(*pair.server, 1);
    EXPECT_TRUE(pair.server->is_readable());
    co_await receive_all(*pair.server, 1);
    EXPECT_FALSE(pair.server->is_readable());
    pair.client.reset();
    co_await readiness(*pair.server, io_verb::wait_readable);
    EXPECT_TRUE(pair.server->is_readable());
    co_await receive_all(*pair.server, 1);
    EXPECT_TRUE(pair.server->is_readable());  // the end stays
    pair.server->close();
    EXPECT_TRUE(pair.server->is_readable());  // a receive would fail
  });
}

TEST_P(driver_conformance, calls_a_reset_connection_readable) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    pair.client->set_option(SOL_SOCKET, SO_LINGER, 0);
    pair.client.reset();
    co_await readiness(*pair.server, io_verb::wait_readable);
    EXPECT_TRUE(pair.server->is_readable());
  });
}

// The end may come with the bytes, or between the notice about the bytes and their receipt, or later.
TEST_P(driver_conformance, sees_the_end_behind_a_short_read) {
  drive([&]() -> task<void> {
    std::vector<char> buffer(1000);
    for (int turns_between = 0; turns_between < 4; ++turns_between) {
      for (const bool reader_waits : {false, true}) {
        connection pair = co_await connected();
        task_handle<std::string> reading;
        if (reader_waits) reading = spawn(receive_all(*pair.server, 1000));
        co_await settle();
        co_await send_all(*pair.client, "end");
        for (int turn = 0; turn < turns_between; ++turn) co_await yield();
        pair.client.reset();
        if (!reader_waits) reading = spawn(receive_all(*pair.server, 1000));
        const std::string text = co_await std::move(reading);
        EXPECT_EQ(text, "end");
      }
    }
  });
}

TEST_P(driver_conformance, carries_single_bytes_in_order) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    const std::string text = numbered_bytes(3000);
    const auto write = [&]() -> task<void> {
      for (const char& byte : text) co_await send_all(*pair.client, {&byte, 1});
    };
    auto writing = spawn(write());
    const std::string received = co_await receive_all(*pair.server, text.size());
    EXPECT_EQ(received, text);
    co_await writing;
  });
}

TEST_P(driver_conformance, carries_megabytes_both_ways_through_small_buffers) {
  drive([&]() -> task<void> {  // strm.15
    connection pair = co_await connected();
    for (auto* each : {pair.client.get(), pair.server.get()}) {
      each->set_option(SOL_SOCKET, SO_SNDBUF, 20000);
      each->set_option(SOL_SOCKET, SO_RCVBUF, 20000);
    }
    const std::string text = numbered_bytes(4 << 20);
    auto there = spawn(send_all(*pair.client, text));
    auto back = spawn(send_all(*pair.server, text));
    auto received_there = spawn(receive_all(*pair.server, text.size(), 9999));
    const std::string received_back = co_await receive_all(*pair.client, text.size(), 777);
    EXPECT_TRUE(received_back == text);
    const std::string other = co_await std::move(received_there);
    EXPECT_TRUE(other == text);
    co_await there;
    co_await back;
  });
}

TEST_P(driver_conformance, makes_a_sender_wait_for_a_slow_reader) {
  drive([&]() -> task<void> {  // strm.11
    connection pair = co_await connected();
    const std::string block(1 << 16, 'x');
    std::size_t sent = 0;
    bool sender_done = false;
    const auto fill = [&]() -> task<void> {
      while (sent < 256 << 20) sent += co_await send(*pair.client, block);
      sender_done = true;
    };
    auto filling = spawn(fill());
    std::size_t before = 1;
    while (before != sent) {
      before = sent;
      co_await settle();
    }
    EXPECT_LT(sent, std::size_t{64} << 20);
    EXPECT_FALSE(filling.done());
    std::size_t received = 0;
    std::vector<char> buffer(1 << 20);
    while (received == 0 || !sender_done) received += co_await receive(*pair.server, buffer);
    co_await filling;
    pair.client->shutdown(SHUT_WR);
    while (received < sent) received += co_await receive(*pair.server, buffer);
    EXPECT_EQ(received, sent);
  });
}

TEST_P(driver_conformance, reports_a_reset_with_its_peer) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    const std::string peer = pair.server->peer_address().to_string();
    auto reading = spawn(receive_all(*pair.server, 10));
    co_await settle();
    pair.client->set_option(SOL_SOCKET, SO_LINGER, 0);
    pair.client.reset();
    try {
      co_await std::move(reading);
      ADD_FAILURE() << "no error";
    } catch (const error& e) {
      EXPECT_EQ(e, condition::disconnected);
      EXPECT_EQ(e.code(), std::error_code(ECONNRESET, std::system_category()));
      EXPECT_EQ(e.operation(), "receive");
      EXPECT_EQ(e.peer(), peer);
    }
  });
}

TEST_P(driver_conformance, fails_a_send_to_a_peer_that_is_gone_without_a_signal) {
  drive([&]() -> task<void> {  // strm.10
    connection pair = co_await connected();
    pair.server.reset();
    std::error_code code;
    for (int round = 0; round < 10 && !code; ++round) {
      code = co_await failure_of(send(*pair.client, "anybody?"));
      co_await settle();
    }
    EXPECT_EQ(condition_of(code), condition::disconnected) << code.message();
  });
}

TEST_P(driver_conformance, reports_a_refused_connect_with_its_address) {
  drive([&]() -> task<void> {
    auto gone = listener(socket_address::loopback_v4(0));
    const socket_address nobody = gone->local_address();
    gone.reset();
    auto socket = io().open_socket(AF_INET, SOCK_STREAM, 0);
    try {
      co_await connect_to(*socket, nobody);
      ADD_FAILURE() << "connected";
    } catch (const error& e) {
      EXPECT_EQ(e.code(), std::error_code(ECONNREFUSED, std::system_category()));
      EXPECT_EQ(e, condition::disconnected);
      EXPECT_EQ(e.operation(), "connect");
      EXPECT_EQ(e.peer(), nobody.to_string());
    }
  });
}

TEST_P(driver_conformance, tells_both_addresses) {
  drive([&]() -> task<void> {
    auto listening = listener(socket_address::loopback_v4(0));
    auto client = io().open_socket(AF_INET, SOCK_STREAM, 0);
    socket_address peer;
    auto accepting = spawn(coro::as_task(accept_one(*listening, &peer)));
    co_await connect_to(*client, listening->local_address());
    auto server = co_await std::move(accepting);
    EXPECT_NE(listening->local_address().port(), 0);
    EXPECT_EQ(client->peer_address(), listening->local_address());
    EXPECT_EQ(server->local_address(), listening->local_address());
    EXPECT_EQ(server->peer_address(), client->local_address());
    EXPECT_EQ(peer, client->local_address());
  });
}

TEST_P(driver_conformance, has_no_peer_before_it_is_connected) {
  const auto socket = io().open_socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_THROW(static_cast<void>(socket->peer_address()), error);
}

TEST_P(driver_conformance, refuses_an_address_in_use_by_name) {
  const auto first = listener(socket_address::loopback_v4(0));
  const auto second = io().open_socket(AF_INET, SOCK_STREAM, 0);
  const socket_address taken = first->local_address();
  try {
    second->bind(taken);
    second->listen(1);
    ADD_FAILURE() << "bound twice";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), std::error_code(EADDRINUSE, std::system_category()));
    EXPECT_EQ(e.peer(), taken.to_string());
  }
}

TEST_P(driver_conformance, remembers_options) {
  const auto socket = io().open_socket(AF_INET, SOCK_STREAM, 0);
  socket->set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  EXPECT_NE(socket->option(IPPROTO_TCP, TCP_NODELAY), 0);
  socket->set_option(SOL_SOCKET, SO_LINGER, 7);
  EXPECT_EQ(socket->option(SOL_SOCKET, SO_LINGER), 7);
  socket->set_option(SOL_SOCKET, SO_LINGER, -1);
  EXPECT_EQ(socket->option(SOL_SOCKET, SO_LINGER), -1);
}

TEST_P(driver_conformance, accepts_what_was_connected_before) {
  drive([&]() -> task<void> {
    auto listening = listener(socket_address::loopback_v6(0));
    std::vector<std::unique_ptr<descriptor>> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(io().open_socket(AF_INET6, SOCK_STREAM, 0));
      co_await connect_to(*clients.back(), listening->local_address());
    }
    for (int i = 0; i < 10; ++i) {
      const auto server = co_await accept_one(*listening);
      EXPECT_TRUE(server->peer_address().family() == AF_INET6);
    }
  });
}

TEST_P(driver_conformance, carries_datagrams_both_ways) {
  drive([&]() -> task<void> {
    auto server = io().open_socket(AF_INET, SOCK_DGRAM, 0);
    auto client = io().open_socket(AF_INET, SOCK_DGRAM, 0);
    server->bind(socket_address::loopback_v4(0));
    client->bind(socket_address::loopback_v4(0));
    char ping[] = "ping!";
    socket_address to = server->local_address();
    for (const std::size_t size : {4u, 5u, 0u}) {
      const std::size_t sent = co_await transfer(*client, io_verb::send_to, ping, size, &to);
      EXPECT_EQ(sent, size);
    }
    char buffer[100];
    for (const std::size_t size : {4u, 5u, 0u}) {
      socket_address from;
      const std::size_t got =
          co_await transfer(*server, io_verb::receive_from, buffer, sizeof(buffer), &from);
      EXPECT_EQ(got, size);
      EXPECT_EQ(from, client->local_address());
    }
    socket_address from;
    auto waiting = spawn(
        coro::as_task(transfer(*client, io_verb::receive_from, buffer, sizeof(buffer), &from)));
    co_await settle();
    to = client->local_address();
    co_await transfer(*server, io_verb::send_to, ping, 5, &to);
    const std::size_t got = co_await std::move(waiting);
    EXPECT_EQ(std::string_view(buffer, got), "ping!");
    EXPECT_EQ(from, server->local_address());
  });
}

TEST_P(driver_conformance, carries_datagrams_of_a_connected_socket) {
  drive([&]() -> task<void> {
    auto server = io().open_socket(AF_INET6, SOCK_DGRAM, 0);
    auto client = io().open_socket(AF_INET6, SOCK_DGRAM, 0);
    server->bind(socket_address::loopback_v6(0));
    co_await connect_to(*client, server->local_address());
    char text[] = "hello";
    co_await transfer(*client, io_verb::send_to, text, 5);
    char buffer[100];
    socket_address from;
    const std::size_t got =
        co_await transfer(*server, io_verb::receive_from, buffer, sizeof(buffer), &from);
    EXPECT_EQ(got, 5u);
    co_await transfer(*server, io_verb::send_to, text, 3, &from);
    const std::size_t back = co_await receive(*client, buffer);
    EXPECT_EQ(std::string_view(buffer, back), "hel");
  });
}

TEST_P(driver_conformance, sleeps_to_a_deadline_of_nanoseconds_without_spinning) {
  io().wait(time_point::min());
  for (const duration length :
       {1ns, 999ns, 1001ns, 50'000ns, 999'999ns, 1'000'001ns, 3'456'789ns}) {  // loop.9
    const time_point deadline = after(io().time().now(), length);
    int sleeps = 0;
    for (; io().time().now() < deadline; ++sleeps) io().wait(deadline);
    EXPECT_LE(sleeps, 30) << length.count();  // the kernel may interrupt some of them
  }
}

TEST_P(driver_conformance, only_looks_when_the_deadline_has_passed) {
  const time_point before = io().time().now();
  for (int round = 0; round < 1000; ++round) io().wait(time_point::min());
  EXPECT_LT(io().time().now() - before, 10s);
}

TEST_P(driver_conformance, is_woken_from_other_threads) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> posted = false;
    io().expect_wake(true);
    const std::jthread other([&] {
      posted = true;
      io().wake();
    });
    while (!posted) io().wait(never);
    io().expect_wake(false);
  }
}

TEST_P(driver_conformance, keeps_a_wake_for_the_next_wait) {
  for (int round = 0; round < 3; ++round) {
    io().expect_wake(true);
    io().wake();
    io().wake();
    io().wait(never);
    io().expect_wake(false);
  }
}

TEST_P(driver_conformance, sleeps_through_with_timers_alone) {
  drive([&]() -> task<void> {
    const time_point before = now();
    co_await sleep(3ms);
    EXPECT_GE(now() - before, 3ms);
  });
}

}  // namespace
}  // namespace eddy::runtime
