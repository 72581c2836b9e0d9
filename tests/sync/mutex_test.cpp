#include <eddy/sync/mutex.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: mtx.1 mtx.2 mtx.3 mtx.4 mtx.5 mtx.6 mtx.7 mtx.8 mtx.9

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;

// A mutex, tasks that queue for it one after the other, and the order in which they had it.
struct contest {
  mutex m;
  std::vector<int> order;
  std::vector<task_handle<>> tasks;

  task<void> hold_once(int id) {
    const auto held = co_await m.lock();
    order.push_back(id);
    co_await yield();
    EXPECT_EQ(order.back(), id) << "two holders at a time";
  }

  task<void> queue_up(int count) {
    for (int id = 0; id < count; ++id) {
      tasks.push_back(spawn([this, id] { return hold_once(id); }));
      co_await settle();
    }
  }
};

EDDY_TEST(mutex, is_granted_in_order_of_arrival_to_one_holder_at_a_time) {  // mtx.1
  contest c;
  auto held = co_await c.m.lock();
  co_await c.queue_up(5);
  EXPECT_EQ(c.m.statistics().waiters, 5u);
  held.unlock();
  co_await settle();
  EXPECT_THAT(c.order, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_FALSE(c.m.locked());
}

EDDY_TEST(mutex, forgets_a_cancelled_waiter_and_keeps_the_order_of_the_others) {  // mtx.2
  contest c;
  auto held = co_await c.m.lock();
  co_await c.queue_up(4);
  c.tasks[1].cancel();
  EXPECT_EQ(c.m.statistics().waiters, 3u) << "the entry is gone inside the cancel call";
  held.unlock();
  co_await settle();
  EXPECT_THAT(c.order, ElementsAre(0, 2, 3));
  EXPECT_EQ(c.tasks[1].status(), coro::task_status::cancelled);
}

EDDY_TEST(mutex,
          goes_to_the_second_waiter_when_the_first_is_cancelled_before_the_unlock) {  // mtx.3
  contest c;
  auto held = co_await c.m.lock();
  co_await c.queue_up(3);
  c.tasks[0].cancel();
  held.unlock();
  EXPECT_EQ(c.m.statistics().holder, c.tasks[1]);
  co_await settle();
  EXPECT_THAT(c.order, ElementsAre(1, 2));
}

EDDY_TEST(mutex, stays_with_the_granted_waiter_that_is_cancelled_after_the_unlock) {
  contest c;
  auto held = co_await c.m.lock();
  co_await c.queue_up(2);
  held.unlock();
  c.tasks[0].cancel();
  co_await settle();
  EXPECT_THAT(c.order, ElementsAre(0, 1)) << "granted, then refused at its next operation";
  EXPECT_EQ(c.tasks[0].status(), coro::task_status::cancelled);
  EXPECT_FALSE(c.m.locked());
}

EDDY_TEST(mutex, is_handed_over_so_that_newcomers_and_try_lock_do_not_overtake) {  // mtx.4
  contest c;
  auto held = co_await c.m.lock();
  co_await c.queue_up(1);
  held.unlock();
  EXPECT_FALSE(c.m.try_lock().has_value());
  const auto again = co_await c.m.lock();
  EXPECT_THAT(c.order, ElementsAre(0));
}

void lock_twice() {
  eddy::testing::run_virtual([]() -> task<void> {
    mutex m;
    const auto first = co_await m.lock();
    const auto second = co_await m.lock();
  });
}

void unlock_elsewhere() {
  eddy::testing::run_virtual([]() -> task<void> {
    mutex m;
    auto held = co_await m.lock();
    co_await spawn([&]() -> task<void> {
      held.unlock();
      co_return;
    });
  });
}

void destroy_in_use() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto m = std::make_unique<mutex>();
    const auto held = co_await m->lock();
    m.reset();
  });
}

TEST(mutex_mistakes, stop_the_program_naming_both_places) {  // mtx.5
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(lock_twice(),
               "main locked a mutex that it holds.*mutex_test.cpp:[0-9]+\n.*mutex_test.cpp:[0-9]+");
  EXPECT_DEATH(unlock_elsewhere(),
               "task-.* unlocked a mutex held by main, locked at .*mutex_test.cpp");
  EXPECT_DEATH(destroy_in_use(), "destroyed while .* held by main");
}

