#include "error_code.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/base/random.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/lifo_queue.hpp>
#include <eddy/sync/priority_queue.hpp>
#include <eddy/testing/gtest.hpp>

// Cases (smallest first, last in first out; what does not depend on the order is tested in queue_test.cpp): q.1 q.2 q.4
// q.10 q.16 q.19

namespace eddy {
namespace {

using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

template <class Queue>
std::vector<typename Queue::value_type> drain(Queue& q) {
  std::vector<typename Queue::value_type> all;
  while (auto item = q.try_get()) all.push_back(std::move(*item));
  return all;
}

struct job {
  int priority;
  std::string name;
};
struct by_priority {
  bool operator()(const job& a, const job& b) const noexcept { return a.priority < b.priority; }
};

EDDY_TEST(priority_queue, gives_the_smallest_first_and_equal_ones_in_order) {  // q.1
  priority_queue<job, by_priority> q(10);
  for (const auto& [priority, name] : std::vector<std::pair<int, const char*>>{
           {2, "c"}, {1, "a"}, {2, "d"}, {3, "f"}, {1, "b"}, {2, "e"}}) {
    job item{priority, name};
    co_await q.put(std::move(item));
  }
  std::string order;
  for (int i = 0; i < 6; ++i) {
    const job next = co_await q.get();
    order += next.name;
  }
  EXPECT_EQ(order, "abcdef");
}

EDDY_TEST(priority_queue, keeps_its_order_through_many_puts_and_gets) {
  auto q = priority_queue<std::pair<int, int>>::unbounded();
  random_source random(7);
  std::vector<std::pair<int, int>> expected;
  for (int i = 0; i < 500; ++i) {
    const std::pair<int, int> item(static_cast<int>(random.below(20)), i);
    expected.push_back(item);
    EXPECT_TRUE(q.try_put(item));
    if (i % 5 != 4) continue;
    const auto smallest = std::ranges::min_element(expected);
    EXPECT_EQ(q.try_get(), *smallest);
    expected.erase(smallest);
  }
  std::ranges::sort(expected);
  EXPECT_EQ(drain(q), expected);
  co_return;
}

EDDY_TEST(priority_queue, can_give_the_greatest_first) {
  priority_queue<int, std::greater<int>> q(3);
  for (const int i : {2, 3, 1}) co_await q.put(i);
  EXPECT_THAT(drain(q), ElementsAre(3, 2, 1));
}

EDDY_TEST(lifo_queue, gives_the_newest_first) {  // q.1
  lifo_queue<int> q(3);
  for (const int i : {1, 2, 3}) co_await q.put(i);
  EXPECT_TRUE(q.full());
  EXPECT_THAT(drain(q), ElementsAre(3, 2, 1));
}

EDDY_TEST(lifo_queue, fills_a_freed_place_from_the_first_waiting_putter) {  // q.4, q.10
  lifo_queue<int> q(1);
  co_await q.put(0);
  std::vector<task_handle<>> putters;
  for (int i = 1; i < 4; ++i) {
    putters.push_back(spawn([&q, i]() -> task<void> { co_await q.put(i); }));
    co_await settle();
  }
  EXPECT_EQ(q.statistics().putters, 3u);
  EXPECT_THAT(drain(q), ElementsAre(0, 1, 2, 3)) << "one place: in order of arrival";
  co_await settle();
  for (const auto& putter : putters) EXPECT_EQ(putter.status(), coro::task_status::succeeded);
}

EDDY_TEST(priority_queue, lets_blocked_putters_compete_once_they_are_in) {  // q.10
  priority_queue<int> q(2);
  co_await q.put(5);
  co_await q.put(6);
  std::vector<task_handle<>> putters;
  for (const int i : {9, 1}) {
    putters.push_back(spawn([&q, i]() -> task<void> { co_await q.put(i); }));
    co_await settle();
  }
  EXPECT_THAT(drain(q), ElementsAre(5, 6, 1, 9));
  co_await settle();
}

EDDY_TEST(priority_queue, hands_an_item_to_a_waiting_getter_whatever_its_priority) {  // q.4
  priority_queue<int> q(2);
  std::vector<int> got;
  auto getter = spawn([&]() -> task<void> { got.push_back(co_await q.get()); });
  co_await settle();
  co_await q.put(9);
  co_await q.put(1);
  EXPECT_EQ(q.size(), 1u);
  co_await getter;
  EXPECT_THAT(got, ElementsAre(9));
}

TEST(ordered_queues, have_a_capacity) {  // q.2
  EXPECT_EQ(code_thrown_by([] { priority_queue<int> q(0); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { lifo_queue<int> q(0); }), errc::invalid_input);
  EXPECT_FALSE(lifo_queue<int>::unbounded().full());
}

template <class Queue>
task<void> shut_down_twice() {
  Queue q(3);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  co_await q.put(std::move(first));
  co_await q.put(std::move(second));
  q.shutdown(queue_shutdown::graceful);
  EXPECT_EQ(q.size(), 2u);
  const auto item = co_await q.get();
  EXPECT_NE(item, nullptr);
  q.task_done();
  q.shutdown(queue_shutdown::immediate);
  EXPECT_EQ(q.size(), 0u);
  EXPECT_EQ(q.statistics().unfinished, 0u);
  co_await q.join();
  const auto late = co_await as_result(q.get());
  EXPECT_EQ(code_of(late), errc::shut_down);
}

struct by_value {
  bool operator()(const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) const noexcept {
    return *a < *b;
  }
};

EDDY_TEST(ordered_queues, shutdown_may_escalate) {  // q.16, q.19
  co_await shut_down_twice<priority_queue<std::unique_ptr<int>, by_value>>();
  co_await shut_down_twice<lifo_queue<std::unique_ptr<int>>>();
}

}  // namespace
}  // namespace eddy
