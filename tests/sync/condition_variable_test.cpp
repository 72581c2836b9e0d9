#include <eddy/sync/condition_variable.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: cond.1 cond.2 cond.3 cond.4 cond.5 cond.6 cond.7 cond.8 cond.9 cond.10

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;

// Tasks that wait for one condition in order of arrival, and the order in which their waits returned.
struct waiting_room {
  mutex m;
  condition_variable c;
  std::vector<int> woken;
  int held_when_cancelled = 0;
  std::vector<task_handle<>> tasks;

  task<void> wait_once(int id) {
    auto held = co_await m.lock();
    try {
      co_await c.wait(held);
      EXPECT_EQ(m.statistics().holder, current_task());
      woken.push_back(id);
    } catch (const cancelled&) {
      if (m.statistics().holder == current_task()) ++held_when_cancelled;
      throw;
    }
  }
  task<void> fill(int count) {
    for (int id = 0; id < count; ++id) {
      tasks.push_back(spawn([this, id] { return wait_once(id); }));
      co_await settle();
    }
  }
};

EDDY_TEST(condition_variable, frees_the_mutex_while_it_waits) {
  waiting_room r;
  co_await r.fill(3);
  EXPECT_EQ(r.c.statistics().waiters, 3u);
  EXPECT_FALSE(r.m.locked());
  r.c.notify_all();
  co_await settle();
}

EDDY_TEST(condition_variable, notify_one_lets_the_longest_waiter_queue_for_the_mutex) {  // cond.2
  waiting_room r;
  co_await r.fill(2);
  auto held = co_await r.m.lock();
  r.c.notify_one();
  EXPECT_EQ(r.c.statistics().waiters, 1u);
  EXPECT_EQ(r.m.statistics().waiters, 1u) << "it stands in the mutex's queue";
  co_await settle();
  EXPECT_THAT(r.woken, ElementsAre()) << "not without the mutex";
  held.unlock();
  EXPECT_EQ(r.m.statistics().holder, r.tasks[0]);
  co_await settle();
  EXPECT_THAT(r.woken, ElementsAre(0));
  r.c.notify_one();
  co_await settle();
  EXPECT_THAT(r.woken, ElementsAre(0, 1));
}

EDDY_TEST(condition_variable, does_not_remember_a_notification) {  // cond.3
  waiting_room r;
  r.c.notify_one();
  r.c.notify_all();
  co_await r.fill(3);
  EXPECT_THAT(r.woken, ElementsAre());
  r.c.notify_all();
  co_await settle();
  EXPECT_THAT(r.woken, ElementsAre(0, 1, 2)) << "they queue for the mutex in order";
  EXPECT_FALSE(r.m.locked());
}

EDDY_TEST(condition_variable, waits_until_a_predicate_holds) {  // cond.4
  mutex m;
  condition_variable c;
  int value = 0;
  int asked = 0;
  auto waiter = spawn([&]() -> task<void> {
    auto held = co_await m.lock();
    co_await c.wait(held, [&] {
      ++asked;
      return value == 2;
    });
    EXPECT_TRUE(held.owns_lock());
    EXPECT_EQ(m.statistics().holder, current_task());
  });
  co_await settle();
  for (value = 1; value < 3; ++value) {
    EXPECT_FALSE(waiter.done());
    c.notify_one();
    co_await settle();
  }
  EXPECT_TRUE(waiter.done());
  EXPECT_EQ(asked, 3);
}

EDDY_TEST(condition_variable, does_not_suspend_for_a_true_predicate_unless_refused) {  // cond.4
  mutex m;
  condition_variable c;
  auto held = co_await m.lock();
  const auto turns = coro::scheduler::require().turns();
  co_await c.wait(held, [] { return true; });
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    co_await c.wait(held, [] { return true; });
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(m.statistics().holder, current_task());
}

EDDY_TEST(condition_variable, leaves_with_the_mutex_held_when_the_predicate_throws) {  // cond.5
  mutex m;
  condition_variable c;
  auto held = co_await m.lock();
  const auto failed =
      co_await as_result(c.wait(held, []() -> bool { throw std::runtime_error("no answer"); }));
  EXPECT_TRUE(failed.has_error());
  EXPECT_EQ(m.statistics().holder, current_task());
}

EDDY_TEST(condition_variable, takes_the_mutex_back_before_it_throws_cancelled) {  // cond.6
  waiting_room r;
  co_await r.fill(1);
  auto held = co_await r.m.lock();
  r.tasks[0].cancel();
  EXPECT_EQ(r.c.statistics().waiters, 0u) << "left the queue inside the cancel call";
  co_await settle();
  EXPECT_FALSE(r.tasks[0].done()) << "waits for its mutex";
  held.unlock();
  co_await settle();
  EXPECT_EQ(r.tasks[0].status(), coro::task_status::cancelled);
  EXPECT_EQ(r.held_when_cancelled, 1);
  EXPECT_FALSE(r.m.locked());
}

