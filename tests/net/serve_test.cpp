#include <eddy/net/serve.hpp>

#include "on_every_network.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

SOCKET_TEST(serve, runs_a_handler_for_each_connection_at_the_same_time) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  task_handle<void> serving = spawn(serve(listener, &echo));
  tcp_stream one = co_await tcp_stream::connect(to);
  tcp_stream other = co_await tcp_stream::connect(to);
  for (int round = 0; round < 3; ++round) {
    const std::string first = co_await ask(one, "one " + std::to_string(round));
    const std::string second = co_await ask(other, "other " + std::to_string(round));
    EXPECT_EQ(first, "one " + std::to_string(round));
    EXPECT_EQ(second, "other " + std::to_string(round));
  }
  listener.close();
  co_await serving;
  const std::string rest = co_await read_all(one);  // cancelled with the server, hence closed
  EXPECT_EQ(rest, "");
}

SOCKET_TEST(serve, keeps_a_handler_with_state_alive_until_the_last_connection_has_ended) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  int served = 0;
  {
    std::string greeting = "a greeting that is too long for the small string optimisation";
    auto greet = [greeting, &served](tcp_stream peer) -> task<void> {
      co_await peer.write_all(greeting);
      ++served;
    };
    task_handle<void> serving = spawn(serve(listener, std::move(greet)));
    tcp_stream client = co_await tcp_stream::connect(to);
    const std::string text = co_await read_all(client);
    EXPECT_EQ(text, greeting);
    listener.close();
    co_await serving;
  }
  EXPECT_EQ(served, 1);
}

SOCKET_TEST(serve, lets_others_run_while_it_accepts_many) {
  constexpr int count = 100;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  std::vector<tcp_stream> clients;
  for (int i = 0; i < count; ++i) clients.push_back(co_await tcp_stream::connect(listener.local()));
  int served = 0;
  std::map<std::uint64_t, int> of_turn;
  auto handler = [&](tcp_stream) -> task<void> {
    ++served;
    ++of_turn[runtime::loop::current().turns()];
    co_return;
  };
  task_handle<void> serving = spawn(serve(listener, handler));
  while (served < count) co_await yield();
  for (const auto& [turn, connections] : of_turn) EXPECT_LE(connections, 16) << "in turn " << turn;
  listener.close();
  co_await serving;
}

// strm.18
EDDY_TEST(serve, reports_a_handler_that_fails_with_its_peer_and_goes_on) {
  testing::error_recorder errors;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  int connections = 0;
  auto handler = [&connections](tcp_stream peer) -> task<void> {
    if (++connections == 1) throw std::runtime_error("first one is unlucky");
    co_await echo(std::move(peer));
  };
  task_handle<void> serving = spawn(serve(listener, handler));
  tcp_stream unlucky = co_await tcp_stream::connect(to);
  const std::string nothing = co_await read_all(unlucky);
  EXPECT_EQ(nothing, "");
  tcp_stream lucky = co_await tcp_stream::connect(to);
  const std::string answer = co_await ask(lucky, "still there?");
  EXPECT_EQ(answer, "still there?");
  listener.close();
  co_await serving;
  const std::vector<failure_report> reports = errors.take();
  EDDY_REQUIRE(reports.size() == 1);
  EXPECT_NE(reports[0].message.find(unlucky.local().to_string()), std::string::npos)
      << reports[0].message;
  EXPECT_TRUE(holds_exception<std::runtime_error>(reports[0].error));
}

// strm.19: a cancelled handler is not reported either (the run fails for a report that nobody expects)
SOCKET_TEST(serve, cancels_and_awaits_its_handlers_when_it_is_cancelled) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  int started = 0;
  int ended = 0;
  auto handler = [&](tcp_stream peer) -> task<void> {
    ++started;
    auto cleanup = [&ended]() -> task<void> {
      co_await sleep(2ms);
      ++ended;
    };
    co_await finally(echo(std::move(peer)), cleanup);
  };
  serve_state state;
  task_handle<void> serving = spawn(serve(listener, handler, serve_options(), state));
  tcp_stream one = co_await tcp_stream::connect(to);
  tcp_stream other = co_await tcp_stream::connect(to);
  while (started < 2) co_await sleep(1ms);
  EXPECT_EQ(state.connections(), 2U);
  serving.cancel();
  auto outcome = co_await as_result(serving);
  EXPECT_EQ(error_of(outcome.error()), errc::task_cancelled);
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(state.connections(), 0U);
  EXPECT_EQ(state.accepted(), 2U);
  EXPECT_TRUE(state.draining());
  const std::string rest = co_await read_all(one);
  EXPECT_EQ(rest, "");
}

