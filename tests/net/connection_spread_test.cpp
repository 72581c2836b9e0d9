#include <eddy/net/connection_spread.hpp>

#include "on_every_network.hpp"
#include "reserved_port.hpp"
#include "scratch_folder.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/net/serve.hpp>
#include <eddy/net/unix.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

/// Waits until `holds` does; the test's time limit bounds it.
template <class Condition>
task<void> until(Condition holds) {
  while (!holds()) co_await sleep(1ms);
}

// --- members, one loop playing several ---

constexpr std::size_t no_limit = 0;

/// A loop with so many connections, and one with none that they may be given to.
struct two_members {
  explicit two_members(int connections, std::size_t most_of_other = no_limit)
      : other(spread, most_of_other) {
    here.join();
    other.join();
    for (int i = 0; i < connections; ++i) EXPECT_FALSE(here.gives(-1, address()));
  }
  connection_spread spread;
  connection_spread::member here{spread, no_limit};
  connection_spread::member other;
  std::optional<connection_spread::member::room::receiver_type> room{other.receiver()};
};

/// As a loop does with what it has given.
void let_go(tcp_stream) {}

SYSTEM_TEST(connection_spread,
            a_connection_stays_where_it_was_accepted_unless_others_have_clearly_fewer) {
  connection_spread spread;
  connection_spread::member here(spread, no_limit);
  connection_spread::member other(spread, no_limit);
  auto room = other.receiver();
  here.join();
  EXPECT_EQ(spread.members(), 1U);
  auto pair = co_await connect_pair();
  const int fd = pair.server.native_handle();
  EXPECT_FALSE(here.gives(fd, pair.server.peer()));
  other.join();
  EXPECT_EQ(spread.members(), 2U);
  EXPECT_FALSE(here.gives(fd, pair.server.peer()));  // one to none
  EXPECT_EQ(here.connections(), 2U);
  EXPECT_TRUE(here.gives(fd, pair.server.peer()));  // two to none
  EXPECT_EQ(here.connections(), 2U);
  EXPECT_EQ(other.connections(), 1U);
  EXPECT_FALSE(here.gives(fd, pair.server.peer()));  // two to one
  EXPECT_TRUE(here.gives(fd, pair.server.peer()));   // three to one
  EXPECT_EQ(other.connections(), 2U);
  EXPECT_EQ(spread.given(), 2U);
  other.ended();
  EXPECT_EQ(other.connections(), 1U);
  EXPECT_TRUE(here.gives(fd, pair.server.peer()));
}

SYSTEM_TEST(connection_spread, more_connections_may_differ_by_more) {
  connection_spread spread;
  connection_spread::member here(spread, no_limit);
  connection_spread::member other(spread, no_limit);
  auto room = other.receiver();
  here.join();
  for (int i = 0; i < 35; ++i) EXPECT_FALSE(here.gives(-1, address()));
  for (int i = 0; i < 32; ++i) EXPECT_FALSE(other.gives(-1, address()));
  other.join();
  auto pair = co_await connect_pair();
  EXPECT_FALSE(here.gives(pair.server.native_handle(), pair.server.peer()));  // 35 to 32
  EXPECT_TRUE(here.gives(pair.server.native_handle(), pair.server.peer()));   // 36 to 32
  EXPECT_EQ(other.connections(), 33U);
}

SYSTEM_TEST(connection_spread, a_given_connection_is_the_same_one_with_another_descriptor) {
  two_members two(2);
  auto pair = co_await connect_pair();
  const address peer = pair.server.peer();
  EXPECT_TRUE(two.here.gives(pair.server.native_handle(), peer));
  let_go(std::move(pair.server));
  co_await pair.client.write_all("hello");
  auto given = co_await two.room->receive();
  EDDY_REQUIRE(given.has_value());
  EXPECT_EQ(given->peer(), peer);
  tcp_stream stream(given->arrive(), given->peer());
  EXPECT_EQ(stream.peer(), peer);
  EXPECT_EQ(stream.peer(), pair.client.local());
  std::array<std::byte, 16> piece{};
  const std::size_t count = co_await stream.read_some(piece);
  EXPECT_EQ(io::text_of(std::span(piece).first(count)), "hello");
  co_await stream.close();
  const std::string rest = co_await read_all(pair.client);
  EXPECT_EQ(rest, "");
}

