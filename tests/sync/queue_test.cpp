#include <eddy/sync/queue.hpp>

#include "error_code.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

// Cases (first in, first out): q.1 q.2 q.3 q.4 q.5 q.6 q.7 q.8 q.9 q.10 q.11 q.12 q.13 q.14 q.15 q.16 q.17 q.18 q.19

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using tests::code_of;

// Tasks that get or put one item each, in order of arrival, and what came of it.
struct exchange {
  explicit exchange(std::size_t capacity) : q(capacity) {}

  queue<std::string> q;
  std::vector<std::string> got;
  std::vector<std::unique_ptr<std::string>> items;  // what putters own
  std::vector<task_handle<>> getters;
  std::vector<task_handle<>> putters;
  int shut_down = 0;

  task<void> get_one() {
    try {
      got.push_back(co_await q.get());
      co_await yield();  // where a task that was cancelled after the grant is stopped
    } catch (const error& e) {
      if (e != errc::shut_down) throw;
      ++shut_down;
    }
  }
  task<void> put_one(std::string& item) {
    try {
      co_await q.put(std::move(item));
    } catch (const error& e) {
      if (e != errc::shut_down) throw;
      ++shut_down;
    }
  }

  task<void> add_getter() {
    getters.push_back(spawn([this] { return get_one(); }));
    co_await settle();
  }
  task<void> add_putter(std::string item) {
    items.push_back(std::make_unique<std::string>(std::move(item)));
    putters.push_back(spawn([this, &own = *items.back()] { return put_one(own); }));
    co_await settle();
  }
};

EDDY_TEST(queue, gives_items_first_in_first_out) {  // q.1
  queue<int> q(100);
  for (int i = 0; i < 100; ++i) co_await q.put(i);
  EXPECT_TRUE(q.full());
  for (int i = 0; i < 100; ++i) {
    const int item = co_await q.get();
    EXPECT_EQ(item, i);
  }
  EXPECT_TRUE(q.empty());
}

EDDY_TEST(queue, keeps_the_order_while_the_buffer_wraps_and_grows) {
  queue<int> q(64);
  int put = 0;
  int got = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 7 && q.try_put(put); ++i) ++put;
    for (int i = 0; i < round % 5; ++i) {
      const auto item = q.try_get();
      if (!item) break;
      EXPECT_EQ(*item, got++);
    }
  }
  while (const auto item = q.try_get()) EXPECT_EQ(*item, got++);
  EXPECT_EQ(got, put);
  EXPECT_GT(put, 64);
  co_return;
}

EDDY_TEST(queue, has_a_capacity_unless_asked_otherwise) {  // q.2
  try {
    queue<int> none(0);
    ADD_FAILURE() << "capacity zero should throw";
  } catch (const error& e) {
    EXPECT_EQ(e, errc::invalid_input);
  }
  auto q = queue<int>::unbounded();
  const auto turns = coro::scheduler::require().turns();
  for (int i = 0; i < 100; ++i) co_await q.put(i);
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  EXPECT_FALSE(q.full());
  EXPECT_EQ(q.size(), 100u);
}

EDDY_TEST(queue, waits_in_get_when_empty_and_in_put_when_full_but_not_in_try) {  // q.3
  exchange x(1);
  EXPECT_EQ(x.q.try_get(), std::nullopt);
  co_await x.add_getter();
  EXPECT_EQ(x.q.statistics().getters, 1u);
  co_await x.q.put("a");
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));

  co_await x.q.put("b");
  std::string rejected = "long enough to live on the heap";
  EXPECT_FALSE(x.q.try_put(std::move(rejected)));
  EXPECT_EQ(rejected, "long enough to live on the heap");
  co_await x.add_putter("c");
  EXPECT_EQ(x.q.statistics().putters, 1u);
  std::string item = co_await x.q.get();
  EXPECT_EQ(item, "b");
  EXPECT_EQ(x.q.statistics().putters, 0u);
  item = co_await x.q.get();
  EXPECT_EQ(item, "c");
  co_await settle();
}

