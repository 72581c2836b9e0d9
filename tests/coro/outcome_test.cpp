// How operations, tasks and scopes end when several things happen to them at once.
#include "recorded.hpp"

#include <array>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/future.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::settle;

std::string line_of(std::source_location where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

// err.1
EDDY_TEST(as_result, gives_value_failure_and_cancellation_as_three_states) {
  const auto value = co_await as_result(value_after(1s, 1));
  EXPECT_TRUE(value.has_value());
  EXPECT_EQ(*value, 1);
  const auto failed = co_await as_result(fail_after(1s, "failure"));
  EXPECT_TRUE(failed.has_error());
  EXPECT_EQ(ending(failed), "failure");
  struct not_an_exception {};
  const auto throws_anything = []() -> task<int> {
    throw not_an_exception();
    co_return 0;
  };
  const auto odd = co_await as_result(throws_anything());
  EXPECT_TRUE(odd.has_error());
  EXPECT_TRUE(holds_exception<not_an_exception>(odd.error()));
  bool seen = false;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto stopped = co_await as_result(sleep(1s));
    EXPECT_TRUE(stopped.is_cancelled());
    EXPECT_FALSE(stopped.has_value() || stopped.has_error());
    seen = true;
  });
  EXPECT_TRUE(seen);
}

// err.6
EDDY_TEST(cancelled, carries_reason_text_and_place_of_the_cancel_call) {
  std::optional<result<void>> ended;
  std::source_location called;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    called = std::source_location::current();
    s.cancel(cancel_reason::overload, "too much");
    ended = co_await as_result(sleep(1s));
  });
  EDDY_REQUIRE(ended->is_cancelled());
  const auto& stop = ended->cancellation();
  EXPECT_EQ(stop.reason(), cancel_reason::overload);
  EXPECT_EQ(stop.text(), "too much");
  EXPECT_EQ(stop.where().line(), called.line() + 1);
}

// err.6
EDDY_TEST(cancelled, carries_the_place_of_the_deadline_for_a_timeout) {
  std::optional<result<void>> ended;
  const auto body = [&]() -> task<void> { ended = co_await as_result(sleep(1h)); };
  const auto made = std::source_location::current();
  co_await move_on_after(1s, body());
  EDDY_REQUIRE(ended->is_cancelled());
  const auto& stop = ended->cancellation();
  EXPECT_EQ(stop.reason(), cancel_reason::timeout);
  EXPECT_EQ(line_of(stop.where()),
            std::string(made.file_name()) + ":" + std::to_string(made.line() + 1));
}

// err.8
TEST(exception_group, is_searched_visited_and_split_with_nested_ones) {
  const auto make = [](auto e) { return std::make_exception_ptr(std::move(e)); };
  const exception_group inner({make(named_error("b")), make(7)});
  const exception_group group({make(std::logic_error("a")), make(inner), make(named_error("c"))});

  EXPECT_TRUE(group.contains<std::logic_error>());
  EXPECT_TRUE(group.contains<int>());
  EXPECT_FALSE(group.contains<std::bad_alloc>());
  EXPECT_EQ(names_of(group.find<named_error>()), "b");

  std::size_t visited = 0;
  group.for_each([&](const std::exception_ptr&) { ++visited; });
  EXPECT_EQ(visited, 4U);

  const auto parts = group.split(holds_exception<named_error>);
  EXPECT_EQ(names_of(parts.matched), "[b, c]");
  EXPECT_EQ(names_of(parts.rest), "[other, other]");
  EXPECT_TRUE(holds_exception<exception_group>(parts.rest));
  const auto all = group.split([](const std::exception_ptr&) { return true; });
  EXPECT_EQ(names_of(all.matched), "[other, [b, other], c]");
  EXPECT_EQ(all.rest, nullptr);
}