SYSTEM_TEST(connection_spread, a_given_connection_knows_its_peer_after_that_has_gone) {
  for (const bool gone_before : {true, false}) {
    auto pair = co_await connect_pair();
    const address peer = pair.server.peer();
    given_connection given(pair.server.native_handle(), peer);
    if (gone_before) {
      pair.client.abort();
      co_await pair.server.wait_readable();
    }
    tcp_stream stream(given.arrive(), given.peer());
    if (!gone_before) {
      pair.client.abort();
      co_await pair.server.wait_readable();
    }
    EXPECT_EQ(stream.peer(), peer) << gone_before;
    stream.abort();
    EXPECT_EQ(stream.peer(), peer) << gone_before;
  }
}

SYSTEM_TEST(connection_spread, a_member_that_leaves_is_given_no_more_and_gets_what_it_was_given) {
  two_members two(3);
  auto pair = co_await connect_pair();
  const int fd = pair.server.native_handle();
  EXPECT_TRUE(two.here.gives(fd, pair.server.peer()));
  two.other.leave();
  two.other.leave();
  EXPECT_EQ(two.spread.members(), 1U);
  EXPECT_FALSE(two.here.gives(fd, pair.server.peer()));
  EXPECT_FALSE(two.other.gives(fd, pair.server.peer()));  // it gives none either
  auto first = co_await two.room->receive();
  EXPECT_TRUE(first.has_value());
  auto none = co_await two.room->receive();
  EXPECT_FALSE(none.has_value());
}

SYSTEM_TEST(connection_spread, what_cannot_be_given_stays) {
  two_members two(9, 3);
  auto pair = co_await connect_pair();
  const int fd = pair.server.native_handle();
  EXPECT_TRUE(two.here.gives(fd, pair.server.peer()));
  EXPECT_TRUE(two.here.gives(fd, pair.server.peer()));
  EXPECT_FALSE(two.here.gives(fd, pair.server.peer()));  // the last place is for what it accepts
  EXPECT_EQ(two.other.connections(), 2U);
  two.other.ended();
  const int none = ::dup(fd);
  ::close(none);
  EXPECT_FALSE(two.here.gives(none, pair.server.peer()));  // no descriptor for the way
  EXPECT_EQ(two.other.connections(), 1U);
  two.room.reset();
  EXPECT_FALSE(two.here.gives(fd, pair.server.peer()));  // nobody is there
  EXPECT_EQ(two.other.connections(), 1U);
  EXPECT_EQ(two.here.connections(), 12U);
}

SYSTEM_TEST(connection_spread, a_loop_that_takes_nothing_up_is_given_so_many_only) {
  two_members two(1000);
  auto pair = co_await connect_pair();
  std::size_t given = 0;
  while (two.here.gives(pair.server.native_handle(), pair.server.peer())) ++given;
  EXPECT_EQ(given, 256U);
  EXPECT_EQ(two.other.connections(), 256U);
}

// --- serve, on one loop ---

SOCKET_TEST(connection_spread, one_loop_alone_serves_what_it_accepts) {
  connection_spread spread;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  serve_state state;
  const serve_options how{.spread = &spread};
  for (int round = 0; round < 2; ++round) {  // a state may be used again
    tcp_listener listening = tcp_listener::listen(address::loopback_v4(0));
    task_handle<void> serving = spawn(serve(listening, &echo, how, state));
    std::vector<tcp_stream> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(co_await tcp_stream::connect(listening.local()));
      const std::string answer = co_await ask(clients.back(), "hello");
      EXPECT_EQ(answer, "hello");
    }
    EXPECT_EQ(spread.members(), 1U);
    EXPECT_EQ(state.connections(), 5U);
    listening.close();
    co_await serving;
    EXPECT_EQ(spread.members(), 0U);
    EXPECT_EQ(state.connections(), 0U);
  }
  EXPECT_EQ(spread.given(), 0U);
}