EDDY_TEST(queue, serves_getters_and_putters_in_order_of_arrival) {  // q.4
  exchange x(1);
  for (int i = 0; i < 3; ++i) co_await x.add_getter();
  for (const char* item : {"a", "b", "c"}) {
    EXPECT_TRUE(x.q.try_put(item));
    co_await settle();
  }
  EXPECT_THAT(x.got, ElementsAre("a", "b", "c"));

  co_await x.q.put("0");
  for (const char* item : {"1", "2", "3"}) co_await x.add_putter(item);
  for (const char* expected : {"0", "1", "2", "3"}) {
    const std::string item = co_await x.q.get();
    EXPECT_EQ(item, expected);
  }
  co_await settle();
}

EDDY_TEST(queue, forgets_a_cancelled_getter_and_serves_the_next) {  // q.5
  exchange x(1);
  co_await x.add_getter();
  co_await x.add_getter();
  x.getters[0].cancel();
  EXPECT_EQ(x.q.statistics().getters, 1u);
  EXPECT_TRUE(x.q.try_put("a"));
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));
  EXPECT_EQ(x.getters[1].status(), coro::task_status::succeeded);
}

EDDY_TEST(queue, delivers_to_a_getter_that_is_cancelled_after_it_was_served) {  // q.6
  exchange x(1);
  co_await x.add_getter();
  EXPECT_TRUE(x.q.try_put("a"));
  x.getters[0].cancel();
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));
  EXPECT_EQ(x.getters[0].status(), coro::task_status::cancelled) << "at its next operation";
}

EDDY_TEST(queue, leaves_a_cancelled_putters_item_intact) {  // q.7
  exchange x(1);
  co_await x.q.put("0");
  for (const char* item : {"first of some length", "second of some length", "third"}) {
    co_await x.add_putter(item);
  }
  x.putters[1].cancel();
  EXPECT_EQ(x.q.statistics().putters, 2u);
  EXPECT_EQ(*x.items[1], "second of some length");
  std::vector<std::string> all;
  while (auto item = x.q.try_get()) all.push_back(*item);
  EXPECT_THAT(all, ElementsAre("0", "first of some length", "third"));
  co_await settle();
  EXPECT_EQ(x.putters[1].status(), coro::task_status::cancelled);
}

EDDY_TEST(queue, accepts_from_a_putter_that_is_cancelled_after_the_grant) {
  exchange x(1);
  co_await x.q.put("0");
  co_await x.add_putter("1");
  EXPECT_EQ(x.q.try_get(), "0");
  x.putters[0].cancel();
  co_await settle();
  EXPECT_EQ(x.q.try_get(), "1");
  EXPECT_EQ(x.putters[0].status(), coro::task_status::succeeded);
}

EDDY_TEST(queue, refuses_get_and_put_in_a_cancelled_scope) {  // q.8
  queue<std::string> q(2);
  co_await q.put("a");
  std::string item = "b";
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto got = co_await as_result(q.get());
    EXPECT_TRUE(got.is_cancelled());
    co_await q.put(std::move(item));
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(q.size(), 1u);
  EXPECT_EQ(item, "b");
}

EDDY_TEST(queue, hides_an_item_that_was_handed_to_a_getter) {  // q.9
  exchange x(1);
  co_await x.add_getter();
  EXPECT_TRUE(x.q.try_put("a"));
  EXPECT_EQ(x.q.try_get(), std::nullopt);
  EXPECT_EQ(x.q.size(), 0u);
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));
}

EDDY_TEST(queue, lets_blocked_putters_follow_while_it_is_drained_in_one_step) {  // q.10
  exchange x(2);
  for (const char* item : {"a", "b", "c", "d"}) co_await x.add_putter(item);
  EXPECT_EQ(x.q.statistics().putters, 2u);
  std::vector<std::string> all;
  while (auto item = x.q.try_get()) all.push_back(*item);
  EXPECT_THAT(all, ElementsAre("a", "b", "c", "d"));
  co_await settle();
  for (const auto& putter : x.putters) EXPECT_EQ(putter.status(), coro::task_status::succeeded);
}

