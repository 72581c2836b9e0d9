#include <eddy/net/tcp.hpp>

#include "on_every_network.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

task<void> write_and_close(tcp_stream stream, std::string text) {
  co_await stream.write_all(text);
  co_await stream.close();
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 31 + i / 251) % 253);
  return bytes;
}

SOCKET_TEST(tcp_stream, gives_the_peer_what_was_written_and_then_the_end) {
  auto [client, server] = co_await connect_pair();
  co_await client.write_all("hello");
  co_await client.shutdown_write();
  const std::string text = co_await read_all(server);
  EXPECT_EQ(text, "hello");
}

// strm.14
SOCKET_TEST(tcp_stream, can_be_answered_after_ending_its_own_side) {
  auto [client, server] = co_await connect_pair();
  co_await client.write_all("question");
  co_await client.shutdown_write();
  const std::string question = co_await read_all(server);
  co_await server.write_all("answer to " + question);
  co_await server.close();
  const std::string answer = co_await read_all(client);
  EXPECT_EQ(answer, "answer to question");
}

SOCKET_TEST(tcp_stream, knows_both_addresses) {
  auto [client, server] = co_await connect_pair();
  EXPECT_EQ(client.peer(), server.local());
  EXPECT_EQ(server.peer(), client.local());
  EXPECT_TRUE(client.is_open());
}

SOCKET_TEST(tcp_stream, writes_several_buffers_as_one) {
  auto [client, server] = co_await connect_pair();
  const std::array<iovec, 4> parts{io::piece("one "), io::piece(""), io::piece("two "),
                                   io::piece("three")};
  co_await client.write_all(parts);
  co_await client.close();
  const std::string text = co_await read_all(server);
  EXPECT_EQ(text, "one two three");
}

SOCKET_TEST(tcp_stream, does_nothing_for_empty_buffers) {
  auto [client, server] = co_await connect_pair();
  const std::size_t written = co_await client.write_some(std::span<const std::byte>());
  const std::size_t read = co_await client.read_some(std::span<std::byte>());
  EXPECT_EQ(written, 0U);
  EXPECT_EQ(read, 0U);
}

SOCKET_TEST(tcp_stream, says_without_waiting_whether_there_is_something_to_read) {
  auto [client, server] = co_await connect_pair();
  EXPECT_FALSE(server.is_readable());
  co_await client.write_all("x");
  co_await server.wait_readable();
  EXPECT_TRUE(server.is_readable());
  std::array<std::byte, 16> buffer;
  co_await server.read_some(buffer);
  EXPECT_FALSE(server.is_readable());
  co_await client.close();
  co_await server.wait_readable();
  EXPECT_TRUE(server.is_readable());
}

// strm.15
SOCKET_TEST(tcp_stream, carries_megabytes_both_ways_in_order) {
  auto [client, server] = co_await connect_pair();
  const std::string there = pattern(3 << 20);
  const std::string back = pattern((3 << 20) + 17);
  client.set_send_buffer(65536);
  server.set_receive_buffer(65536);
  std::string at_server;
  std::string at_client;
  auto send = [](tcp_stream& stream, const std::string& text) -> task<void> {
    co_await stream.write_all(text);
    co_await stream.shutdown_write();
  };
  auto receive = [](tcp_stream& stream, std::string& text) -> task<void> {
    text = co_await read_all(stream);
  };
  co_await gather(send(client, there), send(server, back), receive(server, at_server),
                  receive(client, at_client));
  EXPECT_TRUE(at_server == there);
  EXPECT_TRUE(at_client == back);
}