// scope.10
EDDY_TEST(cancelled_task, is_refused_what_could_complete_at_once_and_takes_nothing) {
  mutex lock;
  queue<int> items(2);
  EXPECT_TRUE(items.try_put(1));
  event set;
  set.set();
  semaphore permits(1);
  promise<int> given;
  given.set_value(1);
  const auto ready = given.get_future();
  std::vector<std::string> endings;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    endings.push_back(co_await ending_of(lock.lock()));
    endings.push_back(co_await ending_of(items.get()));
    endings.push_back(co_await ending_of(set.wait()));
    endings.push_back(co_await ending_of(permits.acquire()));
    endings.push_back(co_await ending_of(ready));
  });
  EXPECT_THAT(endings, ::testing::Each("cancelled (requested)"));
  EXPECT_EQ(items.size(), 1U);
  EXPECT_TRUE(lock.try_lock());
  EXPECT_TRUE(permits.try_acquire());
  EXPECT_EQ(endings.size(), 5U);
}

/// A task inside a scope, suspended in `op`; how it and the operation after it end.
template <class Wait>
task<std::vector<std::string>> suspended_in(Wait wait, cancel_scope& around) {
  std::vector<std::string> endings;
  const auto body = [&](cancel_scope&) -> task<void> {
    endings.push_back(co_await ending_of(wait()));
    endings.push_back(co_await ending_of(yield()));
  };
  co_await with_scope(around, body);
  co_return endings;
}

// scope.11 scope.12
EDDY_TEST(grant_and_cancellation_in_one_step, end_with_what_came_first) {
  for (const bool grant_first : {true, false}) {
    mutex lock;
    auto held = co_await lock.lock();
    cancel_scope around;
    const auto wait = [&]() -> task<void> { const auto guard = co_await lock.lock(); };
    auto waiter = spawn(suspended_in(wait, around));
    co_await settle();
    if (grant_first) held.unlock();
    around.cancel();
    if (!grant_first) held.unlock();
    EXPECT_EQ(static_cast<bool>(lock.try_lock()), !grant_first) << "the lock is the waiter's";
    const auto endings = co_await std::move(waiter);
    EXPECT_THAT(endings, ElementsAre(grant_first ? "value" : "cancelled (requested)",
                                     "cancelled (requested)"));
    EXPECT_TRUE(lock.try_lock());
  }
}

// scope.11 scope.12
EDDY_TEST(item_and_cancellation_in_one_step, end_with_what_came_first) {
  for (const bool item_first : {true, false}) {
    queue<int> items(1);
    cancel_scope around;
    const auto wait = [&]() -> task<int> { co_return co_await items.get(); };
    auto waiter = spawn(suspended_in(wait, around));
    co_await settle();
    if (item_first) static_cast<void>(items.try_put(1));
    around.cancel();
    if (!item_first) static_cast<void>(items.try_put(1));
    const auto endings = co_await std::move(waiter);
    EXPECT_THAT(endings, ElementsAre(item_first ? "value" : "cancelled (requested)",
                                     "cancelled (requested)"));
    EXPECT_EQ(items.size(), item_first ? 0U : 1U);
  }
}

// scope.23
EDDY_TEST(reason, is_the_one_that_the_situation_has) {
  std::vector<std::string> seen;
  const auto note = [&]() -> task<void> { seen.push_back(co_await ending_of(sleep(1h))); };
  auto cancelled_by_hand = spawn(note);
  co_await settle();
  cancelled_by_hand.cancel();
  co_await settle();
  co_await move_on_after(1s, note());
  co_await ending_of(gather(note(), fail_after(1s, "failure")));
  co_await ending_of(with_group([&](task_group& g) -> task<void> {
    g.spawn(note);
    co_await fail_after(1s, "failure");
  }));
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel(cancel_reason::overload);
    co_await note();
  });
  EXPECT_THAT(seen, ElementsAre("cancelled (requested)", "cancelled (timeout)",
                                "cancelled (sibling failed)", "cancelled (sibling failed)",
                                "cancelled (overload)"));
}