EDDY_TEST(queue, join_returns_at_once_when_untouched_and_wakes_all_joiners) {  // q.11
  queue<int> q(3);
  co_await q.join();
  co_await q.put(1);
  int joined = 0;
  const auto join = [&]() -> task<void> {
    co_await q.join();
    ++joined;
  };
  auto first = spawn(join);
  auto second = spawn(join);
  co_await settle();
  EXPECT_EQ(q.statistics().joiners, 2u);
  static_cast<void>(co_await q.get());
  EXPECT_EQ(joined, 0);
  q.task_done();
  co_await settle();
  EXPECT_EQ(joined, 2);
}

EDDY_TEST(queue, join_waits_for_items_added_meanwhile_and_survives_cancellation) {  // q.12
  queue<int> q(3);
  co_await q.put(1);
  auto joiner = spawn([&]() -> task<void> { co_await q.join(); });
  auto given_up = spawn([&]() -> task<void> { co_await q.join(); });
  co_await settle();
  co_await q.put(2);
  given_up.cancel();
  EXPECT_EQ(q.statistics().joiners, 1u);
  EXPECT_EQ(q.statistics().unfinished, 2u);
  static_cast<void>(co_await q.get());
  q.task_done();
  co_await settle();
  EXPECT_FALSE(joiner.done());
  static_cast<void>(co_await q.get());
  q.task_done();
  co_await joiner;
}

EDDY_TEST(queue, join_waits_for_an_item_whose_worker_was_cancelled) {  // q.13
  queue<int> q(3);
  co_await q.put(1);
  auto worker = spawn([&]() -> task<void> {
    static_cast<void>(co_await q.get());
    co_await sleep(1h);
    q.task_done();
  });
  auto joiner = spawn([&]() -> task<void> { co_await q.join(); });
  co_await settle();
  worker.cancel();
  co_await settle();
  EXPECT_TRUE(worker.done());
  EXPECT_FALSE(joiner.done());
  q.task_done();
  co_await joiner;
}

EDDY_TEST(queue, graceful_shutdown_of_an_empty_queue_fails_getters_and_later_calls) {  // q.14
  exchange x(1);
  co_await x.add_getter();
  co_await x.add_getter();
  x.q.shutdown();
  co_await settle();
  EXPECT_EQ(x.shut_down, 2);
  const auto got = co_await as_result(x.q.get());
  EXPECT_EQ(code_of(got), errc::shut_down);
  std::string item = "a";
  const auto put = co_await as_result(x.q.put(std::move(item)));
  EXPECT_EQ(code_of(put), errc::shut_down);
  EXPECT_EQ(item, "a");
  EXPECT_THROW(static_cast<void>(x.q.try_get()), error);
  EXPECT_THROW(static_cast<void>(x.q.try_put(std::move(item))), error);
  EXPECT_EQ(item, "a");
  co_await x.q.join();
  EXPECT_TRUE(x.q.is_shut_down());
}

EDDY_TEST(queue, graceful_shutdown_fails_putters_and_leaves_the_rest_to_be_fetched) {  // q.15
  exchange x(2);
  co_await x.q.put("a");
  co_await x.q.put("b");
  co_await x.add_putter("the third one stays with its owner");
  x.q.shutdown();
  co_await settle();
  EXPECT_EQ(x.shut_down, 1);
  EXPECT_EQ(*x.items[0], "the third one stays with its owner");
  const std::string a = co_await x.q.get();
  EXPECT_EQ(a, "a");
  EXPECT_EQ(x.q.try_get(), "b");
  const auto end = co_await as_result(x.q.get());
  EXPECT_EQ(code_of(end), errc::shut_down);
  EXPECT_EQ(x.q.statistics().unfinished, 2u) << "they were fetched, not marked";
}