// strm.7
SOCKET_TEST(tcp_stream, refuses_a_second_reader_and_keeps_the_first) {
  auto [client, server] = co_await connect_pair();
  auto read = [](tcp_stream& stream) -> task<std::string> {
    std::array<std::byte, 16> buffer;
    const std::size_t count = co_await stream.read_some(buffer);
    co_return std::string(io::text_of(std::span(buffer).first(count)));
  };
  task_handle<std::string> first = spawn(read(server));
  co_await sleep(1ms);
  auto second = co_await as_result(read(server));
  EXPECT_EQ(error_of(second.error()), errc::busy);
  co_await client.write_all("first");
  const std::string text = co_await first;
  EXPECT_EQ(text, "first");
}

// strm.8
SOCKET_TEST(tcp_stream, wakes_a_reader_when_it_is_aborted) {
  auto [client, server] = co_await connect_pair();
  auto read = [](tcp_stream& stream) -> task<void> {
    std::array<std::byte, 16> buffer;
    static_cast<void>(co_await stream.read_some(buffer));
  };
  task_handle<void> reader = spawn(read(server));
  co_await sleep(1ms);
  server.abort();
  auto ended = co_await as_result(reader);
  EXPECT_EQ(error_of(ended.error()), errc::closed);
}

// strm.12
SOCKET_TEST(tcp_stream, reads_the_end_and_refuses_writes_after_close) {
  auto [client, server] = co_await connect_pair();
  co_await client.close();
  EXPECT_FALSE(client.is_open());
  std::array<std::byte, 4> buffer;
  const std::size_t count = co_await client.read_some(buffer);
  EXPECT_EQ(count, 0U);
  auto written = co_await as_result(client.write_all("late"));
  EXPECT_EQ(error_of(written.error()), errc::closed);
  co_await client.close();  // again: nothing happens
  const std::string text = co_await read_all(server);
  EXPECT_EQ(text, "");
}

// strm.12
SOCKET_TEST(tcp_stream, delivers_everything_written_before_close) {
  auto [client, server] = co_await connect_pair();
  const std::string text = pattern(1 << 20);
  task_handle<void> writer = spawn(write_and_close(std::move(client), text));
  const std::string received = co_await read_all(server);
  co_await writer;
  EXPECT_TRUE(received == text);
}

SOCKET_TEST(tcp_stream, waits_without_a_buffer_until_a_read_would_give_something) {
  auto [client, server] = co_await connect_pair();
  const bool silent = co_await move_on_after(10ms, server.wait_readable());
  EXPECT_FALSE(silent);
  task_handle<void> writer = spawn(client.write_all("x"));
  co_await server.wait_readable();
  co_await server.wait_readable();  // it has taken nothing
  std::array<std::byte, 8> buffer{};
  const std::size_t count = co_await server.read_some(buffer);
  EXPECT_EQ(count, 1U);
  co_await writer;
  co_await client.close();
  co_await server.wait_readable();
  const std::size_t end = co_await server.read_some(buffer);
  EXPECT_EQ(end, 0U);
}

// strm.12
SYSTEM_TEST(tcp_stream, resets_the_connection_when_aborted) {
  auto [client, server] = co_await connect_pair();
  client.abort();
  auto read = co_await as_result(read_all(server));
  EXPECT_EQ(error_of(read.error()).code(), std::errc::connection_reset);
}

// strm.13
SOCKET_TEST(tcp_stream, refuses_to_close_in_a_cancelled_scope) {
  auto [client, server] = co_await connect_pair();
  auto body = [&client](cancel_scope& scope) -> task<void> {
    scope.cancel();
    co_await client.close();
  };
  const bool ended = co_await with_scope(body);
  EXPECT_FALSE(ended);
  EXPECT_TRUE(client.is_open());
}

// strm.10
SOCKET_TEST(tcp_stream, fails_within_a_few_writes_when_the_peer_has_closed) {
  auto [client, server] = co_await connect_pair();
  co_await server.close();
  std::exception_ptr failure;
  for (int i = 0; i < 100 && failure == nullptr; ++i) {
    auto written = co_await as_result(client.write_all("into the void"));
    failure = written.error();
    co_await sleep(1ms);
  }
  const error thrown = error_of(failure);
  EXPECT_EQ(thrown, condition::disconnected);
  EXPECT_EQ(thrown.peer(), client.peer().to_string());
}