/// Serves connections that last as long as their first byte says, in seconds.
task<void> last_for_seconds(tcp_stream peer) {
  std::array<std::byte, 1> buffer;
  static_cast<void>(co_await peer.read_some(buffer));
  co_await sleep(std::chrono::seconds(std::to_integer<int>(buffer[0])));
  co_await peer.write_all("done");
}

task<std::string> last(address to, char seconds) {
  tcp_stream stream = co_await tcp_stream::connect(to);
  co_await stream.write_all(std::string(1, seconds));
  co_return co_await read_all(stream);
}

// strm.20
EDDY_TEST(serve, lets_connections_end_by_themselves_up_to_the_drain_limit) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  task_handle<void> serving = spawn(serve(listener, &last_for_seconds, {.drain_limit = 10s}));
  task_handle<std::string> quick = spawn(last(to, 5));
  task_handle<std::string> slow = spawn(last(to, 50));
  co_await sleep(1s);
  listener.close();
  auto refused = co_await as_result(tcp_stream::connect(to));
  EXPECT_TRUE(refused.has_error());
  co_await serving;
  EXPECT_EQ(now().time_since_epoch(), 11s);
  const std::string finished = co_await quick;
  const std::string cut = co_await slow;
  EXPECT_EQ(finished, "done");
  EXPECT_EQ(cut, "");
}

// strm.20
EDDY_TEST(serve, ends_as_soon_as_the_last_connection_does) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  task_handle<void> serving = spawn(serve(listener, &last_for_seconds, {.drain_limit = 1h}));
  task_handle<std::string> quick = spawn(last(to, 5));
  co_await sleep(1s);
  listener.close();
  co_await serving;
  EXPECT_EQ(now().time_since_epoch(), 5s);
}

// strm.20
EDDY_TEST(serve, drains_when_it_is_cancelled_and_has_a_drain_limit) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  task_handle<void> serving = spawn(serve(listener, &last_for_seconds, {.drain_limit = 10s}));
  task_handle<std::string> quick = spawn(last(to, 5));
  task_handle<std::string> slow = spawn(last(to, 50));
  co_await sleep(1s);
  serving.cancel();
  auto outcome = co_await as_result(serving);
  EXPECT_EQ(error_of(outcome.error()), errc::task_cancelled);
  EXPECT_EQ(now().time_since_epoch(), 11s);
  const std::string finished = co_await quick;
  const std::string cut = co_await slow;
  EXPECT_EQ(finished, "done");
  EXPECT_EQ(cut, "");
}

EDDY_TEST(serve, waits_with_accepting_while_it_has_enough_connections) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  serve_state state;
  task_handle<void> serving =
      spawn(serve(listener, &last_for_seconds, {.max_connections = 2, .drain_limit = 1h}, state));
  std::vector<task_handle<std::string>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(spawn(last(to, 5)));
  co_await sleep(4s);
  EXPECT_EQ(state.connections(), 2U);
  EXPECT_EQ(state.accepted(), 2U);
  for (task_handle<std::string>& client : clients) {
    const std::string text = co_await client;
    EXPECT_EQ(text, "done");
  }
  EXPECT_EQ(now().time_since_epoch(), 10s);
  EXPECT_EQ(state.accepted(), 3U);
  listener.close();
  co_await serving;
}

EDDY_TEST(serve, ends_although_it_has_enough_connections_when_the_listener_is_closed) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  task_handle<void> serving =
      spawn(serve(listener, &last_for_seconds, {.max_connections = 1, .drain_limit = 10s}));
  task_handle<std::string> client = spawn(last(to, 100));
  co_await sleep(1s);
  listener.close();
  co_await serving;
  EXPECT_EQ(now().time_since_epoch(), 11s);
  const std::string cut = co_await client;
  EXPECT_EQ(cut, "");
}

