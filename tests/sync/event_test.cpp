#include <eddy/sync/event.hpp>

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: evt.1 evt.2 evt.3 evt.4 evt.5

namespace eddy {
namespace {

using eddy::testing::settle;
using ::testing::ElementsAre;

struct crowd {
  event e;
  std::vector<int> order;
  std::vector<task_handle<>> tasks;

  task<void> wait_once(int id) {
    co_await e.wait();
    order.push_back(id);
  }

  task<void> queue_up(int count) {
    for (int id = 0; id < count; ++id) {
      tasks.push_back(spawn([this, id] { return wait_once(id); }));
      co_await settle();
    }
  }
};

eddy::testing::virtual_options production_order() {
  eddy::testing::virtual_options options;
  options.shuffle = false;
  return options;
}

EDDY_TEST_WITH(event, releases_all_waiters_in_order_of_arrival, production_order()) {  // evt.1
  crowd c;
  co_await c.queue_up(3);
  c.e.set();
  EXPECT_THAT(c.order, ElementsAre()) << "nothing runs inside set";
  EXPECT_EQ(c.e.statistics().waiters, 0u);
  co_await settle();
  EXPECT_THAT(c.order, ElementsAre(0, 1, 2));
}

EDDY_TEST(event, does_not_suspend_when_set_and_is_refused_when_cancelled) {  // evt.2
  event e;
  e.set();
  const auto turns = coro::scheduler::require().turns();
  co_await e.wait();
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    co_await e.wait();
  });
  EXPECT_FALSE(finished);
}

EDDY_TEST(event, forgets_a_cancelled_waiter_and_releases_the_others) {  // evt.3
  crowd c;
  co_await c.queue_up(3);
  c.tasks[1].cancel();
  EXPECT_EQ(c.e.statistics().waiters, 2u);
  c.e.set();
  co_await settle();
  EXPECT_THAT(c.order, ::testing::UnorderedElementsAre(0, 2));
}

EDDY_TEST(event, lets_the_first_of_set_and_cancel_decide) {  // evt.4
  crowd c;
  co_await c.queue_up(2);
  c.tasks[1].cancel();
  c.e.set();
  c.tasks[0].cancel();
  co_await settle();
  EXPECT_THAT(c.order, ElementsAre(0));
  EXPECT_EQ(c.tasks[0].status(), coro::task_status::succeeded) << "no further operation";
  EXPECT_EQ(c.tasks[1].status(), coro::task_status::cancelled);
}

EDDY_TEST(event, releases_each_waiter_once_and_blocks_again_after_clear) {  // evt.5
  crowd c;
  co_await c.queue_up(2);
  c.e.set();
  c.e.set();
  c.e.clear();
  EXPECT_FALSE(c.e.is_set());
  auto later = spawn([&] { return c.wait_once(7); });
  co_await settle();
  EXPECT_THAT(c.order, ::testing::UnorderedElementsAre(0, 1));
  EXPECT_FALSE(later.done());
  EXPECT_EQ(c.e.statistics().waiters, 1u);
  c.e.set();
  co_await later;
}

void destroy_with_waiter() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto e = std::make_unique<event>();
    const auto waiter = spawn([&]() -> task<void> { co_await e->wait(); });
    co_await settle();
    e.reset();
  });
}

TEST(event_mistakes, destroying_it_with_waiters_stops_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_with_waiter(), "event was destroyed while tasks wait");
}

}  // namespace
}  // namespace eddy
