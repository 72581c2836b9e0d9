#include <eddy/resilience/object_pool.hpp>

#include "error_code.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/resilience/keyed_pool.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: pool.1 pool.2 pool.3 pool.4 pool.5 pool.6 pool.7 pool.8 pool.9 pool.10 pool.11 pool.12 pool.13 pool.14

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

// What a test's connections are opened from; counts those that are open and can be told to misbehave.
struct database {
  int opened = 0;
  int open_now = 0;
  int most_open = 0;
  int failures = 0;  // openings that fail from now on
  bool set_up_fails = false;
  duration open_time{};
  duration reset_time{};
  duration close_time{};
  std::set<int> dead;
  std::vector<int> resets;
  std::vector<int> aborted;
};

class connection {
 public:
  connection(database& db, int number) : db_(&db), number_(number) {
    db_->most_open = std::max(db_->most_open, ++db_->open_now);
  }
  connection(connection&& other) noexcept
      : db_(std::exchange(other.db_, nullptr)), number_(other.number_) {}
  connection& operator=(connection&&) = delete;
  ~connection() {
    if (db_ != nullptr) --db_->open_now;
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  database* db_;
  int number_;
};

task<connection> connect(database& db) {
  co_await sleep(db.open_time);
  if (db.failures > 0) {
    --db.failures;
    throw std::runtime_error("cannot open");
  }
  co_return connection(db, ++db.opened);
}

pool_hooks<connection> hooks_of(database& db, bool slow_close = false) {
  pool_hooks<connection> hooks;
  hooks.alive = [&db](connection& c) { return !db.dead.contains(c.number()); };
  hooks.set_up = [&db](connection&) -> task<> {
    if (db.set_up_fails) throw std::runtime_error("cannot set up");
    co_return;
  };
  hooks.reset = [&db](connection& c) -> task<> {
    db.resets.push_back(c.number());
    if (db.reset_time > 0s) co_await sleep(db.reset_time);
  };
  if (slow_close)
    hooks.close = [&db](connection&) -> task<> {
      if (db.close_time > 0s) co_await sleep(db.close_time);
    };
  hooks.abort = [&db](connection& c) { db.aborted.push_back(c.number()); };
  return hooks;
}

// A pool over a database, and tasks that use it.
struct office {
  explicit office(const pool_options& options, bool slow_close = false)
      : pool([this] { return connect(db); }, options, hooks_of(db, slow_close)) {}
  database db;
  connection_pool<connection> pool;
  std::vector<std::pair<int, int>> served;  // user, connection
  std::vector<task_handle<>> users;

