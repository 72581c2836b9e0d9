#include <eddy/sync/latch.hpp>

#include "error_code.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: latch.1 latch.2

namespace eddy {
namespace {

using eddy::testing::settle;
using tests::code_thrown_by;

EDDY_TEST(latch, releases_all_waiters_at_zero_and_stays_open) {  // latch.1
  latch l(3);
  std::vector<task_handle<>> waiters;
  int released = 0;
  for (int i = 0; i < 3; ++i) {
    waiters.push_back(spawn([&]() -> task<void> {
      co_await l.wait();
      ++released;
    }));
  }
  co_await settle();
  l.count_down();
  co_await settle();
  EXPECT_EQ(released, 0);
  EXPECT_EQ(l.statistics().count, 2);
  EXPECT_EQ(l.statistics().waiters, 3u);
  EXPECT_FALSE(l.try_wait());
  l.count_down(2);
  EXPECT_EQ(l.statistics().waiters, 0u);
  co_await settle();
  EXPECT_EQ(released, 3);
  const auto turns = coro::scheduler::require().turns();
  co_await l.wait();
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  EXPECT_TRUE(l.try_wait());
}

EDDY_TEST(latch, is_not_affected_by_a_cancelled_waiter) {  // latch.2
  latch l(1);
  auto waiter = spawn([&]() -> task<void> { co_await l.wait(); });
  co_await settle();
  waiter.cancel();
  EXPECT_EQ(l.statistics().waiters, 0u);
  EXPECT_EQ(l.statistics().count, 1);
  l.count_down();
  co_await settle();
  EXPECT_EQ(waiter.status(), coro::task_status::cancelled);
}

EDDY_TEST(latch, refuses_the_wait_in_a_cancelled_scope_although_it_is_open) {
  latch l(0);
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    co_await l.wait();
  });
  EXPECT_FALSE(finished);
}

TEST(latch_values, outside_their_range_throw_invalid_input) {
  EXPECT_EQ(code_thrown_by([] { latch l(-1); }), errc::invalid_input);
  latch l(1);
  EXPECT_EQ(code_thrown_by([&] { l.count_down(-1); }), errc::invalid_input);
}

void count_below_zero() {
  latch l(2);
  l.count_down(3);
}

void destroy_with_waiter() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto l = std::make_unique<latch>(1);
    const auto waiter = spawn([&]() -> task<void> { co_await l->wait(); });
    co_await settle();
    l.reset();
  });
}

TEST(latch_mistakes, stop_the_program) {  // latch.2
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(count_below_zero(), "latch was counted below zero");
  EXPECT_DEATH(destroy_with_waiter(), "latch was destroyed while tasks wait");
}

}  // namespace
}  // namespace eddy