SOCKET_TEST(connection_spread, accepting_waits_at_the_limit_as_without_one) {
  connection_spread spread;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  serve_state state;
  task_handle<void> serving =
      spawn(serve(listener, &echo, {.max_connections = 2, .spread = &spread}, state));
  std::vector<tcp_stream> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(co_await tcp_stream::connect(listener.local()));
  for (int i = 0; i < 2; ++i) {
    const std::string answer = co_await ask(clients[static_cast<std::size_t>(i)], "hello");
    EXPECT_EQ(answer, "hello");
  }
  const auto too_many = co_await move_on_after(20ms, ask(clients[2], "hello"));
  EXPECT_FALSE(too_many.has_value());
  EXPECT_EQ(state.connections(), 2U);
  co_await clients[0].close();
  std::array<std::byte, 8> piece{};
  const std::size_t count = co_await clients[2].read_some(piece);
  EXPECT_EQ(count, 5U);
  EXPECT_EQ(state.refused(), 0U);
  listener.close();
  co_await serving;
}

SYSTEM_TEST(connection_spread, a_refused_connection_does_not_count) {
  connection_spread spread;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  serve_state state;
  task_handle<void> serving =
      spawn(serve(listener, &echo, {.max_per_peer = 1, .spread = &spread}, state));
  tcp_stream first = co_await tcp_stream::connect(listener.local());
  const std::string answer = co_await ask(first, "hello");
  EXPECT_EQ(answer, "hello");
  for (int i = 0; i < 3; ++i) {
    tcp_stream further = co_await tcp_stream::connect(listener.local());
    co_await further.wait_readable();  // it is reset
  }
  EXPECT_EQ(state.refused(), 3U);
  EXPECT_EQ(state.part()->connections(), 1U);
  listener.close();
  co_await serving;
}

SYSTEM_TEST(connection_spread, serve_takes_up_what_others_give_until_it_has_ended) {
  connection_spread spread;
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  connection_spread::member other(spread, no_limit);
  auto room = other.receiver();
  other.join();
  task_handle<void> serving =
      spawn(serve(listener, &echo, {.drain_limit = 10s, .spread = &spread}));
  while (spread.members() < 2) co_await yield();
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(other.gives(-1, address()));
  auto early = co_await connect_pair();
  auto late = co_await connect_pair();
  EXPECT_TRUE(other.gives(early.server.native_handle(), early.server.peer()));
  let_go(std::move(early.server));
  const std::string answer = co_await ask(early.client, "early");
  EXPECT_EQ(answer, "early");
  // Given in the turn in which the end begins.
  EXPECT_TRUE(other.gives(late.server.native_handle(), late.server.peer()));
  let_go(std::move(late.server));
  serving.cancel();
  const std::string last = co_await ask(late.client, "late");
  EXPECT_EQ(last, "late");
  EXPECT_EQ(spread.members(), 1U);
  co_await early.client.close();
  co_await late.client.close();
  const auto ended = co_await as_result(serving);
  EXPECT_TRUE(ended.has_error());
}

SYSTEM_TEST(connection_spread, connections_over_unix_sockets_are_given_too) {
  const tests::scratch_folder folder;
  connection_spread spread;
  unix_listener listener = unix_listener::listen(folder / "spread.sock");
  connection_spread::member other(spread, no_limit);
  auto room = other.receiver();
  other.join();
  const auto greet = [](unix_stream peer) -> task<void> {
    EXPECT_EQ(peer.peer().family(), AF_UNIX);
    co_await peer.write_all("hello");
  };
  task_handle<void> serving = spawn(serve(listener, greet, {.spread = &spread}));
  while (spread.members() < 2) co_await yield();
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(other.gives(-1, address()));
  unix_listener elsewhere = unix_listener::listen(folder / "elsewhere.sock");
  unix_stream client = co_await unix_stream::connect(folder / "elsewhere.sock");
  {
    const unix_stream server = co_await elsewhere.accept();
    EXPECT_TRUE(other.gives(server.native_handle(), server.peer()));
  }
  const std::string text = co_await read_all(client);
  EXPECT_EQ(text, "hello");
  listener.close();
  co_await serving;
}

// --- several loops ---

/// A server on several loops, in threads of their own. Tells each client the number of the loop that serves it, and
/// then gives back what it gets.
class server_on_loops {
 public:
  explicit server_on_loops(std::size_t loops, serve_options how = {})
      : how_(how), places_(loops), thread_([this] { live(); }) {
    how_.spread = &spread_;
    begin_.count_down();
    begun_.wait();
  }
  ~server_on_loops() { end(); }