EDDY_TEST(condition_variable, returns_normally_when_it_was_notified_before_the_cancellation) {
  waiting_room r;
  co_await r.fill(1);
  auto held = co_await r.m.lock();
  r.c.notify_one();
  r.tasks[0].cancel();
  held.unlock();
  co_await settle();
  EXPECT_THAT(r.woken, ElementsAre(0));
  EXPECT_EQ(r.held_when_cancelled, 0);
}

EDDY_TEST(condition_variable, holds_the_mutex_after_a_timeout) {  // cond.7
  mutex m;
  condition_variable c;
  auto held = co_await m.lock();
  bool held_inside = false;
  const auto body = [&]() -> task<void> {
    try {
      co_await c.wait(held);
    } catch (const cancelled&) {
      held_inside = m.statistics().holder == current_task();
      throw;
    }
  };
  const auto timed_out = co_await as_result(with_timeout(1s, body()));
  EXPECT_TRUE(timed_out.has_error());
  EXPECT_THROW(std::rethrow_exception(timed_out.error()), timeout_error);
  EXPECT_TRUE(held_inside);
  EXPECT_EQ(m.statistics().holder, current_task());
  EXPECT_EQ(c.statistics().waiters, 0u);
}

EDDY_TEST(condition_variable, notifies_the_second_when_the_first_was_cancelled_before) {  // cond.8
  waiting_room r;
  co_await r.fill(2);
  r.tasks[0].cancel();
  r.c.notify_one();
  co_await settle();
  EXPECT_THAT(r.woken, ElementsAre(1));
  EXPECT_EQ(r.held_when_cancelled, 1);
}

EDDY_TEST(condition_variable, wakes_all_but_the_cancelled_one_exactly_once) {  // cond.9
  waiting_room r;
  co_await r.fill(4);
  r.tasks[2].cancel();
  r.c.notify_all();
  co_await settle();
  EXPECT_THAT(r.woken, ElementsAre(0, 1, 3));
  EXPECT_EQ(r.held_when_cancelled, 1);
  EXPECT_FALSE(r.m.locked());
}

EDDY_TEST(condition_variable, does_not_stop_taking_the_mutex_back_when_forced) {  // cond.10
  waiting_room r;
  co_await r.fill(1);
  auto held = co_await r.m.lock();
  r.tasks[0].cancel();
  r.tasks[0].state().own_scope().cancel(cancel_reason::shutdown, "forced",
                                        std::source_location::current(), true);
  co_await settle();
  EXPECT_FALSE(r.tasks[0].done());
  held.unlock();
  co_await settle();
  EXPECT_EQ(r.held_when_cancelled, 1);
}

EDDY_TEST(condition_variable, says_which_of_its_two_waits_a_task_is_in) {
  waiting_room r;
  co_await r.fill(1);
  EXPECT_EQ(r.tasks[0].state().waiting_on()->describe().kind, "condition_variable.wait");
  auto held = co_await r.m.lock();
  r.c.notify_one();
  EXPECT_EQ(r.tasks[0].state().waiting_on()->describe().kind, "mutex.lock");
  held.unlock();
  co_await settle();
}

void wait_unlocked() {
  eddy::testing::run_virtual([]() -> task<void> {
    mutex m;
    condition_variable c;
    auto held = co_await m.lock();
    held.unlock();
    co_await c.wait(held);
  });
}

void wait_with_anothers_mutex() {
  eddy::testing::run_virtual([]() -> task<void> {
    mutex m;
    condition_variable c;
    auto held = co_await m.lock();
    co_await spawn([&]() -> task<void> { co_await c.wait(held); });
  });
}

void wait_for_a_predicate_unlocked() {
  eddy::testing::run_virtual([]() -> task<void> {
    condition_variable c;
    mutex::guard none;
    co_await c.wait(none, [] { return true; });
  });
}

void destroy_with_waiter() {
  eddy::testing::run_virtual([]() -> task<void> {
    mutex m;
    auto c = std::make_unique<condition_variable>();
    const auto waiter = spawn([&]() -> task<void> {
      auto held = co_await m.lock();
      co_await c->wait(held);
    });
    co_await settle();
    c.reset();
  });
}

TEST(condition_variable_mistakes, stop_the_program) {  // cond.1
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(wait_unlocked(), "without holding its mutex");
  EXPECT_DEATH(wait_with_anothers_mutex(), "without holding its mutex");
  EXPECT_DEATH(wait_for_a_predicate_unlocked(), "without holding its mutex");
  EXPECT_DEATH(destroy_with_waiter(), "condition variable was destroyed while tasks wait");
}

}  // namespace
}  // namespace eddy