  task<> work(int id, duration time) {
    auto c = co_await pool.acquire();
    served.emplace_back(id, c->number());
    co_await sleep(time);
  }
  task<> arrive(int id, duration time) {
    users.push_back(spawn([this, id, time] { return work(id, time); }));
    co_await settle();
  }
};

EDDY_TEST(object_pool, opens_its_minimum_and_grows_to_its_maximum_on_demand) {  // pool.1
  office o({.min = 2, .max = 5});
  co_await o.pool.start();
  EXPECT_EQ(o.pool.statistics().idle, 2u);
  for (int id = 0; id < 100; ++id) o.users.push_back(spawn(o.work(id, 1s)));
  for (auto& user : o.users) co_await user;
  EXPECT_EQ(o.served.size(), 100u);
  EXPECT_EQ(o.db.most_open, 5);
  EXPECT_EQ(o.pool.statistics().total, 5u);
  co_await o.pool.close();
  EXPECT_EQ(o.db.open_now, 0);
}

EDDY_TEST(object_pool, times_out_unchanged_when_it_is_exhausted) {  // pool.2
  office o({.max = 1, .acquire_timeout = 5s});
  auto held = co_await o.pool.acquire();
  const auto own_limit = co_await as_result(o.pool.acquire());
  EXPECT_TRUE(holds_exception<timeout_error>(own_limit.error()));
  const auto callers_limit = co_await as_result(with_timeout(1s, o.pool.acquire()));
  EXPECT_TRUE(holds_exception<timeout_error>(callers_limit.error()));
  EXPECT_EQ(o.pool.statistics().waiting, 0u);
  EXPECT_EQ(o.pool.statistics().in_use, 1u);
  held.release();
  auto again = co_await o.pool.acquire();
  EXPECT_EQ(again->number(), 1);
}

EDDY_TEST(object_pool, serves_waiters_in_order_of_arrival_and_lets_nobody_overtake) {  // pool.3
  office o({.max = 1});
  co_await o.arrive(0, 10s);
  for (int id = 1; id < 4; ++id) co_await o.arrive(id, 1s);
  co_await o.users[0];
  EXPECT_FALSE(o.pool.try_acquire());
  co_await o.arrive(4, 1s);
  for (auto& user : o.users) co_await user;
  std::vector<int> order;
  for (const auto& [user, number] : o.served) order.push_back(user);
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

EDDY_TEST(object_pool, lets_the_next_waiter_try_when_opening_fails) {  // pool.4
  office o({.max = 1});
  o.db.open_time = 1s;
  o.db.failures = 1;
  co_await o.arrive(0, 1s);
  co_await o.arrive(1, 1s);
  const auto failed = co_await as_result(o.users[0]);
  EXPECT_TRUE(holds_exception<std::runtime_error>(failed.error()));
  co_await o.users[1];
  EXPECT_THAT(o.served, ElementsAre(std::pair(1, 1)));
}

EDDY_TEST(object_pool, lets_the_next_waiter_try_when_opening_is_cancelled) {
  office o({.max = 1});
  o.db.open_time = 10s;
  co_await o.arrive(0, 1s);
  co_await o.arrive(1, 1s);
  o.users[0].cancel();
  co_await o.users[1];
  EXPECT_THAT(o.served, ElementsAre(std::pair(1, 1)));
  EXPECT_EQ(o.pool.statistics().total, 1u);
}

EDDY_TEST(object_pool, replaces_what_it_finds_dead) {  // pool.5
  office o({.max = 2});
  {
    auto c = co_await o.pool.acquire();
    o.db.dead.insert(1);
  }
  co_await settle();
  EXPECT_EQ(o.pool.statistics().total, 0u) << "on release";
  static_cast<void>(co_await o.pool.acquire());
  co_await settle();
  EXPECT_EQ(o.pool.statistics().idle, 1u);
  o.db.dead.insert(2);
  auto c = co_await o.pool.acquire();
  EXPECT_EQ(c->number(), 3) << "on acquire";
  EXPECT_EQ(o.db.open_now, 1);
  EXPECT_EQ(o.pool.statistics().dead, 2u);
}

EDDY_TEST(object_pool, asks_the_other_side_after_a_rest) {  // pool.5
  database db;
  int checks = 0;
  bool healthy = true;
  pool_hooks<connection> hooks;
  hooks.check = [&](connection&) -> task<bool> {
    ++checks;
    co_await sleep(1ms);
    if (!healthy) throw std::runtime_error("gone");
    co_return true;
  };
  object_pool<connection> pool([&] { return connect(db); }, {.check_after_idle = 5s}, hooks);
  static_cast<void>(co_await pool.acquire());
  co_await sleep(4s);
  static_cast<void>(co_await pool.acquire());
  EXPECT_EQ(checks, 0);
  co_await sleep(5s);
  static_cast<void>(co_await pool.acquire());
  EXPECT_EQ(checks, 1);
  EXPECT_EQ(db.opened, 1);
  healthy = false;
  co_await sleep(5s);
  auto c = co_await pool.acquire();
  EXPECT_EQ(c->number(), 2);
}

EDDY_TEST(object_pool, closes_what_was_idle_for_too_long) {  // pool.6
  office o({.min = 2, .idle_limit = 10s, .jitter = 0});
  co_await o.pool.start();
  co_await sleep(6s);
  static_cast<void>(co_await o.pool.acquire());
  co_await sleep(4s);
  EXPECT_EQ(o.pool.statistics().idle, 1u) << "the one that was never used has expired";
  co_await sleep(6s - 1ns);
  EXPECT_EQ(o.pool.statistics().idle, 1u);
  co_await sleep(1ns);
  co_await settle();
  EXPECT_EQ(o.pool.statistics().idle, 0u) << "counted from its release";
  EXPECT_EQ(o.db.open_now, 0);
}

EDDY_TEST(object_pool, closes_what_has_lived_for_too_long) {
  office o({.idle_limit = 1h, .lifetime_limit = 10s, .jitter = 0});
  auto c = co_await o.pool.acquire();
  co_await sleep(11s);
  EXPECT_EQ(o.db.open_now, 1) << "not while it is in use";
  c.release();
  EXPECT_EQ(o.db.open_now, 0);
  static_cast<void>(co_await o.pool.acquire());
  co_await sleep(10s);
  co_await settle();
  EXPECT_EQ(o.db.open_now, 0);
}

EDDY_TEST(object_pool, spreads_its_limits) {
  office o({.min = 10, .max = 10, .idle_limit = 100s, .jitter = 0.5});
  co_await o.pool.start();
  co_await sleep(49s);
  EXPECT_EQ(o.pool.statistics().idle, 10u);
  co_await sleep(26s);
  EXPECT_GT(o.pool.statistics().idle, 0u);
  EXPECT_LT(o.pool.statistics().idle, 10u);
  co_await sleep(26s);
  EXPECT_EQ(o.pool.statistics().idle, 0u);
}

EDDY_TEST(object_pool, recycles_after_so_many_uses) {  // pool.7
  office o({.max = 1, .max_uses = 2});
  for (int id = 0; id < 5; ++id) co_await o.work(id, 1s);
  EXPECT_THAT(o.served, ElementsAre(std::pair(0, 1), std::pair(1, 1), std::pair(2, 2),
                                    std::pair(3, 2), std::pair(4, 3)));
}

EDDY_TEST(object_pool, closes_everything_that_was_open_when_it_is_told_to) {  // pool.7
  office o({.min = 2, .max = 3});
  co_await o.pool.start();
  auto c = co_await o.pool.acquire();
  o.pool.expire_all();
  EXPECT_EQ(o.db.open_now, 1) << "the idle one is gone";
  c.release();
  co_await settle();
  EXPECT_EQ(o.db.open_now, 0);
  auto fresh = co_await o.pool.acquire();
  EXPECT_EQ(fresh->number(), 3);
}

EDDY_TEST(object_pool, resets_what_a_cancelled_user_returns_before_others_get_it) {  // pool.8
  office o({.max = 1});
  o.db.reset_time = 3s;
  co_await o.arrive(0, 1h);
  co_await o.arrive(1, 1s);
  o.users[0].cancel();
  co_await settle();
  EXPECT_TRUE(o.users[0].done()) << "the user does not wait for the reset";
  EXPECT_THAT(o.db.resets, ElementsAre(1));
  co_await sleep(3s - 1ns);
  EXPECT_EQ(o.served.size(), 1u);
  co_await sleep(1ns);
  co_await settle();
  EXPECT_THAT(o.served, ElementsAre(std::pair(0, 1), std::pair(1, 1)));
  co_await o.users[1];
  co_await o.pool.close();
}

EDDY_TEST(object_pool, discards_what_cannot_be_reset) {  // pool.8
  office o({.max = 1, .reset_timeout = 5s});
  o.db.reset_time = 1h;
  co_await o.arrive(0, 1s);
  co_await o.arrive(1, 1s);
  co_await o.users[1];
  EXPECT_THAT(o.served, ElementsAre(std::pair(0, 1), std::pair(1, 2)));
  co_await o.pool.close();
}

EDDY_TEST(object_pool, gives_a_failed_set_up_to_its_acquirer_and_closes) {  // pool.9
  office o({.max = 1}, true);
  o.db.set_up_fails = true;
  const auto failed = co_await as_result(o.pool.acquire());
  EXPECT_TRUE(holds_exception<std::runtime_error>(failed.error()));
  EXPECT_EQ(o.db.open_now, 0);
  o.db.set_up_fails = false;
  {
    auto c = co_await o.pool.acquire();
    EXPECT_EQ(c->number(), 2);
  }
  co_await o.pool.close();
}

EDDY_TEST(object_pool, close_waits_for_those_in_use_and_refuses_others) {  // pool.10
  office o({.max = 1}, true);
  o.db.close_time = 2s;
  co_await o.arrive(0, 10s);
  co_await o.arrive(1, 1s);
  const time_point start = now();
  auto closing = spawn(o.pool.close());
  const auto blocked = co_await as_result(o.users[1]);
  EXPECT_EQ(code_of(blocked), errc::closed);
  const auto late = co_await as_result(o.pool.acquire());
  EXPECT_EQ(code_of(late), errc::closed);
  co_await closing;
  EXPECT_EQ(now() - start, 12s);
  EXPECT_EQ(o.db.open_now, 0);
}

EDDY_TEST(object_pool, close_that_times_out_disturbs_nobody_until_terminated) {  // pool.11
  office o({.max = 2});
  co_await o.arrive(0, 1h);
  const auto timed_out = co_await as_result(with_timeout(5s, o.pool.close()));
  EXPECT_TRUE(holds_exception<timeout_error>(timed_out.error()));
  EXPECT_FALSE(o.users[0].done());
  EXPECT_TRUE(o.db.aborted.empty());
  auto closing = spawn(o.pool.close());
  co_await settle();
  EXPECT_FALSE(closing.done());
  o.pool.terminate();
  co_await settle();
  EXPECT_TRUE(closing.done());
  EXPECT_THAT(o.db.aborted, ElementsAre(1));
  o.users[0].cancel();
  co_await settle();
  EXPECT_EQ(o.db.open_now, 0);
}

EDDY_TEST(object_pool, closes_what_was_being_opened_when_it_was_closed) {  // pool.12
  office o({.max = 2});
  o.db.open_time = 5s;
  co_await o.arrive(0, 1s);
  const time_point start = now();
  co_await o.pool.close();
  EXPECT_EQ(now() - start, 5s);
  const auto ended = co_await as_result(o.users[0]);
  EXPECT_EQ(code_of(ended), errc::closed);
  EXPECT_EQ(o.db.opened, 1);
  EXPECT_EQ(o.db.open_now, 0);
}

EDDY_TEST(object_pool, is_left_alone_in_a_cancelled_scope) {  // pool.14
  office o({.min = 1});
  co_await o.pool.start();
  const auto refused = co_await move_on_after(0s, o.pool.acquire());
  EXPECT_FALSE(refused.has_value());
  EXPECT_EQ(o.pool.statistics().idle, 1u);
  EXPECT_EQ(o.pool.statistics().leases, 0u);
  EXPECT_TRUE(o.db.resets.empty());
}

EDDY_TEST(object_pool, reports_a_lease_that_is_held_for_too_long_once) {
  eddy::testing::error_recorder recorded;
  office o({.name = "db", .leak_after = 1min});
  auto c = co_await o.pool.acquire();
  const unsigned line = __LINE__ - 1;
  co_await sleep(59s);
  EXPECT_EQ(recorded.count(), 0u);
  co_await sleep(24h);
  const auto reports = recorded.take();
  EDDY_REQUIRE(reports.size() == 1);
  EXPECT_THAT(reports[0].message, ::testing::HasSubstr("db"));
  EXPECT_EQ(reports[0].where.line(), line);
  EXPECT_EQ(o.pool.statistics().leaks, 1u);
}

EDDY_TEST(object_pool, lets_a_lease_outlive_it) {
  database db;
  pool_lease<connection> lease;
  {
    object_pool<connection> pool([&] { return connect(db); });
    lease = co_await pool.acquire();
  }
  EXPECT_EQ(lease->number(), 1);
  lease.release();
  EXPECT_EQ(db.open_now, 0);
}

EDDY_TEST(object_pool, closes_a_lease_that_is_discarded_and_gives_its_place_to_the_next) {
  office o({.max = 1}, true);
  o.db.close_time = 2s;
  auto c = co_await o.pool.acquire();
  co_await o.arrive(1, 1s);
  c.discard();
  co_await o.users[0];
  EXPECT_THAT(o.served, ElementsAre(std::pair(1, 2)));
  EXPECT_EQ(o.db.most_open, 1) << "a place is free when its object has been closed";
  co_await o.pool.close();
}

EDDY_TEST(object_pool, uses_an_object_for_the_length_of_a_call) {
  office o({.max = 1});
  const int number = co_await o.pool.use([](connection& c) -> task<int> { co_return c.number(); });
  EXPECT_EQ(number, 1);
  EXPECT_EQ(o.pool.statistics().in_use, 0u);
}

EDDY_TEST(object_pool, start_passes_the_failure_and_keeps_what_could_be_opened) {
  office o({.min = 3, .max = 3});
  o.db.failures = 1;
  const auto failed = co_await as_result(o.pool.start());
  EXPECT_TRUE(holds_exception<std::runtime_error>(failed.error()));
  EXPECT_EQ(o.pool.statistics().idle, 2u);
  EXPECT_EQ(o.pool.statistics().total, 2u);
}

// --- keyed ---

struct offices {
  explicit offices(const pool_options& options, bool slow_close = false)
      : pool([this](const std::string&) { return connect(db); }, options,
             hooks_of(db, slow_close)) {}
  database db;
  keyed_pool<std::string, connection> pool;
  std::vector<int> order;
  std::vector<task_handle<>> users;

  task<> work(int id, std::string key, duration time) {
    auto c = co_await pool.acquire(key);
    order.push_back(id);
    co_await sleep(time);
  }
  task<> arrive(int id, std::string key, duration time) {
    users.push_back(spawn([this, id, key, time] { return work(id, key, time); }));
    co_await settle();
  }
};

EDDY_TEST(keyed_pool, keeps_to_the_limit_per_key_and_in_total) {  // pool.13
  offices o({.max = 3, .max_per_key = 2});
  for (int id = 0; id < 3; ++id) co_await o.arrive(id, "a", 10s);
  EXPECT_THAT(o.order, ElementsAre(0, 1)) << "two of a";
  co_await o.arrive(3, "b", 10s);
  co_await o.arrive(4, "b", 10s);
  EXPECT_THAT(o.order, ElementsAre(0, 1, 3)) << "three in all";
  EXPECT_EQ(o.pool.statistics().waiting, 2u);
  for (auto& user : o.users) co_await user;
  EXPECT_EQ(o.db.most_open, 3);
  EXPECT_EQ(o.order.size(), 5u);
}

EDDY_TEST(keyed_pool, closes_an_idle_object_of_another_key_to_make_room) {  // pool.13
  for (const bool slow_close : {false, true}) {
    offices o({.max = 2}, slow_close);
    o.db.close_time = 1s;
    co_await o.work(0, "a", 1s);
    co_await settle();
    co_await o.work(1, "b", 1s);
    co_await settle();
    EXPECT_EQ(o.pool.statistics().idle, 2u);
    EXPECT_EQ(o.pool.keys(), 2u);
    co_await o.work(2, "c", 1s);
    co_await settle();
    EXPECT_EQ(o.db.most_open, 2);
    EXPECT_EQ(o.pool.keys(), 2u) << "a, idle for longest, is forgotten";
    co_await o.work(3, "b", 1s);
    EXPECT_EQ(o.db.opened, 3) << "b was still there";
    co_await o.pool.close();
    EXPECT_EQ(o.pool.keys(), 0u);
  }
}

EDDY_TEST(keyed_pool, forgets_keys_that_were_asked_for_in_vain) {
  offices o({.max = 1, .acquire_timeout = 1s});
  auto held = co_await o.pool.acquire("a");
  const auto timed_out = co_await as_result(o.pool.acquire("b"));
  EXPECT_TRUE(timed_out.has_error());
  const auto refused = co_await move_on_after(0s, o.pool.acquire("c"));
  EXPECT_FALSE(refused.has_value());
  EXPECT_EQ(o.pool.keys(), 1u);
}

TEST(object_pool_values, outside_their_range_throw_invalid_input) {
  const auto refused = [](const pool_options& options) {
    const auto open = []() -> task<int> { co_return 1; };
    return code_thrown_by([&] { const object_pool<int> p(open, options); }) == errc::invalid_input;
  };
  EXPECT_TRUE(refused({.max = 0}));
  EXPECT_TRUE(refused({.min = 3, .max = 2}));
  EXPECT_TRUE(refused({.jitter = 1.5}));
}

}  // namespace
}  // namespace eddy
