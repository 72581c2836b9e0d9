#include <eddy/sync/semaphore.hpp>

#include "error_code.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: sem.1 sem.2 sem.3 sem.4 sem.5 sem.6 sem.7 sem.8 sem.9 sem.10

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using tests::code_thrown_by;

// Tasks that queue for permits one after the other, and the order in which they got them. Each holds its permits until
// it is told to let go.
struct line {
  explicit line(std::ptrdiff_t initial) : s(initial) {}
  line(std::ptrdiff_t initial, std::ptrdiff_t bound) : s(initial, bound) {}

  semaphore s;
  std::vector<int> order;
  std::vector<semaphore::guard> held;
  std::vector<task_handle<>> tasks;

  task<void> take(int id, std::ptrdiff_t n) {
    auto permits = co_await s.acquire(n);
    order.push_back(id);
    held.push_back(std::move(permits));
  }

  task<void> queue_up(int id, std::ptrdiff_t n = 1) {
    tasks.push_back(spawn([this, id, n] { return take(id, n); }));
    co_await settle();
  }
};

TEST(semaphore_values, outside_their_range_throw_invalid_input) {  // sem.1, sem.8
  EXPECT_EQ(code_thrown_by([] { semaphore s(-1); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { semaphore s(3, 2); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { semaphore s(0, 0); }), errc::invalid_input);
  semaphore s(2);
  EXPECT_EQ(code_thrown_by([&] { static_cast<void>(s.acquire(3)); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([&] { static_cast<void>(s.acquire(0)); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([&] { static_cast<void>(s.try_acquire(3)); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([&] { s.release(0); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([&] { s.set_bound(0); }), errc::invalid_input);
  semaphore counter(0);
  EXPECT_EQ(code_thrown_by([&] { counter.set_bound(3); }), errc::invalid_input);
}

EDDY_TEST(semaphore, that_starts_at_zero_blocks_and_counts_releases) {  // sem.1
  line l(0);
  co_await l.queue_up(0);
  EXPECT_THAT(l.order, ElementsAre());
  l.s.release(2);
  co_await settle();
  EXPECT_THAT(l.order, ElementsAre(0));
  EXPECT_EQ(l.s.available(), 1);
  EXPECT_EQ(l.held[0].disown(), 1);
  l.held.clear();
  EXPECT_EQ(l.s.available(), 1) << "a disowned permit does not come back";
}

EDDY_TEST(semaphore, serves_repeated_rounds_in_order_of_arrival) {  // sem.2
  semaphore s(1);
  std::vector<int> order;
  auto held = co_await s.acquire();
  std::vector<task_handle<>> tasks;
  const auto two_rounds = [&](int id) -> task<void> {
    for (int round = 0; round < 2; ++round) {
      const auto permit = co_await s.acquire();
      order.push_back(id);
    }
  };
  for (int id = 0; id < 3; ++id) {
    tasks.push_back(spawn(two_rounds, id));
    co_await settle();
  }
  held.release();
  co_await settle();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_EQ(s.available(), 1);
}

EDDY_TEST(semaphore, skips_cancelled_waiters_at_the_head) {  // sem.3
  line l(1);
  auto held = co_await l.s.acquire();
  for (int id = 0; id < 4; ++id) co_await l.queue_up(id);
  l.tasks[0].cancel();
  l.tasks[1].cancel();
  EXPECT_EQ(l.s.statistics().waiters, 2u);
  held.release();
  co_await settle();
  EXPECT_THAT(l.order, ElementsAre(2));
  l.held.clear();
  co_await settle();
  EXPECT_THAT(l.order, ElementsAre(2, 3));
  l.held.clear();
}

EDDY_TEST(semaphore, keeps_a_permit_whose_only_waiter_was_cancelled_in_the_same_step) {  // sem.4
  line l(1);
  auto held = co_await l.s.acquire();
  co_await l.queue_up(0);
  l.tasks[0].cancel();
  held.release();
  EXPECT_EQ(l.s.available(), 1);
  co_await settle();
  EXPECT_THAT(l.order, ElementsAre());
  const auto fresh = co_await l.s.acquire();
  EXPECT_EQ(fresh.permits(), 1);
}

EDDY_TEST(semaphore, gives_the_permit_to_a_waiter_cancelled_after_the_release) {
  line l(1);
  auto held = co_await l.s.acquire();
  co_await l.queue_up(0);
  held.release();
  l.tasks[0].cancel();
  co_await settle();
  EXPECT_THAT(l.order, ElementsAre(0));
  l.held.clear();
  EXPECT_EQ(l.s.available(), 1);
}

EDDY_TEST(semaphore, grants_three_releases_of_one_step_and_lets_nobody_overtake) {  // sem.5
  line l(3);
  auto first = co_await l.s.acquire();
  auto second = co_await l.s.acquire();
  auto third = co_await l.s.acquire();
  for (int id = 0; id < 4; ++id) co_await l.queue_up(id);
  first.release();
  second.release();
  third.release();
  EXPECT_FALSE(l.s.try_acquire().has_value());
  EXPECT_EQ(l.s.statistics().waiters, 1u);
  co_await settle();
  EXPECT_THAT(l.order, UnorderedElementsAre(0, 1, 2));
  co_await l.queue_up(9);
  l.held.clear();
  co_await settle();
  EXPECT_THAT(l.order, UnorderedElementsAre(0, 1, 2, 3, 9));
  l.held.clear();
}

EDDY_TEST(semaphore, grants_all_or_nothing_without_small_requests_overtaking) {  // sem.6
  line l(4);
  auto three = co_await l.s.acquire(3);
  co_await l.queue_up(0, 2);
  co_await l.queue_up(1, 1);
  EXPECT_EQ(l.s.available(), 1);
  EXPECT_FALSE(l.s.try_acquire(1).has_value()) << "a permit is free, but somebody waits";
  EXPECT_THAT(l.order, ElementsAre());
  three.release();
  co_await settle();
  EXPECT_THAT(l.order, UnorderedElementsAre(0, 1));
  EXPECT_EQ(l.s.available(), 1);
  l.held.clear();
  EXPECT_EQ(l.s.available(), 4);
}

EDDY_TEST(semaphore, grants_those_behind_a_cancelled_large_request_at_once) {  // sem.7
  line l(3);
  auto one = co_await l.s.acquire(1);
  co_await l.queue_up(0, 3);
  co_await l.queue_up(1, 1);
  co_await l.queue_up(2, 1);
  co_await l.queue_up(3, 1);
  l.tasks[0].cancel();
  EXPECT_EQ(l.s.statistics().waiters, 1u) << "two fit, inside the cancel call";
  EXPECT_EQ(l.s.available(), 0);
  co_await settle();
  EXPECT_THAT(l.order, UnorderedElementsAre(1, 2));
  one.release();
  co_await settle();
  EXPECT_EQ(l.order.back(), 3);
  l.held.clear();
}

EDDY_TEST(semaphore, is_released_by_the_guard_of_a_cancelled_holder) {  // sem.9
  line l(1);
  const auto work = [](semaphore& s) -> task<void> {
    const auto permit = co_await s.acquire();
    co_await sleep(1h);
  };
  auto holder = spawn(work, std::ref(l.s));
  co_await settle();
  co_await l.queue_up(0);
  holder.cancel();
  co_await settle();
  EXPECT_THAT(l.order, ElementsAre(0));
  l.held.clear();
}

EDDY_TEST(semaphore, follows_its_bound_up_at_once_and_down_as_permits_return) {  // sem.10
  line l(1);
  auto held = co_await l.s.acquire();
  for (int id = 0; id < 3; ++id) co_await l.queue_up(id);
  l.s.set_bound(3);
  EXPECT_EQ(l.s.statistics().waiters, 1u);
  co_await settle();
  EXPECT_THAT(l.order, UnorderedElementsAre(0, 1));

  l.s.set_bound(1);
  EXPECT_EQ(l.s.available(), -2);
  EXPECT_EQ(l.held.size(), 2u) << "nobody loses a permit";
  held.release();
  l.held.pop_back();
  co_await settle();
  EXPECT_EQ(l.order.size(), 2u) << "one is still out, and one is all there is";
  l.held.pop_back();
  co_await settle();
  EXPECT_EQ(l.order.back(), 2);
  l.held.clear();
  EXPECT_EQ(l.s.available(), 1);
}

EDDY_TEST(semaphore, is_refused_in_a_cancelled_scope_although_permits_are_free) {
  semaphore s(2);
  const bool finished = co_await with_scope([&](cancel_scope& scope) -> task<void> {
    scope.cancel();
    const auto refused = co_await s.acquire();
    ADD_FAILURE() << "the acquire should have been refused";
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(s.available(), 2);
}

void release_above_the_bound() {
  semaphore s(1);
  s.release();
}

void destroy_with_waiter() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto s = std::make_unique<semaphore>(0);
    const auto waiter = spawn([&]() -> task<void> { const auto permit = co_await s->acquire(); });
    co_await settle();
    s.reset();
  });
}

TEST(semaphore_mistakes, stop_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(release_above_the_bound(), "released above its bound");
  EXPECT_DEATH(destroy_with_waiter(), "semaphore was destroyed while tasks wait");
}

}  // namespace
}  // namespace eddy
