#include <eddy/runtime/virtual_driver.hpp>

#include "driver_fixture.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: clk.2 clk.4 clk.7 strm.14 strm.15 loop.20 loop.21. What virtual sockets share with real ones is tested by the
// conformance suite; here is what only they have, and what a real network makes hard to bring about.

namespace eddy::runtime {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using eddy::testing::virtual_io;
using eddy::testing::virtual_options;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Lt;

task<std::string> read(descriptor& on, std::size_t most = 65536) {
  std::string bytes(most, '\0');
  bytes.resize(co_await receive(on, bytes));
  co_return bytes;
}

task<std::string> read_all(descriptor& on) {
  std::string all;
  for (;;) {
    const std::string more = co_await read(on, 1000);
    if (more.empty()) co_return all;
    all += more;
  }
}

std::unique_ptr<descriptor> stream_socket(int family = AF_INET) {
  return virtual_io().open_socket(family, SOCK_STREAM, 0);
}

std::unique_ptr<descriptor> listener_on(const socket_address& address, int backlog = 16) {
  auto made = stream_socket(address.family());
  made->bind(address);
  made->listen(backlog);
  return made;
}

task<connection> connected(socket_address address = socket_address::loopback_v4(0)) {
  auto listener = listener_on(address);
  connection made;
  made.client = stream_socket(address.family());
  const auto there = listener->local_address();
  auto [unused, server] = co_await gather(connect_to(*made.client, there), accept_one(*listener));
  made.server = std::move(server);
  co_return made;
}

/// The errno an operation failed with; zero for success, -1 for anything else.
template <class T>
int error_of(const result<T>& ended) {
  if (ended.has_value()) return 0;
  try {
    std::rethrow_exception(ended.error());
  } catch (const error& e) {
    return e.code().category() == std::system_category() ? e.code().value() : -1;
  }
}

virtual_options with_network(network_conditions conditions) {
  virtual_options options;
  options.network = conditions;
  return options;
}

network_conditions latency_of(duration latency) {
  network_conditions conditions;
  conditions.latency = latency;
  return conditions;
}

// --- time ---

EDDY_TEST_WITH(virtual_network, takes_two_latencies_to_connect_and_one_to_deliver,
               with_network(latency_of(10ms))) {
  auto both = co_await connected();
  EXPECT_EQ(now(), time_point(20ms));
  co_await send(*both.client, "ping");
  EXPECT_EQ(now(), time_point(20ms));
  const std::string got = co_await read(*both.server);
  EXPECT_EQ(got, "ping");
  EXPECT_EQ(now(), time_point(30ms));
  both.client->close();
  const std::string end = co_await read(*both.server);
  EXPECT_EQ(end, "");
  EXPECT_EQ(now(), time_point(40ms));
}

EDDY_TEST_WITH(virtual_network, delivers_data_before_a_timer_of_the_same_instant_fires,
               with_network(latency_of(10ms))) {
  auto both = co_await connected();
  co_await send(*both.client, "ping");
  const std::string got = co_await with_timeout(10ms, read(*both.server));
  EXPECT_EQ(got, "ping");
}

EDDY_TEST(virtual_network, runs_scripted_events_at_their_time) {
  std::vector<int> order;
  virtual_io().network().at(time_point(2s), [&] { order.push_back(2); });
  virtual_io().network().at(time_point(1s), [&] { order.push_back(1); });
  virtual_io().network().at(time_point(2s), [&] { order.push_back(3); });
  co_await sleep(1500ms);
  EXPECT_THAT(order, ElementsAre(1));
  co_await sleep(1s);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

EDDY_TEST(virtual_driver, stops_for_the_calls_of_other_threads_while_they_are_expected) {
  auto& driver = virtual_io();
  driver.expect_wake(true);
  std::jthread other;
  auto to = current_loop();
  bool ran = false;
  auto sleeper = spawn([]() -> task<void> { co_await sleep(1h); });
  other = std::jthread([&] {
    to.post([&] {
      ran = true;
      EXPECT_EQ(now(), time_point());
      driver.expect_wake(false);
    });
  });
  co_await sleeper;
  EXPECT_TRUE(ran);
  EXPECT_EQ(now(), time_point(1h));
}

TEST(virtual_driver, stops_the_program_in_a_deadlock_when_nobody_handles_it) {
  virtual_driver driver;
  EXPECT_DEATH(driver.wait(never), "deadlock");
}

TEST(virtual_driver, lets_the_clock_of_a_shared_network_move_only_when_every_driver_is_idle) {
  auto network = std::make_shared<virtual_network>();
  virtual_driver a(network);
  virtual_driver b(network);
  a.wait(time_point(5s));
  EXPECT_EQ(network->now(), time_point());
  b.wait(time_point(2s));
  EXPECT_EQ(network->now(), time_point(2s));
  a.wait(time_point(5s));
  EXPECT_EQ(network->now(), time_point(2s)) << "b has a deadline it has not seen to";
  b.wait(never);
  EXPECT_EQ(network->now(), time_point(5s));
}

// --- streams ---

EDDY_TEST(virtual_stream, gives_both_ends_each_other_s_address) {
  auto both = co_await connected();
  EXPECT_EQ(both.client->peer_address(), both.server->local_address());
  EXPECT_EQ(both.client->local_address(), both.server->peer_address());
  EXPECT_EQ(both.client->peer_address().host(), "127.0.0.1");
  EXPECT_NE(both.client->peer_address().port(), 0);
}

EDDY_TEST(virtual_stream, makes_a_sender_wait_for_a_reader_that_is_slow) {
  auto both = co_await connected();
  const std::string block(10'000, 'x');
  std::size_t sent = 0;
  auto sender = spawn([&]() -> task<void> {
    for (int i = 0; i < 50; ++i) {
      co_await send_all(*both.client, block);
      sent += 10'000;
    }
    both.client->shutdown(SHUT_WR);
  });
  co_await settle();
  EXPECT_THAT(sent, Lt(virtual_io().network().conditions().window + 1));
  const std::string all = co_await read_all(*both.server);
  EXPECT_EQ(all.size(), 500'000U);
  co_await sender;
}

network_conditions rough() {
  network_conditions conditions;
  conditions.latency = 3ms;
  conditions.jitter = 20ms;
  conditions.max_transfer = 700;
  conditions.window = 5000;
  return conditions;
}

task<void> exchange_a_lot() {
  auto both = co_await connected();
  std::string there;
  std::string back;
  for (int i = 0; there.size() < 300'000; ++i) {
    there += std::to_string(i) + " ";
    back += std::to_string(i * 7) + ",";
  }
  const auto talk = [](descriptor& on, const std::string& bytes) -> task<std::string> {
    const auto say = [&]() -> task<void> {
      co_await send_all(on, bytes);
      on.shutdown(SHUT_WR);
    };
    auto [unused, heard] = co_await gather(say(), read_all(on));
    co_return heard;
  };
  auto [at_client, at_server] =
      co_await gather(talk(*both.client, there), talk(*both.server, back));
  EXPECT_TRUE(at_server == there);
  EXPECT_TRUE(at_client == back);
}

EDDY_TEST_WITH(virtual_stream, keeps_bytes_complete_and_in_order_over_a_rough_network,
               with_network(rough())) {
  co_await exchange_a_lot();
}

TEST(virtual_stream, takes_the_same_time_again_with_the_same_seed) {
  const auto time_with = [](std::uint64_t seed) {
    virtual_options options = with_network(rough());
    options.seed = seed;
    return eddy::testing::run_virtual(
        []() -> task<duration> {
          co_await exchange_a_lot();
          co_return now().time_since_epoch();
        },
        options);
  };
  EXPECT_EQ(time_with(1), time_with(1));
  EXPECT_NE(time_with(1), time_with(2));
}

EDDY_TEST(virtual_stream, can_still_receive_after_it_has_sent_its_end) {
  auto both = co_await connected();
  both.client->shutdown(SHUT_WR);
  const std::string end = co_await read(*both.server);
  EXPECT_EQ(end, "");
  co_await send(*both.server, "answer");
  const std::string answer = co_await read(*both.client);
  EXPECT_EQ(answer, "answer");
  const auto refused = co_await as_result(send(*both.client, "more"));
  EXPECT_EQ(error_of(refused), EPIPE);
}

EDDY_TEST(virtual_stream, is_reset_when_the_peer_closes_with_unread_data) {
  auto both = co_await connected();
  co_await send(*both.server, "last words");
  co_await send(*both.client, "unread");
  both.server->close();
  const std::string words = co_await read(*both.client);
  EXPECT_EQ(words, "last words");
  const auto reset = co_await as_result(read(*both.client));
  EXPECT_EQ(error_of(reset), ECONNRESET);
  const auto after_it = co_await as_result(send(*both.client, "x"));
  EXPECT_EQ(error_of(after_it), EPIPE);
}

EDDY_TEST(virtual_stream, learns_of_a_peer_that_has_gone_by_its_second_send) {
  auto both = co_await connected();
  both.server->close();
  const auto first = co_await as_result(send(*both.client, "x"));
  EXPECT_TRUE(first.has_value());
  const auto second = co_await as_result(send(*both.client, "x"));
  EXPECT_EQ(error_of(second), EPIPE);
}

EDDY_TEST(virtual_stream, learns_at_once_on_a_unix_socket_that_the_peer_has_gone) {
  auto both = co_await connected(socket_address::unix_path("/run/gone.sock"));
  both.server->close();
  const auto first = co_await as_result(send(*both.client, "x"));
  EXPECT_EQ(error_of(first), EPIPE);
}

EDDY_TEST(virtual_stream, is_undisturbed_by_a_receive_that_is_cancelled) {
  auto both = co_await connected();
  const auto nothing = co_await move_on_after(1s, read(*both.server));
  EXPECT_FALSE(nothing.has_value());
  co_await send(*both.client, "kept");
  const std::string kept = co_await read(*both.server);
  EXPECT_EQ(kept, "kept");
}

EDDY_TEST(virtual_stream, ends_a_pending_receive_when_its_own_side_closes) {
  auto both = co_await connected();
  auto reader = spawn(as_result(read(*both.server)));
  co_await settle();
  both.server->close();
  const auto& ended = co_await reader;
  EXPECT_TRUE(ended.has_error());
  EXPECT_TRUE(holds_exception<error>(ended.error()));
}

EDDY_TEST(virtual_stream, refuses_a_second_reader_and_leaves_the_first_alone) {
  auto both = co_await connected();
  auto first = spawn(read(*both.server));
  co_await settle();
  const auto second = co_await as_result(read(*both.server));
  EXPECT_TRUE(second.has_error());
  co_await send(*both.client, "for the first");
  const std::string got = co_await first;
  EXPECT_EQ(got, "for the first");
}

// --- connecting ---

EDDY_TEST(virtual_connect, is_refused_where_nobody_listens) {
  auto tcp = stream_socket();
  const auto refused = co_await as_result(connect_to(*tcp, socket_address::loopback_v4(81)));
  EXPECT_EQ(error_of(refused), ECONNREFUSED);
  auto local = stream_socket(AF_UNIX);
  const auto missing =
      co_await as_result(connect_to(*local, socket_address::unix_path("/run/none.sock")));
  EXPECT_EQ(error_of(missing), ENOENT);
}

EDDY_TEST(virtual_connect,
          waits_while_the_backlog_is_full_and_is_refused_when_the_listener_closes) {
  auto listener = listener_on(socket_address::loopback_v4(80), 1);
  auto first = stream_socket();
  auto second = stream_socket();
  auto third = stream_socket();
  co_await connect_to(*first, listener->local_address());
  auto waiting = spawn(coro::as_task(connect_to(*second, listener->local_address())));
  co_await settle();
  auto unlucky = spawn(as_result(connect_to(*third, listener->local_address())));
  co_await settle();
  EXPECT_FALSE(waiting.done());
  auto server = co_await accept_one(*listener);
  EXPECT_EQ(server->peer_address(), first->local_address());
  co_await waiting;
  listener->close();
  const auto& refused = co_await unlucky;
  EXPECT_EQ(error_of(refused), ECONNREFUSED);
  const auto reset = co_await as_result(read(*second));
  EXPECT_EQ(error_of(reset), ECONNRESET) << "it was never accepted";
}

network_conditions refusing() {
  network_conditions conditions;
  conditions.refuse_probability = 0.5;
  return conditions;
}

EDDY_TEST_WITH(virtual_connect, is_refused_by_chance_when_the_network_is_told_so,
               with_network(refusing())) {
  auto listener = listener_on(socket_address::loopback_v4(80), 100);
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    auto client = stream_socket();
    const auto ended = co_await as_result(connect_to(*client, listener->local_address()));
    if (error_of(ended) == ECONNREFUSED) ++refused;
  }
  EXPECT_THAT(refused, Gt(20));
  EXPECT_THAT(refused, Lt(80));
}

EDDY_TEST_WITH(virtual_connect, may_be_given_up_on_its_way, with_network(latency_of(100ms))) {
  auto listener = listener_on(socket_address::loopback_v4(80));
  {
    auto client = stream_socket();
    const auto there = listener->local_address();
    const bool done = co_await move_on_after(50ms, connect_to(*client, there));
    EXPECT_FALSE(done);
  }
  auto nobody = co_await as_result(with_timeout(1s, accept_one(*listener)));
  EXPECT_TRUE(nobody.has_error()) << "a connect that was closed before it arrived was accepted";
}

EDDY_TEST(virtual_accept, fails_at_the_limit_of_sockets_and_keeps_the_connection) {
  auto listener = listener_on(socket_address::loopback_v4(80));
  auto client = stream_socket();
  co_await connect_to(*client, listener->local_address());
  auto& network = virtual_io().network();
  network.limit_sockets(network.open_sockets());
  const auto none = co_await as_result(accept_one(*listener));
  EXPECT_EQ(error_of(none), EMFILE);
  network.limit_sockets(100);
  auto server = co_await accept_one(*listener);
  EXPECT_TRUE(server->is_open());
}

EDDY_TEST(virtual_accept, spreads_connections_over_listeners_that_share_a_port) {
  std::vector<std::unique_ptr<descriptor>> listeners;
  for (int i = 0; i < 2; ++i) {
    auto made = stream_socket();
    made->set_option(SOL_SOCKET, SO_REUSEPORT, 1);
    made->bind(socket_address::any_v4(8080));
    made->listen(100);
    listeners.push_back(std::move(made));
  }
  std::vector<std::unique_ptr<descriptor>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(stream_socket());
    co_await connect_to(*clients.back(), socket_address::loopback_v4(8080));
  }
  for (auto& each : listeners) {
    auto served = co_await accept_one(*each);
    EXPECT_TRUE(served->is_open());
  }
}

// --- addresses and options ---

EDDY_TEST(virtual_socket, gives_each_automatic_bind_a_port_of_its_own) {
  auto a = listener_on(socket_address::loopback_v4(0));
  auto b = listener_on(socket_address::loopback_v4(0));
  EXPECT_NE(a->local_address().port(), 0);
  EXPECT_NE(a->local_address().port(), b->local_address().port());
  co_return;
}

EDDY_TEST(virtual_socket, refuses_an_address_that_is_taken_until_it_is_free_again) {
  auto first = listener_on(socket_address::loopback_v4(80));
  auto second = stream_socket();
  EXPECT_THROW(second->bind(socket_address::any_v4(80)), error);
  EXPECT_NO_THROW(listener_on(socket_address::loopback_v6(80)));
  first->close();
  EXPECT_NO_THROW(second->bind(socket_address::any_v4(80)));
  co_return;
}

EDDY_TEST(virtual_socket, remembers_its_options) {
  auto socket = stream_socket();
  EXPECT_EQ(socket->option(IPPROTO_TCP, TCP_NODELAY), 0);
  socket->set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  EXPECT_EQ(socket->option(IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(socket->option(SOL_SOCKET, SO_TYPE), SOCK_STREAM);
  EXPECT_THROW(static_cast<void>(socket->peer_address()), error);
  socket->close();
  EXPECT_THROW(socket->set_option(IPPROTO_TCP, TCP_NODELAY, 1), error);
  co_return;
}

EDDY_TEST(virtual_driver, has_no_place_for_real_descriptors) {
  EXPECT_THROW(static_cast<void>(virtual_io().adopt(-1)), error);
  EXPECT_THROW(static_cast<void>(virtual_io().open_socket(AF_PACKET, SOCK_RAW, 0)), error);
  co_return;
}

// --- datagrams ---

task<std::string> read_from(descriptor& on, socket_address& sender, std::size_t most = 65536) {
  std::string bytes(most, '\0');
  bytes.resize(co_await transfer(on, io_verb::receive_from, bytes.data(), most, &sender));
  co_return bytes;
}

task<std::size_t> send_to(descriptor& on, std::string bytes, socket_address to) {
  co_return co_await transfer(on, io_verb::send_to, bytes.data(), bytes.size(), &to);
}

std::unique_ptr<descriptor> datagram_socket() {
  auto made = virtual_io().open_socket(AF_INET, SOCK_DGRAM, 0);
  made->bind(socket_address::loopback_v4(0));
  return made;
}

EDDY_TEST(virtual_datagram, keeps_its_borders_and_names_its_sender) {
  auto a = datagram_socket();
  auto b = datagram_socket();
  co_await send_to(*a, "one", b->local_address());
  co_await send_to(*a, "", b->local_address());
  co_await send_to(*a, "three", b->local_address());
  socket_address from;
  const std::string one = co_await read_from(*b, from);
  EXPECT_EQ(one, "one");
  EXPECT_EQ(from, a->local_address());
  const std::string two = co_await read_from(*b, from);
  EXPECT_EQ(two, "");
  const std::string cut = co_await read_from(*b, from, 2);
  EXPECT_EQ(cut, "th");
}

EDDY_TEST(virtual_datagram, is_dropped_where_nobody_reads_or_there_is_no_room) {
  auto a = datagram_socket();
  auto b = datagram_socket();
  const auto nowhere = co_await send_to(*a, "x", socket_address::loopback_v4(9));
  EXPECT_EQ(nowhere, 1U);
  for (int i = 0; i < 100; ++i) co_await send_to(*a, std::string(10'000, 'x'), b->local_address());
  int arrived = 0;
  for (;;) {
    socket_address from;
    const auto got = co_await move_on_after(1ms, read_from(*b, from));
    if (!got) break;
    ++arrived;
  }
  EXPECT_EQ(arrived, 6);
}

}  // namespace
}  // namespace eddy::runtime