EDDY_TEST(mutex, guard_unlocks_once_whichever_way_it_is_left) {  // mtx.6
  mutex m;
  {
    auto held = co_await m.lock();
    mutex::guard moved(std::move(held));
    EXPECT_FALSE(held.owns_lock());
    EXPECT_TRUE(moved.owns_lock());
    mutex::guard assigned;
    assigned = std::move(moved);
    EXPECT_TRUE(m.locked());
  }
  EXPECT_FALSE(m.locked());
  {
    auto held = co_await m.lock();
    held.unlock();
    EXPECT_FALSE(m.locked());
    held.unlock();
  }
  const auto fail_inside = [](mutex& of) -> task<void> {
    const auto held = co_await of.lock();
    throw std::runtime_error("inside");
  };
  const auto failed = co_await as_result(fail_inside(m));
  EXPECT_TRUE(failed.has_error());
  EXPECT_FALSE(m.locked());

  const auto sleep_inside = [](mutex& of) -> task<void> {
    const auto held = co_await of.lock();
    co_await sleep(1h);
  };
  const bool ended = co_await move_on_after(1s, sleep_inside(m));
  EXPECT_FALSE(ended);
  EXPECT_FALSE(m.locked());
}

EDDY_TEST(mutex, does_not_suspend_when_free_and_is_refused_when_cancelled) {  // mtx.7, mtx.6
  mutex m;
  const auto turns = coro::scheduler::require().turns();
  {
    const auto held = co_await m.lock();
    EXPECT_EQ(coro::scheduler::require().turns(), turns);
  }
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto refused = co_await m.lock();
    ADD_FAILURE() << "the lock should have been refused";
  });
  EXPECT_FALSE(finished);
  EXPECT_FALSE(m.locked());
}

EDDY_TEST(mutex, try_lock_takes_a_free_mutex_and_nothing_else) {
  mutex m;
  {
    const auto held = m.try_lock();
    EXPECT_TRUE(held.has_value());
    EXPECT_FALSE(m.try_lock().has_value());
  }
  EXPECT_TRUE(m.try_lock().has_value());
  EXPECT_FALSE(m.locked());
  co_return;
}

EDDY_TEST(mutex, survives_ten_thousand_waiters_cancelled_in_random_order) {  // mtx.8
  mutex m;
  auto held = co_await m.lock();
  std::vector<task_handle<>> waiters;
  for (int i = 0; i < 10'000; ++i) {
    waiters.push_back(spawn([&]() -> task<void> { const auto held_too = co_await m.lock(); }));
  }
  co_await settle();
  EXPECT_EQ(m.statistics().waiters, 10'000u);
  std::ranges::shuffle(waiters, std::mt19937(7));
  for (const auto& waiter : waiters) waiter.cancel();
  EXPECT_EQ(m.statistics().waiters, 0u);
  held.unlock();
  const auto again = co_await m.lock();
  EXPECT_TRUE(again.owns_lock());
  co_await settle();
}

EDDY_TEST(mutex, names_its_holder_to_whoever_inspects_a_waiter) {  // mtx.9
  mutex m;
  auto owner = spawn([&]() -> task<void> {
    const auto held = co_await m.lock();
    co_await sleep(1s);
  });
  co_await settle();
  auto waiter = spawn([&]() -> task<void> { const auto held_too = co_await m.lock(); });
  co_await settle();
  const coro::wait_info waits = waiter.state().waiting_on()->describe();
  EXPECT_EQ(waits.kind, "mutex.lock");
  EXPECT_EQ(waits.object, &m);
  EXPECT_EQ(waits.holder, &owner.state());
  EXPECT_EQ(owner.state().waiting_on()->describe().kind, "sleep");
  const mutex_statistics now = m.statistics();
  EXPECT_EQ(now.holder, owner);
  EXPECT_EQ(now.waiters, 1u);
  EXPECT_NE(std::string(now.locked_at.file_name()).find("mutex_test.cpp"), std::string::npos);
  co_await waiter;
}

}  // namespace
}  // namespace eddy