  [[nodiscard]] const address& at() const noexcept { return port_.at(); }
  [[nodiscard]] const connection_spread& spread() const noexcept { return spread_; }
  /// Connections that one loop serves now.
  [[nodiscard]] std::size_t serving(std::size_t loop) const { return places_[loop].serving; }
  /// The most so far.
  [[nodiscard]] std::size_t most(std::size_t loop) const { return places_[loop].most; }
  /// Cancels the serve() of one loop, which ends after this; once.
  void leave(std::size_t loop) {
    place& one = places_[loop];
    if (std::exchange(one.left, true)) return;
    EXPECT_TRUE(one.loop.post([&one] { one.scope->cancel(); }));
  }
  void end() {
    if (!thread_.joinable()) return;
    for (std::size_t i = 0; i < places_.size(); ++i) leave(i);
    thread_.join();
  }

 private:
  struct place {
    runtime::loop_ref loop;
    cancel_scope* scope = nullptr;
    bool left = false;
    std::atomic<std::size_t> serving = 0;
    std::atomic<std::size_t> most = 0;
  };

  class counted {
   public:
    explicit counted(place& at) : at_(at) { at.most = std::max(at.most.load(), ++at.serving); }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --at_.serving; }

   private:
    place& at_;
  };

  void live() {
    begin_.wait();
    run_options options;
    options.loops = places_.size();
    options.handle_signals = false;
    options.on_error = [](const failure_report& what) {
      ADD_FAILURE() << what.message << ": " << (what.error ? describe_exception(what.error) : "");
    };
    try {
      run([this] { return serve_here(); }, options);
    } catch (const std::exception& failure) {
      ADD_FAILURE() << "a loop failed with " << failure.what();
    }
  }

  task<void> serve_here() {
    place& here = places_[runtime::loop::current().index()];
    listen_options shared;
    shared.reuse_port = true;
    tcp_listener listener = tcp_listener::listen(port_.at(), shared);
    const auto greet = [&here](tcp_stream peer) { return greet_and_echo(here, std::move(peer)); };
    const auto serving = [&](cancel_scope& scope) -> task<void> {
      here.scope = &scope;
      here.loop = current_loop();
      begun_.count_down();
      co_await serve(listener, greet, how_);
    };
    static_cast<void>(co_await with_scope(serving));
  }

  static task<void> greet_and_echo(place& here, tcp_stream peer) {
    const counted while_served(here);
    const std::array<std::byte, 1> number{std::byte(runtime::loop::current().index())};
    try {
      co_await peer.write_all(number);
      co_await echo(std::move(peer));
    } catch (const error& failure) {
      if (failure != condition::disconnected) throw;
    }
  }

  testing::reserved_port port_;
  connection_spread spread_;
  serve_options how_;
  std::deque<place> places_;
  std::latch begin_{1};
  std::latch begun_{static_cast<std::ptrdiff_t>(places_.size())};
  std::thread thread_;
};

struct client {
  client(tcp_stream to, std::size_t by) : stream(std::move(to)), loop(by) {}
  tcp_stream stream;
  std::size_t loop;  // that serves it
};

/// Null: the connection was refused.
task<std::unique_ptr<client>> connect(const address& to) {
  try {
    tcp_stream stream = co_await tcp_stream::connect(to);
    std::array<std::byte, 1> number{};
    const std::size_t count = co_await stream.read_some(number);
    if (count == 0) co_return nullptr;
    co_return std::make_unique<client>(std::move(stream), std::to_integer<std::size_t>(number[0]));
  } catch (const error& failure) {
    if (failure != condition::disconnected) throw;
  }
  co_return nullptr;
}

using clients = std::vector<std::unique_ptr<client>>;

task<void> connect_more(clients& to, const address& server, std::size_t count) {
  for (; count > 0; --count) to.push_back(co_await connect(server));
}

task<void> check_all_served(clients& all) {
  for (auto& one : all) {
    EXPECT_NE(one, nullptr);
    if (one == nullptr) continue;
    const std::string answer = co_await ask(one->stream, "hello");
    EXPECT_EQ(answer, "hello");
  }
}

/// The connections of the loop that has most, and the even share.
void expect_balance(const clients& all, std::size_t loops) {
  std::vector<std::size_t> counts(loops);
  for (const auto& one : all) ++counts.at(one->loop);
  const std::size_t most = *std::ranges::max_element(counts);
  const double even = static_cast<double>(all.size()) / static_cast<double>(loops);
  EXPECT_LE(static_cast<double>(most), 1.10 * even) << all.size() << " connections";
}