// Counts how often an item that was not moved from is destroyed.
struct counted {
  explicit counted(int& count) noexcept : destroyed(&count) {}
  counted(counted&& other) noexcept : destroyed(std::exchange(other.destroyed, nullptr)) {}
  counted& operator=(counted&&) = delete;
  ~counted() {
    if (destroyed != nullptr) ++*destroyed;
  }
  int* destroyed;
};

EDDY_TEST(queue, immediate_shutdown_discards_items_once_and_releases_join) {  // q.16
  int destroyed = 0;
  queue<counted> q(2);
  EXPECT_TRUE(q.try_put(counted(destroyed)));
  EXPECT_TRUE(q.try_put(counted(destroyed)));
  counted third(destroyed);
  auto putter = spawn([&]() -> task<void> { co_await q.put(std::move(third)); });
  auto joiner = spawn([&]() -> task<void> { co_await q.join(); });
  co_await settle();
  q.shutdown(queue_shutdown::immediate);
  EXPECT_EQ(destroyed, 2);
  EXPECT_EQ(q.statistics().unfinished, 0u);
  co_await joiner;
  auto failed = co_await as_result(putter);
  EXPECT_EQ(code_of(failed), errc::shut_down);
  EXPECT_NE(third.destroyed, nullptr) << "intact";
  const auto got = co_await as_result(q.get());
  EXPECT_EQ(code_of(got), errc::shut_down);
}

EDDY_TEST(queue, graceful_shutdown_does_not_take_an_item_from_a_served_getter) {  // q.17
  exchange x(1);
  co_await x.add_getter();
  co_await x.add_getter();
  EXPECT_TRUE(x.q.try_put("a"));
  x.q.shutdown();
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));
  EXPECT_EQ(x.shut_down, 1);
}

EDDY_TEST(queue, immediate_shutdown_leaves_one_task_done_due_for_a_served_getter) {  // q.18
  exchange x(1);
  co_await x.add_getter();
  EXPECT_TRUE(x.q.try_put("a"));
  x.q.shutdown(queue_shutdown::immediate);
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));
  EXPECT_EQ(x.q.statistics().unfinished, 1u);
  x.q.task_done();
  co_await x.q.join();
}

EDDY_TEST(queue, shutdown_may_escalate) {  // q.19
  queue<int> q(3);
  co_await q.put(1);
  q.shutdown(queue_shutdown::graceful);
  EXPECT_EQ(q.size(), 1u);
  q.shutdown(queue_shutdown::immediate);
  EXPECT_EQ(q.size(), 0u);
  co_await q.join();
  q.shutdown(queue_shutdown::graceful);
}

EDDY_TEST(queue, carries_move_only_items_through_many_tasks_each_once) {
  queue<std::unique_ptr<int>> q(4);
  std::vector<int> seen;
  co_await with_group([&](task_group& g) -> task<void> {
    for (int producer = 0; producer < 4; ++producer) {
      g.spawn([&q, producer]() -> task<void> {
        for (int i = 0; i < 50; ++i) {
          auto item = std::make_unique<int>(producer * 50 + i);
          co_await q.put(std::move(item));
        }
      });
    }
    for (int consumer = 0; consumer < 3; ++consumer) {
      g.spawn([&]() -> task<void> {
        for (;;) {
          const auto item = co_await q.get();
          seen.push_back(*item);
          q.task_done();
        }
      });
    }
    co_await yield();
    co_await settle();
    co_await q.join();
    g.cancel();
  });
  std::ranges::sort(seen);
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
  EXPECT_EQ(q.statistics().getters, 0u);
}

void mark_too_often() {
  queue<int> q(1);
  EXPECT_TRUE(q.try_put(1));
  q.task_done();
  q.task_done();
}

void destroy_with_waiter() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto q = std::make_unique<queue<int>>(1);
    const auto waiter = spawn([&]() -> task<void> { static_cast<void>(co_await q->get()); });
    co_await settle();
    q.reset();
  });
}

TEST(queue_mistakes, stop_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(mark_too_often(), "task_done was called more often");
  EXPECT_DEATH(destroy_with_waiter(), "queue was destroyed while tasks wait");
}

}  // namespace
}  // namespace eddy