// scope.23
TEST(reason, is_shutdown_at_the_end_of_a_run) {
  std::string left_over;
  testing::run_virtual([&]() -> task<void> {
    spawn([&]() -> task<void> { left_over = co_await ending_of(sleep(1h)); });
    co_await settle();
  });
  EXPECT_EQ(left_over, "cancelled (shutdown)");
}

// tmo.14
EDDY_TEST(data, that_has_arrived_wins_against_a_deadline_that_is_overdue_as_well) {
  auto [near, far] = io::memory_stream_pair();
  const auto read = [&]() -> task<std::size_t> {
    std::array<std::byte, 8> buffer;
    co_return co_await near.read_some(buffer);
  };
  std::string ended;
  auto reader =
      spawn([&]() -> task<void> { ended = co_await ending_of(with_timeout(1s, read())); });
  co_await settle();
  // The loop is blocked: data and deadline pass while nobody polls.
  const std::array<std::byte, 3> data{};
  co_await io::write_all(far, data);
  testing::advance(10s);
  co_await reader;
  EXPECT_EQ(ended, "value");
}

// gath.19
EDDY_TEST(gather_each, keeps_a_temporary_range_and_callable_until_the_last_task_has_ended) {
  const auto witness = std::make_shared<int>(1);
  const auto make_range = [&] { return std::vector<std::shared_ptr<int>>{witness, witness}; };
  const auto make_callable = [&] {
    return [kept = witness](std::shared_ptr<int>& item) -> task<long> {
      co_await sleep(1s);
      EXPECT_EQ(item.get(), kept.get());
      co_return item.use_count();
    };
  };
  auto range = make_range();
  auto callable = make_callable();
  auto all = gather_each(std::move(range), std::move(callable), {.limit = 1});
  const auto counts = co_await std::move(all);
  EXPECT_EQ(counts.size(), 2U);
  for (const long count : counts) EXPECT_GE(count, 4);
  EXPECT_EQ(now(), time_point(2s));
}

// race.9
EDDY_TEST(race, leaves_losing_operations_without_a_trace) {
  queue<int> empty(1);
  queue<int> full(1);
  EXPECT_TRUE(full.try_put(1));
  mutex lock;
  const auto held = co_await lock.lock();
  semaphore none(0);
  event unset;
  const auto put = [&]() -> task<void> { co_await full.put(2); };
  {
    auto first =
        co_await race(sleep(1s), empty.get(), put(), lock.lock(), none.acquire(), unset.wait());
    EXPECT_EQ(first.index(), 0U);
  }
  EXPECT_EQ(empty.statistics().getters + full.statistics().putters, 0U);
  EXPECT_EQ(lock.statistics().waiters + none.statistics().waiters + unset.statistics().waiters, 0U);
  EXPECT_TRUE(empty.try_put(3));
  EXPECT_EQ(empty.size(), 1U);
  EXPECT_EQ(full.try_get(), 1);
  EXPECT_EQ(full.try_get(), std::nullopt);
}

// task.20
EDDY_TEST(task, cancelled_three_calls_deep_in_a_lock_leaves_no_waiter) {
  mutex lock;
  std::optional<mutex::guard> held = co_await lock.lock();
  const auto third = [&]() -> task<void> { const auto guard = co_await lock.lock(); };
  const auto second = [&]() -> task<void> { co_await third(); };
  const auto first = [&]() -> task<void> { co_await second(); };
  auto waiter = spawn(first);
  co_await settle();
  EXPECT_EQ(lock.statistics().waiters, 1U);
  waiter.cancel();
  EXPECT_EQ(lock.statistics().waiters, 0U) << "gone before the task has run";
  held.reset();
  EXPECT_TRUE(lock.try_lock());
  const auto ended = co_await ending_of(waiter);
  EXPECT_EQ(ended, make_error_code(errc::task_cancelled).message());
}

}  // namespace
}  // namespace eddy
