#include <eddy/net/happy_eyeballs.hpp>

#include "on_every_network.hpp"

#include <map>
#include <string>
#include <vector>

#include <eddy/coro/sleep.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

address v4(std::uint16_t n) { return address::loopback_v4(n); }
address v6(std::uint16_t n) { return address::loopback_v6(n); }

/// A braced list cannot stand in a co_await expression with g++ 12.
template <class... Addresses>
std::vector<address> list(const Addresses&... all) {
  std::vector<address> made;
  (made.push_back(all), ...);
  return made;
}

std::string names(const std::vector<address>& all) {
  std::string text;
  for (const address& one : all) {
    text += (one.family() == AF_INET6 ? "6:" : "4:") + std::to_string(one.port()) + " ";
  }
  return text;
}

TEST(interleave_families, lets_the_families_take_turns) {
  EXPECT_EQ(names(interleave_families({v6(1), v6(2), v6(3), v4(4), v4(5)})),
            "6:1 4:4 6:2 4:5 6:3 ");
}

TEST(interleave_families, begins_with_the_family_of_the_first_address) {
  EXPECT_EQ(names(interleave_families({v4(1), v6(2), v6(3), v4(4), v6(5)})),
            "4:1 6:2 4:4 6:3 6:5 ");
}

TEST(interleave_families, keeps_the_order_of_a_single_family) {
  EXPECT_EQ(names(interleave_families({v4(3), v4(1), v4(2)})), "4:3 4:1 4:2 ");
  EXPECT_EQ(names(interleave_families({})), "");
}

/// What happens to attempts, by port: after how long, and whether they succeed.
struct script {
  duration takes;
  bool succeeds;
};

/// A connection that counts how many of its kind are open.
class fake_connection {
 public:
  fake_connection(int& open, std::uint16_t port) : open_(&open), port_(port) { ++*open_; }
  fake_connection(fake_connection&& other) noexcept
      : open_(std::exchange(other.open_, nullptr)), port_(other.port_) {}
  fake_connection& operator=(fake_connection&&) = delete;
  ~fake_connection() {
    if (open_ != nullptr) --*open_;
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int* open_;
  std::uint16_t port_;
};

/// Plays a script and writes down when attempts start and end.
class fake_network {
 public:
  explicit fake_network(std::map<std::uint16_t, script> scripts) : scripts_(std::move(scripts)) {}

  task<fake_connection> attempt(address to) {
    const script plan = scripts_.at(to.port());
    note("start", to);
    bool through = false;
    try {
      co_await sleep(plan.takes);
      through = true;
    } catch (const cancelled&) {
      note("cancelled", to);
      throw;
    }
    note(through && plan.succeeds ? "connected" : "failed", to);
    if (!plan.succeeds)
      throw error(std::make_error_code(std::errc::connection_refused), "connect", to.to_string());
    co_return fake_connection(open, to.port());
  }

  void note(const char* what, const address& to) {
    const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch());
    log += std::to_string(at.count()) + " " + what + " " + std::to_string(to.port()) + "; ";
  }

  std::string log;
  int open = 0;

 private:
  std::map<std::uint16_t, script> scripts_;
};

task<fake_connection> race_on(fake_network& network, std::vector<address> candidates) {
  auto attempt = [&network](address to) { return network.attempt(to); };
  return race_addresses("example", std::move(candidates), 250ms, attempt);
}

// strm.22
EDDY_TEST(race_addresses, takes_the_first_when_it_is_quick) {
  fake_network network({{1, {100ms, true}}, {2, {100ms, true}}});
  const fake_connection made = co_await race_on(network, list(v6(1), v4(2)));
  EXPECT_EQ(made.port(), 1);
  EXPECT_EQ(network.log, "0 start 1; 100 connected 1; ");
}

