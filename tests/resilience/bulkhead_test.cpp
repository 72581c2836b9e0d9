#include <eddy/resilience/bulkhead.hpp>

#include "error_code.hpp"

#include <chrono>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

struct crowd {
  explicit crowd(const bulkhead_options& options) : places(options) {}
  bulkhead places;
  std::vector<int> order;
  std::vector<task_handle<>> tasks;

  task<> enter(int id) {
    auto work = [this, id]() -> task<> {
      order.push_back(id);
      co_await sleep(1s);
    };
    co_await places.call(std::ref(work));
  }
  task<> arrive(int id) {
    tasks.push_back(spawn([this, id] { return enter(id); }));
    co_await settle();
  }
};

EDDY_TEST(bulkhead, runs_so_many_at_once_and_the_others_in_order_of_arrival) {
  crowd c({.max_concurrent = 2, .max_waiting = 10});
  for (int id = 0; id < 5; ++id) co_await c.arrive(id);
  EXPECT_THAT(c.order, ElementsAre(0, 1));
  EXPECT_EQ(c.places.statistics().running, 2u);
  EXPECT_EQ(c.places.statistics().waiting, 3u);
  const time_point start = now();
  for (auto& one : c.tasks) co_await one;
  EXPECT_EQ(now() - start, 3s);
  EXPECT_EQ(c.order.size(), 5u);
  EXPECT_EQ(c.places.statistics().running, 0u);
  EXPECT_EQ(c.places.statistics().admitted, 5u);
}

EDDY_TEST(bulkhead, rejects_when_its_queue_is_full) {
  crowd c({.name = "reports", .max_concurrent = 1, .max_waiting = 1});
  for (int id = 0; id < 3; ++id) co_await c.arrive(id);
  const auto rejected = co_await as_result(c.tasks[2]);
  EXPECT_EQ(code_of(rejected), resilience::errc::bulkhead_full);
  EXPECT_EQ(code_of(rejected), condition::overloaded);
  co_await c.tasks[1];
  EXPECT_THAT(c.order, ElementsAre(0, 1));
  EXPECT_EQ(c.places.statistics().rejected, 1u);
}

EDDY_TEST(bulkhead, frees_the_queue_place_of_a_cancelled_waiter) {
  crowd c({.max_concurrent = 1, .max_waiting = 1});
  co_await c.arrive(0);
  co_await c.arrive(1);
  c.tasks[1].cancel();
  co_await c.arrive(2);
  co_await c.tasks[2];
  EXPECT_THAT(c.order, ElementsAre(0, 2));
}

EDDY_TEST(bulkhead, gives_back_the_place_of_a_cancelled_or_failed_call) {
  bulkhead places({.max_concurrent = 1, .max_waiting = 0});
  const auto slow = []() -> task<> { co_await sleep(1h); };
  const bool finished = co_await move_on_after(1s, places.call(slow));
  EXPECT_FALSE(finished);
  const auto failing = []() -> task<> {
    throw_error(errc::closed, "call");
    co_return;
  };
  const auto failed = co_await as_result(places.call(failing));
  EXPECT_EQ(code_of(failed), errc::closed);
  EXPECT_EQ(places.statistics().running, 0u);
}

EDDY_TEST(bulkhead, admits_nobody_who_is_cancelled) {
  bulkhead places({.max_concurrent = 1});
  bool called = false;
  const auto call = [&]() -> task<> {
    called = true;
    co_return;
  };
  const bool finished = co_await move_on_after(0s, places.call(call));
  EXPECT_FALSE(finished);
  EXPECT_FALSE(called);
  EXPECT_EQ(places.statistics().admitted, 0u);
}

TEST(bulkhead_values, outside_their_range_throw_invalid_input) {
  EXPECT_EQ(code_thrown_by([] { const bulkhead b({.max_concurrent = 0}); }), errc::invalid_input);
}

}  // namespace
}  // namespace eddy