// strm.9, strm.11
SOCKET_TEST(tcp_stream, says_how_much_of_a_cancelled_write_reached_the_peer) {
  auto [client, server] = co_await connect_pair();
  const std::string text = pattern(32 << 20);
  std::size_t done = 0;
  auto body = [&](cancel_scope&) -> task<void> {
    try {
      co_await client.write_all(text);
    } catch (const cancelled& stop) {
      done = stop.progress();
      throw;
    }
  };
  cancel_scope scope(after(now(), 20ms));
  const bool ended = co_await with_scope(scope, body);
  EXPECT_FALSE(ended);
  EXPECT_GT(done, 0U);
  EXPECT_LT(done, text.size());
  co_await client.shutdown_write();
  const std::string received = co_await read_all(server);
  EXPECT_EQ(received.size(), done);
  EXPECT_TRUE(received == text.substr(0, done));
}

// loop.21, strm.16
SOCKET_TEST(tcp_stream, loses_nothing_when_a_read_is_cancelled) {
  auto [client, server] = co_await connect_pair();
  std::array<std::byte, 64> buffer;
  buffer.fill(std::byte(0x55));
  auto read = [&](cancel_scope&) -> task<void> {
    static_cast<void>(co_await server.read_some(buffer));
  };
  cancel_scope scope(after(now(), 5ms));
  const bool ended = co_await with_scope(scope, read);
  EXPECT_FALSE(ended);
  co_await client.write_all("late");
  co_await client.close();
  co_await sleep(5ms);
  EXPECT_EQ(buffer[0], std::byte(0x55));
  const std::string text = co_await read_all(server);
  EXPECT_EQ(text, "late");
}