// strm.22
EDDY_TEST(race_addresses, starts_the_next_after_the_delay_and_cancels_the_losers) {
  fake_network network({{1, {10s, true}}, {2, {10s, true}}, {3, {100ms, true}}, {4, {0ms, true}}});
  const fake_connection made = co_await race_on(network, list(v6(1), v4(2), v6(3), v4(4)));
  EXPECT_EQ(made.port(), 3);
  EXPECT_EQ(now().time_since_epoch(), 600ms);
  EXPECT_NE(network.log.find("0 start 1; 250 start 2; 500 start 3; 600 connected 3; "),
            std::string::npos);
  EXPECT_NE(network.log.find("600 cancelled 1"), std::string::npos);
  EXPECT_NE(network.log.find("600 cancelled 2"), std::string::npos);
  EXPECT_EQ(network.log.find("start 4"), std::string::npos);
  EXPECT_EQ(network.open, 1);
}

// strm.22
EDDY_TEST(race_addresses, starts_the_next_at_once_after_a_failure) {
  fake_network network({{1, {10ms, false}}, {2, {10ms, false}}, {3, {10ms, true}}});
  const fake_connection made = co_await race_on(network, list(v6(1), v4(2), v6(3)));
  EXPECT_EQ(made.port(), 3);
  EXPECT_EQ(now().time_since_epoch(), 30ms);
}

EDDY_TEST(race_addresses, lets_a_slow_first_attempt_win_after_others_have_failed) {
  fake_network network({{1, {900ms, true}}, {2, {10ms, false}}, {3, {10ms, false}}});
  const fake_connection made = co_await race_on(network, list(v6(1), v4(2), v6(3)));
  EXPECT_EQ(made.port(), 1);
  EXPECT_EQ(now().time_since_epoch(), 900ms);
}

// strm.21
EDDY_TEST(race_addresses, holds_every_attempt_in_one_error_when_all_fail) {
  fake_network network({{1, {300ms, false}}, {2, {10ms, false}}});
  auto made = co_await as_result(race_on(network, list(v6(1), v4(2))));
  EDDY_REQUIRE(made.has_error());
  try {
    std::rethrow_exception(made.error());
  } catch (const connect_error& thrown) {
    EDDY_REQUIRE(thrown.attempts().size() == 2);
    EXPECT_EQ(thrown.attempts()[0].to, v4(2));  // in the order in which they failed
    EXPECT_EQ(thrown.attempts()[1].to, v6(1));
    EXPECT_EQ(thrown.peer(), "example");
    EXPECT_EQ(thrown.code(), std::errc::connection_refused);
    EXPECT_NE(std::string(thrown.what()).find("all 2 addresses failed"), std::string::npos)
        << thrown.what();
  }
  EXPECT_EQ(now().time_since_epoch(), 300ms);
}

// strm.23
EDDY_TEST(race_addresses, keeps_one_of_two_that_succeed_in_the_same_turn) {
  fake_network network({{1, {300ms, true}}, {2, {50ms, true}}});
  {
    const fake_connection made = co_await race_on(network, list(v6(1), v4(2)));
    EXPECT_EQ(now().time_since_epoch(), 300ms);
    EXPECT_EQ(network.open, 1);
  }
  EXPECT_EQ(network.open, 0);
  EXPECT_NE(network.log.find("300 connected"), std::string::npos);
}

EDDY_TEST(race_addresses, ends_all_attempts_when_it_is_cancelled) {
  fake_network network({{1, {10s, true}}, {2, {10s, true}}});
  auto made = co_await move_on_after(1s, race_on(network, list(v6(1), v4(2))));
  EXPECT_FALSE(made.has_value());
  EXPECT_EQ(now().time_since_epoch(), 1s);
  EXPECT_NE(network.log.find("1000 cancelled 1"), std::string::npos);
  EXPECT_NE(network.log.find("1000 cancelled 2"), std::string::npos);
  EXPECT_EQ(network.open, 0);
}

EDDY_TEST(race_addresses, refuses_an_empty_list) {
  fake_network network({});
  auto made = co_await as_result(race_on(network, list()));
  EXPECT_EQ(error_of(made.error()), errc::invalid_input);
}

}  // namespace
}  // namespace eddy::net
