#include <eddy/sync/once.hpp>

#include <chrono>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: once.1 once.2 once.3 once.4

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;

// Tasks that all want one thing done, in order of arrival.
struct initialisation {
  once o;
  std::vector<int> ran;   // whose function began
  std::vector<int> went;  // who got past call()
  int failures_left = 0;
  std::vector<task_handle<>> callers;

  task<void> work(int id) {
    ran.push_back(id);
    co_await sleep(1s);
    if (failures_left-- > 0) throw std::runtime_error("not yet");
  }
  task<void> ask(int id) {
    co_await o.call([&] { return work(id); });
    went.push_back(id);
  }
  task<void> queue_up(int id) {
    callers.push_back(spawn([this, id] { return ask(id); }));
    co_await settle();
  }
};

EDDY_TEST(once, runs_the_first_callers_function_while_the_others_wait) {  // once.1
  initialisation i;
  for (int id = 0; id < 3; ++id) co_await i.queue_up(id);
  EXPECT_TRUE(i.o.statistics().running);
  EXPECT_EQ(i.o.statistics().waiters, 2u);
  EXPECT_THAT(i.went, ElementsAre());
  co_await sleep(2s);
  EXPECT_THAT(i.ran, ElementsAre(0));
  EXPECT_THAT(i.went, ::testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_TRUE(i.o.done());
  EXPECT_FALSE(i.o.statistics().running);
}

EDDY_TEST(once, gives_a_failure_to_its_caller_and_lets_the_next_waiter_try) {  // once.2
  initialisation i;
  i.failures_left = 1;
  for (int id = 0; id < 3; ++id) co_await i.queue_up(id);
  const auto failed = co_await as_result(i.callers[0]);
  EXPECT_TRUE(failed.has_error());
  co_await i.callers[1];
  co_await i.callers[2];
  EXPECT_THAT(i.ran, ElementsAre(0, 1));
}

EDDY_TEST(once, passes_on_when_the_running_caller_is_cancelled) {  // once.3
  initialisation i;
  for (int id = 0; id < 2; ++id) co_await i.queue_up(id);
  i.callers[0].cancel();
  co_await settle();
  EXPECT_EQ(i.callers[0].status(), coro::task_status::cancelled);
  EXPECT_THAT(i.ran, ElementsAre(0, 1));
  co_await i.callers[1];
  EXPECT_THAT(i.went, ElementsAre(1));
}

EDDY_TEST(once, is_not_affected_by_a_cancelled_waiter_and_does_not_suspend_when_done) {  // once.4
  initialisation i;
  for (int id = 0; id < 3; ++id) co_await i.queue_up(id);
  i.callers[1].cancel();
  EXPECT_EQ(i.o.statistics().waiters, 1u);
  co_await sleep(2s);
  EXPECT_THAT(i.ran, ElementsAre(0));
  EXPECT_THAT(i.went, ::testing::UnorderedElementsAre(0, 2));
  const auto turns = coro::scheduler::require().turns();
  co_await i.ask(3);
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  EXPECT_THAT(i.ran, ElementsAre(0));
}

EDDY_TEST(once, takes_a_plain_function_as_well) {
  once o;
  int ran = 0;
  co_await o.call([&] { ++ran; });
  co_await o.call([&] { ++ran; });
  EXPECT_EQ(ran, 1);
}

void call_inside() {
  eddy::testing::run_virtual([]() -> task<void> {
    once o;
    co_await o.call([&]() -> task<void> { co_await o.call([] {}); });
  });
}

TEST(once_mistakes, stop_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(call_inside(), "called the same once again");
}

}  // namespace
}  // namespace eddy