SYSTEM_TEST(tcp_stream, sets_the_options_it_is_asked_for) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  connect_options options;
  options.keep_alive = keepalive();
  options.keep_alive->idle = 77s;
  options.local = address::loopback_v4(0);
  const address to = listener.local();
  tcp_stream client = co_await tcp_stream::connect(to, options);
  tcp_stream server = co_await listener.accept();
  EXPECT_EQ(client.option(IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(server.option(IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(client.option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(client.option(IPPROTO_TCP, TCP_KEEPIDLE), 77);
  client.set_nodelay(false);
  EXPECT_EQ(client.option(IPPROTO_TCP, TCP_NODELAY), 0);
  client.set_keepalive(std::nullopt);
  EXPECT_EQ(client.option(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_GE(client.native_handle(), 0);
}

SOCKET_TEST(tcp_connect, names_the_address_that_refused) {
  address to;
  {
    tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
    to = listener.local();
  }
  auto made = co_await as_result(tcp_stream::connect(to));
  const error thrown = error_of(made.error());
  EXPECT_EQ(thrown.code(), std::errc::connection_refused);
  EXPECT_EQ(thrown.peer(), to.to_string());
}

SOCKET_TEST(tcp_connect, reaches_a_numeric_host_without_a_name_server) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v6(0));
  const std::uint16_t port = listener.local().port();
  tcp_stream client = co_await tcp_stream::connect("::1", port);
  tcp_stream server = co_await listener.accept();
  EXPECT_EQ(client.peer(), address::loopback_v6(port));
}

// strm.22
SOCKET_TEST(tcp_connect, tries_all_addresses_of_localhost) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v6(0), {.v6_only = true});
  const std::uint16_t port = listener.local().port();
  const time_point start = now();
  tcp_stream client = co_await tcp_stream::connect("localhost", port);
  tcp_stream server = co_await listener.accept();
  EXPECT_EQ(client.peer().family(), AF_INET6);
  EXPECT_LT(now() - start, 200ms);  // at once after the failure, not after the delay
}

// strm.21
SOCKET_TEST(tcp_connect, reports_every_attempt_when_all_fail) {
  std::uint16_t port = 0;
  {
    tcp_listener listener = tcp_listener::listen(address::any_v6(0));
    port = listener.local().port();
  }
  auto made = co_await as_result(tcp_stream::connect("localhost", port));
  try {
    std::rethrow_exception(made.error());
  } catch (const connect_error& thrown) {
    EXPECT_EQ(thrown.attempts().size(), 2U);
    EXPECT_EQ(thrown, condition::disconnected);
    EXPECT_EQ(thrown.peer(), "localhost");
    EXPECT_NE(std::string(thrown.what()).find("[::1]:" + std::to_string(port)), std::string::npos)
        << thrown.what();
  }
}

EDDY_TEST(tcp_connect, gives_up_after_its_timeout) {
  testing::virtual_io().network().conditions().latency = std::chrono::hours(1);
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  auto made = co_await as_result(tcp_stream::connect(to, {.timeout = 3s}));
  const error thrown = error_of(made.error());
  EXPECT_EQ(thrown, errc::timed_out);
  EXPECT_EQ(thrown.peer(), to.to_string());
  EXPECT_EQ(now().time_since_epoch(), 3s);
}

SOCKET_TEST(tcp_connect, refuses_an_address_that_is_not_of_the_internet) {
  auto made = co_await as_result(tcp_stream::connect(address::unix_path("/nowhere")));
  EXPECT_EQ(error_of(made.error()), errc::invalid_input);
}

SOCKET_TEST(tcp_listener, gets_connections_in_the_order_in_which_they_came) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  EXPECT_NE(to.port(), 0);
  std::vector<tcp_stream> clients;
  for (int i = 0; i < 5; ++i) {
    tcp_stream client = co_await tcp_stream::connect(to);
    clients.push_back(std::move(client));
  }
  for (const tcp_stream& client : clients) {
    tcp_stream server = co_await listener.accept();
    EXPECT_EQ(server.peer(), client.local());
  }
}

SOCKET_TEST(tcp_listener, wakes_a_pending_accept_when_it_is_closed) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  task_handle<tcp_stream> accepting = spawn(listener.accept());
  co_await sleep(1ms);
  listener.close();
  auto ended = co_await as_result(accepting);
  EXPECT_EQ(error_of(ended.error()), errc::closed);
  auto later = co_await as_result(listener.accept());
  EXPECT_EQ(error_of(later.error()), errc::closed);
}

// loop.21
SOCKET_TEST(tcp_listener, accepts_again_after_an_accept_was_cancelled) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  auto nobody = co_await move_on_after(2ms, listener.accept());
  EXPECT_FALSE(nobody.has_value());
  const address to = listener.local();
  tcp_stream client = co_await tcp_stream::connect(to);
  tcp_stream server = co_await listener.accept();
  EXPECT_EQ(server.peer(), client.local());
}

// strm.17
SOCKET_TEST(tcp_listener, delivers_a_connection_that_was_accepted_before_the_cancellation) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  bool delivered = false;
  auto accept_one = [&](cancel_scope&) -> task<void> {
    tcp_stream server = co_await listener.accept();
    delivered = true;
    co_await sleep(1h);
  };
  cancel_scope scope;
  auto entered = [&]() -> task<void> { static_cast<void>(co_await with_scope(scope, accept_one)); };
  task_handle<void> accepting = spawn(entered);
  co_await sleep(1ms);
  tcp_stream client = co_await tcp_stream::connect(to);
  while (!delivered) co_await yield();
  scope.cancel();
  co_await accepting;
  const std::string text = co_await read_all(client);  // closed by its owner
  EXPECT_EQ(text, "");
}

SYSTEM_TEST(tcp_listener, shares_its_port_when_asked_to) {
  listen_options options;
  options.reuse_port = true;
  tcp_listener first = tcp_listener::listen(address::loopback_v4(0), options);
  tcp_listener second = tcp_listener::listen(first.local(), options);
  EXPECT_EQ(first.local(), second.local());
  EXPECT_THROW(static_cast<void>(tcp_listener::listen(first.local())), error);
  co_return;
}