SYSTEM_TEST(connection_spread, balances_connections_that_come_one_after_another) {
  for (const std::size_t count : {64U, 200U}) {
    server_on_loops server(4);
    clients all;
    co_await connect_more(all, server.at(), count);
    co_await check_all_served(all);
    expect_balance(all, 4);
  }
}

SYSTEM_TEST(connection_spread, balances_connections_that_come_at_once) {
  for (const std::size_t count : {64U, 200U}) {
    server_on_loops server(4);
    const std::vector<address> each(count, server.at());
    clients all = co_await gather_each(each, connect);
    co_await check_all_served(all);
    expect_balance(all, 4);
  }
}

SYSTEM_TEST(connection_spread, evens_out_what_the_end_of_connections_has_left) {
  server_on_loops server(4);
  clients all;
  co_await connect_more(all, server.at(), 200);
  std::size_t to_close = 30;
  const std::size_t before = server.serving(0);
  std::erase_if(all, [&](const auto& one) {
    if (one->loop != 0 || to_close == 0) return false;
    --to_close;
    return true;
  });
  EXPECT_EQ(all.size(), 170U);
  co_await until([&] { return server.serving(0) == before - 30; });
  co_await connect_more(all, server.at(), 30);
  co_await check_all_served(all);
  expect_balance(all, 4);
}

SYSTEM_TEST(connection_spread, no_loop_exceeds_its_limit_and_none_is_refused_below_it) {
  constexpr std::size_t limit = 20;
  for (const bool per_peer : {false, true}) {
    server_on_loops server(4, per_peer ? serve_options{.max_per_peer = limit}
                                       : serve_options{.max_connections = limit});
    const std::vector<address> each(64, server.at());
    clients all = co_await gather_each(each, connect);
    co_await check_all_served(all);
    expect_balance(all, 4);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_LE(server.most(i), limit);
  }
}

SYSTEM_TEST(connection_spread, beyond_the_limit_connections_are_refused_on_every_loop) {
  constexpr std::size_t limit = 20;
  server_on_loops server(4, {.max_per_peer = limit});
  const std::vector<address> each(200, server.at());
  clients all = co_await gather_each(each, connect);
  EXPECT_EQ(std::erase(all, nullptr), 120);
  co_await check_all_served(all);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(server.most(i), limit);
}

SYSTEM_TEST(connection_spread, connections_of_other_loops_go_on_when_one_leaves) {
  server_on_loops server(4);
  clients all;
  co_await connect_more(all, server.at(), 64);
  server.leave(0);
  co_await until([&] { return server.spread().members() == 3; });
  std::erase_if(all, [](const auto& one) { return one->loop == 0; });
  co_await check_all_served(all);
  co_await until([&] { return server.serving(0) == 0; });
  EXPECT_GT(all.size(), 40U);
}

/// Connects, asks and leaves, again and again, until told.
task<std::size_t> come_and_go(const address& to, const bool& end) {
  std::size_t answered = 0;
  while (!end) {
    const auto one = co_await connect(to);
    EXPECT_NE(one, nullptr);
    if (one == nullptr) break;
    const std::string answer = co_await ask(one->stream, "hello");
    EXPECT_EQ(answer, "hello");
    if (answer != "hello") break;
    ++answered;
  }
  co_return answered;
}

SYSTEM_TEST(connection_spread, every_request_is_answered_while_loops_leave) {
  server_on_loops server(4, {.drain_limit = 20s, .handover = 30ms});
  bool end = false;
  std::vector<task_handle<std::size_t>> load;
  for (int i = 0; i < 24; ++i) load.push_back(spawn(come_and_go(server.at(), end)));
  for (std::size_t loop = 0; loop < 3; ++loop) {
    const std::uint64_t before = server.spread().given();
    co_await until([&] { return server.spread().given() >= before + 20; });
    server.leave(loop);
    co_await until([&] { return server.spread().members() == 3 - loop; });
  }
  co_await sleep(100ms);  // to see the last one serve alone
  end = true;
  std::size_t answered = 0;
  for (auto& one : load) answered += co_await one;
  EXPECT_GT(answered, 200U);
}

}  // namespace
}  // namespace eddy::net