SOCKET_TEST(serve, resets_connections_of_a_peer_that_has_too_many) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  serve_state state;
  task_handle<void> serving = spawn(serve(listener, &echo, {.max_per_peer = 1}, state));
  {
    tcp_stream first = co_await tcp_stream::connect(to);
    const std::string answer = co_await ask(first, "hello");
    EXPECT_EQ(answer, "hello");
    tcp_stream second = co_await tcp_stream::connect(to);
    auto refused = co_await as_result(read_all(second));
    EXPECT_EQ(error_of(refused.error()), condition::disconnected);
    EXPECT_EQ(state.refused(), 1U);
    co_await first.close();
  }
  while (state.connections() > 0) co_await sleep(1ms);
  tcp_stream third = co_await tcp_stream::connect(to);
  const std::string answer = co_await ask(third, "again");
  EXPECT_EQ(answer, "again");
  listener.close();
  co_await serving;
}

/// Greets, and tells those beyond a limit that there is no room.
struct doorman {
  task<void> operator()(tcp_stream peer, serve_state::admission admitted) const {
    const serve_state::admission counted = std::move(admitted);
    co_await peer.write_all("welcome");
    std::array<std::byte, 1> byte{};
    static_cast<void>(co_await peer.read_some(byte));
  }
  task<void> refuse(tcp_stream peer) const { co_await peer.write_all("no room"); }
};

EDDY_TEST(serve, lets_a_handler_tell_those_beyond_a_limit) {
  serve_state state;
  auto listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(serve(listener, doorman(), {.max_connections = 1, .max_refusals = 1}, state));
    {
      auto first = co_await tcp_stream::connect(to);
      std::array<std::byte, 7> greeting{};
      static_cast<void>(co_await first.read_some(greeting));
      EXPECT_EQ(io::text_of(greeting), "welcome");
      EXPECT_EQ(state.connections(), 1U);
      for (int i = 0; i < 3; ++i) {
        auto further = co_await tcp_stream::connect(to);
        const std::string said = co_await read_all(further);
        EXPECT_EQ(said, "no room");
      }
      EXPECT_EQ(state.refused(), 3U);
      EXPECT_EQ(state.refusing(), 0U);
    }
    co_await sleep(1s);  // until the server has seen the first one go
    EXPECT_EQ(state.connections(), 0U);
    auto later = co_await tcp_stream::connect(to);
    std::array<std::byte, 7> greeting{};
    static_cast<void>(co_await later.read_some(greeting));
    EXPECT_EQ(io::text_of(greeting), "welcome");
    co_await later.close();
    listener.close();
  };
  co_await with_group(both);
  EXPECT_EQ(state.connections(), 0U);
}

SYSTEM_TEST(serve, serves_unix_sockets_as_well) {
  const std::string name = "@eddy-net-serve-" + std::to_string(::getpid());
  unix_listener listener = unix_listener::listen(name);
  auto greet = [](unix_stream peer) -> task<void> { co_await peer.write_all("hello"); };
  task_handle<void> serving = spawn(serve(listener, greet, {.max_per_peer = 1}));
  unix_stream client = co_await unix_stream::connect(name);
  const std::string text = co_await read_all(client);
  EXPECT_EQ(text, "hello");
  listener.close();
  co_await serving;
}

SYSTEM_TEST(serve, survives_a_storm_of_connections_that_vanish) {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const address to = listener.local();
  serve_state state;
  auto until_gone = [](tcp_stream peer) -> task<void> {
    const auto ended = co_await as_result(echo(std::move(peer)));
    static_cast<void>(ended);  // resets are what this is about
  };
  task_handle<void> serving = spawn(serve(listener, until_gone, {.max_connections = 50}, state));
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 300; ++i) {
    tcp_stream client = co_await tcp_stream::connect(to);
    if (i % 3 != 0) co_await client.write_all("x");
    if (i % 2 == 0) client.abort();
  }
  tcp_stream last_one = co_await tcp_stream::connect(to);
  const std::string answer = co_await ask(last_one, "still serving");
  EXPECT_EQ(answer, "still serving");
  co_await last_one.close();
  while (state.connections() > 0) co_await sleep(1ms);
  EXPECT_EQ(open_descriptors(), before);
  listener.close();
  co_await serving;
}

}  // namespace
}  // namespace eddy::net