SOCKET_TEST(tcp_listener, names_an_address_that_is_in_use) {
  tcp_listener first = tcp_listener::listen(address::loopback_v4(0));
  try {
    static_cast<void>(tcp_listener::listen(first.local()));
    ADD_FAILURE() << "bound twice";
  } catch (const error& thrown) {
    EXPECT_EQ(thrown.code(), std::errc::address_in_use);
    EXPECT_EQ(thrown.operation(), "bind");
  }
  co_return;
}

SYSTEM_TEST(tcp_listener, takes_ipv4_on_an_ipv6_address_unless_told_otherwise) {
  tcp_listener both = tcp_listener::listen(address::any_v6(0));
  const std::uint16_t port = both.local().port();
  tcp_stream client = co_await tcp_stream::connect(address::loopback_v4(port));
  tcp_stream server = co_await both.accept();
  EXPECT_EQ(server.peer().port(), client.local().port());
}

// loop.20
TEST(tcp_listener, reports_that_it_is_out_of_descriptors_and_goes_on_later) {
  static int reports;
  reports = 0;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  run_on_system(
      +[]() -> task<void> {
        listen_options options;
        options.accept_pause = 5ms;
        tcp_listener listener = tcp_listener::listen(address::loopback_v4(0), options);
        const address to = listener.local();
        tcp_stream client = co_await tcp_stream::connect(to);
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const rlimit old = limit;
        limit.rlim_cur = static_cast<rlim_t>(client.native_handle()) + 1;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        task_handle<tcp_stream> accepting = spawn(listener.accept());
        co_await sleep(50ms);
        EXPECT_FALSE(accepting.done());
        EXPECT_EQ(reports, 1);
        ::setrlimit(RLIMIT_NOFILE, &old);
        tcp_stream server = co_await std::move(accepting);
        EXPECT_EQ(server.peer(), client.local());
      },
      [](const failure_report& what) {
        ++reports;
        EXPECT_EQ(error_of(what.error).code(), std::errc::too_many_files_open);
      });
  ::setrlimit(RLIMIT_NOFILE, &before);
}

// loop.20
EDDY_TEST(tcp_listener_simulated, pauses_while_out_of_descriptors) {
  listen_options options;
  options.accept_pause = 1s;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0), options);
  const address to = listener.local();
  tcp_stream client = co_await tcp_stream::connect(to);
  runtime::virtual_network& network = testing::virtual_io().network();
  network.limit_sockets(network.open_sockets());
  testing::error_recorder errors;
  task_handle<tcp_stream> accepting = spawn(listener.accept());
  co_await sleep(2500ms);
  EXPECT_EQ(errors.count(), 1U);
  network.limit_sockets(SIZE_MAX);
  tcp_stream server = co_await std::move(accepting);
  EXPECT_EQ(now().time_since_epoch(), 3s);
  EXPECT_EQ(errors.take().size(), 1U);
}

EDDY_TEST(tcp_listener_simulated, ends_its_pause_when_it_is_closed) {
  listen_options options;
  options.accept_pause = 1h;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0), options);
  const address to = listener.local();
  tcp_stream client = co_await tcp_stream::connect(to);
  runtime::virtual_network& network = testing::virtual_io().network();
  network.limit_sockets(network.open_sockets());
  testing::error_recorder errors;
  task_handle<tcp_stream> accepting = spawn(listener.accept());
  co_await sleep(1s);
  listener.close();
  auto ended = co_await as_result(accepting);
  EXPECT_EQ(error_of(ended.error()), errc::closed);
  EXPECT_EQ(now().time_since_epoch(), 1s);
  EXPECT_EQ(errors.take().size(), 1U);
}

}  // namespace
}  // namespace eddy::net
