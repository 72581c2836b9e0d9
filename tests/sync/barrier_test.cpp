#include <eddy/sync/barrier.hpp>

#include "error_code.hpp"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: bar.1 bar.2 bar.3 bar.4 bar.5 bar.6 bar.7 bar.8

namespace eddy {
namespace {

using eddy::testing::settle;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using tests::code_of;
using tests::code_thrown_by;

// Tasks that arrive once each, and what their arrival gave.
struct meeting {
  explicit meeting(std::size_t parties) : b(parties) {}

  barrier b;
  std::vector<std::size_t> indexes;
  int broken = 0;
  std::vector<task_handle<>> tasks;

  task<void> meet() {
    try {
      indexes.push_back(co_await b.arrive_and_wait());
    } catch (const error& e) {
      if (e != errc::broken_barrier) throw;
      ++broken;
    }
  }
  task<void> arrive() {
    tasks.push_back(spawn([this] { return meet(); }));
    co_await settle();
  }
};

EDDY_TEST(barrier, releases_all_with_an_index_of_their_own) {  // bar.1
  meeting m(3);
  co_await m.arrive();
  co_await m.arrive();
  EXPECT_THAT(m.indexes, ElementsAre());
  co_await m.arrive();
  EXPECT_THAT(m.indexes, UnorderedElementsAre(0u, 1u, 2u));
  EXPECT_EQ(m.b.statistics().waiting, 0u);
}

EDDY_TEST(barrier, of_one_never_waits_and_of_none_cannot_be_made) {  // bar.1
  barrier alone(1);
  const auto turns = coro::scheduler::require().turns();
  const std::size_t index = co_await alone.arrive_and_wait();
  EXPECT_EQ(index, 0u);
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  EXPECT_EQ(code_thrown_by([] { barrier none(0); }), errc::invalid_input);
}

EDDY_TEST(barrier, holds_round_after_round) {  // bar.2
  barrier b(3);
  std::vector<int> rounds(3);
  std::vector<task_handle<>> tasks;
  const auto go_round = [&](std::size_t own) -> task<void> {
    for (int round = 0; round < 10; ++round) {
      for (const int other : rounds) EXPECT_LE(std::abs(other - round), 1);
      ++rounds[own];
      static_cast<void>(co_await b.arrive_and_wait());
      for (const int other : rounds) EXPECT_GT(other, round) << "all have arrived in this round";
    }
  };
  for (std::size_t i = 0; i < 3; ++i) tasks.push_back(spawn(go_round, i));
  for (auto& t : tasks) co_await t;
  EXPECT_THAT(rounds, ElementsAre(10, 10, 10));
}

EDDY_TEST(barrier, counts_a_fast_task_that_arrives_again_for_the_next_round) {  // bar.3, bar.8
  meeting m(2);
  co_await m.arrive();
  EXPECT_EQ(m.b.waiting(), 1u);
  const std::size_t index =
      co_await m.b.arrive_and_wait();  // releases the other, which has not run
  EXPECT_EQ(index, 1u);
  EXPECT_EQ(m.b.waiting(), 0u) << "released, though it has not run yet";
  auto again = spawn([&] { return m.meet(); });
  co_await settle();
  EXPECT_FALSE(again.done());
  EXPECT_EQ(m.b.waiting(), 1u);
  EXPECT_THAT(m.indexes, ElementsAre(0u));
  co_await m.arrive();
  EXPECT_TRUE(again.done());
}

EDDY_TEST(barrier, takes_back_the_arrival_of_a_cancelled_waiter) {  // bar.4
  meeting m(3);
  co_await m.arrive();
  co_await m.arrive();
  m.tasks[0].cancel();
  EXPECT_EQ(m.b.waiting(), 1u);
  co_await m.arrive();
  EXPECT_FALSE(m.b.broken());
  EXPECT_THAT(m.indexes, ElementsAre()) << "two of three";
  co_await m.arrive();
  EXPECT_THAT(m.indexes, UnorderedElementsAre(0u, 1u, 2u));
}

EDDY_TEST(barrier, refuses_to_arrive_in_a_cancelled_scope) {
  barrier b(1);
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    static_cast<void>(co_await b.arrive_and_wait());
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(b.waiting(), 0u);
}

EDDY_TEST(barrier, reset_fails_those_who_wait_and_is_usable_at_once) {  // bar.5
  meeting m(3);
  co_await m.arrive();
  co_await m.arrive();
  m.b.reset();
  EXPECT_EQ(m.b.waiting(), 0u);
  EXPECT_FALSE(m.b.broken());
  for (int i = 0; i < 3; ++i) co_await m.arrive();
  EXPECT_EQ(m.broken, 2);
  EXPECT_THAT(m.indexes, UnorderedElementsAre(0u, 1u, 2u));
}

EDDY_TEST(barrier, reset_does_not_reach_a_round_that_was_released) {  // bar.6
  meeting m(2);
  co_await m.arrive();
  static_cast<void>(co_await m.b.arrive_and_wait());
  m.b.reset();
  co_await settle();
  EXPECT_EQ(m.broken, 0);
  EXPECT_THAT(m.indexes, ElementsAre(0u));
}

EDDY_TEST(barrier, abort_fails_waiters_and_later_arrivals_until_reset) {  // bar.7
  meeting m(2);
  co_await m.arrive();
  m.b.abort();
  EXPECT_TRUE(m.b.statistics().broken);
  co_await m.arrive();
  EXPECT_EQ(m.broken, 2);
  const auto late = co_await as_result(m.b.arrive_and_wait());
  EXPECT_EQ(code_of(late), errc::broken_barrier);
  m.b.reset();
  co_await m.arrive();
  co_await m.arrive();
  EXPECT_EQ(m.broken, 2);
  EXPECT_THAT(m.indexes, UnorderedElementsAre(0u, 1u));
}

EDDY_TEST(barrier, tells_who_inspects_a_waiter_how_many_have_arrived) {  // bar.8
  meeting m(3);
  co_await m.arrive();
  const coro::wait_info waits = m.tasks[0].state().waiting_on()->describe();
  EXPECT_EQ(waits.kind, "barrier.arrive_and_wait");
  EXPECT_EQ(waits.object, &m.b);
  EXPECT_EQ(waits.detail, "1 of 3");
  m.b.abort();
  co_await settle();
}

void destroy_with_waiter() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto b = std::make_unique<barrier>(2);
    const auto waiter =
        spawn([&]() -> task<void> { static_cast<void>(co_await b->arrive_and_wait()); });
    co_await settle();
    b.reset();
  });
}

TEST(barrier_mistakes, stop_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_with_waiter(), "barrier was destroyed while tasks wait");
}

}  // namespace
}  // namespace eddy
