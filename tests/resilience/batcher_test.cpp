#include <eddy/resilience/batcher.hpp>

#include "error_code.hpp"
#include "heap_count.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/resilience/process_in_batches.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

// A batcher that multiplies by ten, and the batches it was given.
struct tenfold {
  explicit tenfold(batcher_options options, duration time = {})
      : each(time), work(run(), options) {}
  duration each;
  std::vector<std::vector<int>> batches;
  int cancelled_batches = 0;
  batcher<int, int> work;
  std::vector<task_handle<int>> tasks;

  std::function<task<std::vector<int>>(std::vector<int>)> run() {
    return [this](std::vector<int> items) -> task<std::vector<int>> {
      batches.push_back(items);
      if (each > duration::zero()) {
        const auto ended = co_await as_result(sleep(each));
        if (ended.is_cancelled()) {
          ++cancelled_batches;
          throw ended.cancellation();
        }
      }
      for (int& item : items) item *= 10;
      co_return items;
    };
  }
  task<int> submit(int item) {
    const int result = co_await work.submit(item);
    co_return result;
  }
  task<> arrive(int item) {
    tasks.push_back(spawn(submit(item)));
    co_await settle();
  }
};

EDDY_TEST(batcher, starts_a_batch_when_it_is_full) {
  tenfold t({.max_size = 3, .max_age = 1h});
  const time_point start = now();
  const auto results = co_await gather(t.submit(1), t.submit(2), t.submit(3));
  EXPECT_EQ(results, std::tuple(10, 20, 30));
  EXPECT_EQ(now(), start);
  EXPECT_EQ(t.batches.size(), 1u);
}

EDDY_TEST(batcher, starts_a_batch_when_its_first_item_is_old_enough) {
  tenfold t({.max_size = 100, .max_age = 5s});
  const time_point start = now();
  co_await t.arrive(1);
  co_await sleep(3s);
  co_await t.arrive(2);
  const int first = co_await t.tasks[0];
  EXPECT_EQ(first, 10);
  EXPECT_EQ(now() - start, 5s);
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(1, 2)));
}

EDDY_TEST(batcher, holds_items_back_while_enough_batches_run) {
  tenfold t({.max_size = 2, .max_age = 1s, .max_running = 1}, 10s);
  for (int item = 1; item <= 5; ++item) co_await t.arrive(item);
  EXPECT_EQ(t.work.statistics().running, 1u);
  EXPECT_EQ(t.work.statistics().waiting, 3u);
  for (auto& one : t.tasks) static_cast<void>(co_await one);
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4), ElementsAre(5)));
}

EDDY_TEST(batcher, rejects_more_items_than_may_wait) {
  tenfold t({.max_size = 10, .max_age = 1s, .max_waiting = 2});
  for (int item = 1; item <= 3; ++item) co_await t.arrive(item);
  const auto rejected = co_await as_result(t.tasks[2]);
  EXPECT_EQ(code_of(rejected), condition::overloaded);
  EXPECT_EQ(t.work.statistics().rejected, 1u);
  co_await t.work.close();
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(1, 2)));
}

EDDY_TEST(batcher, gives_each_caller_its_own_result_or_error) {
  batcher<int, int> halves(
      [](std::vector<int> items) -> task<std::vector<result<int>>> {
        std::vector<result<int>> all;
        for (const int item : items) {
          if (item % 2 == 0) {
            all.emplace_back(std::in_place, item / 2);
          } else {
            all.emplace_back(std::make_exception_ptr(std::runtime_error("odd")));
          }
        }
        co_return all;
      },
      {.max_size = 3});
  const auto [a, b, c] =
      co_await gather_settled(halves.submit(2), halves.submit(3), halves.submit(4));
  EXPECT_EQ(a.value(), 1);
  EXPECT_TRUE(holds_exception<std::runtime_error>(b.error()));
  EXPECT_EQ(c.value(), 2);
}

EDDY_TEST(batcher, gives_every_caller_the_failure_of_the_batch) {
  batcher<int, void> failing([](std::vector<int>) -> task<> { throw std::runtime_error("down"); },
                             {.max_size = 2});
  const auto [a, b] = co_await gather_settled(failing.submit(1), failing.submit(2));
  EXPECT_TRUE(holds_exception<std::runtime_error>(a.error()));
  EXPECT_TRUE(holds_exception<std::runtime_error>(b.error()));
  batcher<int, int> short_one(
      [](std::vector<int>) -> task<std::vector<int>> { co_return std::vector<int>(); },
      {.max_size = 1});
  const auto unanswered = co_await as_result(short_one.submit(1));
  EXPECT_EQ(code_of(unanswered), errc::invalid_input);
}

EDDY_TEST(batcher, takes_an_item_out_of_the_line_when_its_caller_is_cancelled) {
  tenfold t({.max_size = 10, .max_age = 5s});
  co_await t.arrive(1);
  co_await sleep(2s);
  co_await t.arrive(2);
  const time_point start = now();
  t.tasks[0].cancel();
  co_await settle();
  EXPECT_EQ(t.tasks[0].status(), coro::task_status::cancelled);
  EXPECT_EQ(t.work.statistics().waiting, 1u);
  static_cast<void>(co_await t.tasks[1]);
  EXPECT_EQ(now() - start, 5s) << "the age of the other item counts now";
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(2)));
}

EDDY_TEST(batcher, leaves_the_object_of_a_cancelled_caller_intact) {
  batcher<std::unique_ptr<int>, void> sink(
      [](std::vector<std::unique_ptr<int>>) -> task<> { co_return; }, {.max_age = 1h});
  auto item = std::make_unique<int>(7);
  const bool finished = co_await move_on_after(1s, sink.submit(std::move(item)));
  EXPECT_FALSE(finished);
  EDDY_REQUIRE(item != nullptr);
  EXPECT_EQ(*item, 7);
}

EDDY_TEST(batcher, gives_a_caller_that_was_cancelled_in_a_batch_its_result) {
  tenfold t({.max_size = 2}, 10s);
  co_await t.arrive(1);
  co_await t.arrive(2);
  t.tasks[0].cancel();
  const int other = co_await t.tasks[1];
  EXPECT_EQ(other, 20);
  const int own = co_await t.tasks[0];
  EXPECT_EQ(own, 10) << "a finished operation wins";
}

EDDY_TEST(batcher, cancels_a_batch_that_nobody_waits_for_any_more) {
  tenfold t({.max_size = 2}, 10s);
  co_await t.arrive(1);
  co_await t.arrive(2);
  const time_point start = now();
  t.tasks[0].cancel();
  t.tasks[1].cancel();
  co_await t.work.close();
  co_await settle();
  EXPECT_EQ(now(), start);
  EXPECT_EQ(t.cancelled_batches, 1);
  EXPECT_EQ(t.tasks[0].status(), coro::task_status::cancelled);
  EXPECT_EQ(t.tasks[1].status(), coro::task_status::cancelled);
}

EDDY_TEST(batcher, loses_nothing_when_it_is_closed) {
  tenfold t({.max_size = 2, .max_age = 1h}, 1s);
  for (int item = 1; item <= 5; ++item) co_await t.arrive(item);
  co_await t.work.close();
  co_await settle();
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4), ElementsAre(5)));
  for (std::size_t i = 0; i < 5; ++i) {
    EDDY_REQUIRE(t.tasks[i].done());
    const int result = co_await t.tasks[i];
    EXPECT_EQ(result, 10 * static_cast<int>(i + 1));
  }
  const auto late = co_await as_result(t.submit(6));
  EXPECT_EQ(code_of(late), errc::closed);
}

EDDY_TEST(batcher, refuses_an_item_in_a_cancelled_scope) {
  tenfold t({.max_size = 1});
  const auto nothing = co_await move_on_after(0s, t.submit(1));
  EXPECT_FALSE(nothing.has_value());
  EXPECT_TRUE(t.batches.empty());
}

EDDY_TEST(batcher, can_be_told_not_to_wait_for_more) {
  tenfold t({.max_size = 10, .max_age = 1h});
  co_await t.arrive(1);
  t.work.flush();
  const int result = co_await t.tasks[0];
  EXPECT_EQ(result, 10);
}

EDDY_TEST(batcher, passes_by_what_cannot_be_moved_into_a_batch) {
  struct fragile {
    explicit fragile(int with) : value(with) {}
    fragile(fragile&& other) : value(other.value) {
      if (value < 0) throw std::runtime_error("broken");
    }
    fragile& operator=(fragile&&) = delete;
    int value;
  };
  std::size_t batches = 0;
  batcher<fragile, int> work(
      [&](std::vector<fragile> items) -> task<std::vector<int>> {
        ++batches;
        co_return std::vector<int>(items.size(), items.front().value);
      },
      {.max_size = 2});
  fragile good(1);
  fragile bad(-1);
  const auto [first, second] =
      co_await gather_settled(work.submit(std::move(bad)), work.submit(std::move(good)));
  EXPECT_TRUE(holds_exception<std::runtime_error>(first.error()));
  EXPECT_EQ(second.value(), 1);
  batcher<fragile, int> alone(
      [&](std::vector<fragile>) -> task<std::vector<int>> { co_return std::vector<int>(); },
      {.max_size = 1});
  const auto only = co_await as_result(alone.submit(std::move(bad)));
  EXPECT_TRUE(holds_exception<std::runtime_error>(only.error()));
  EXPECT_EQ(alone.statistics().running, 0u);
  EXPECT_EQ(batches, 1u);
}

#ifdef EDDY_COUNTS_HEAP

EDDY_TEST(batcher, tells_the_caller_of_an_item_that_there_is_no_memory_for_it) {
  tenfold t({.max_size = 2, .max_age = 5s});
  const auto submit = [&]() -> task<int> {
    auto pending = t.work.submit(1);
    const tests::no_memory meanwhile;  // until the item is refused: nothing waits
    co_return co_await std::move(pending);
  };
  const auto refused = co_await as_result(submit());
  EXPECT_TRUE(holds_exception<std::bad_alloc>(refused.error()));
  EXPECT_EQ(t.work.statistics().waiting, 0u);
  const int later = co_await t.submit(2);
  EXPECT_EQ(later, 20);
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(2)));
}

EDDY_TEST(batcher, starts_what_it_has_accepted_without_memory) {
  tenfold t({.max_size = 3, .max_age = 5s, .max_running = 9});
  for (int item = 1; item <= 2; ++item) co_await t.arrive(item);
  {
    const tests::no_memory meanwhile;
    t.work.flush();
  }
  co_await settle();
  for (int item = 3; item <= 4; ++item) co_await t.arrive(item);
  t.tasks[2].cancel();
  co_await settle();
  {
    const tests::no_memory meanwhile;
    t.work.flush();
  }
  for (const int i : {0, 1, 3}) {
    const int result = co_await t.tasks[static_cast<std::size_t>(i)];
    EXPECT_EQ(result, 10 * (i + 1));
  }
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(1, 2), ElementsAre(4)));
}

#endif

EDDY_TEST(batcher, needs_as_many_batches_as_there_are_when_callers_come_and_go) {
  tenfold t({.max_size = 2, .max_age = 5s}, 1s);
  for (int item = 1; item <= 7; ++item) co_await t.arrive(item);  // 1 and 2 are in a batch
  for (const int gone : {2, 3, 4, 5, 6}) t.tasks[static_cast<std::size_t>(gone)].cancel();
  for (int item = 8; item <= 12; ++item) co_await t.arrive(item);
  co_await t.work.close();
  EXPECT_THAT(t.batches, ElementsAre(ElementsAre(1, 2), ElementsAre(8, 9), ElementsAre(10, 11),
                                     ElementsAre(12)));
}

EDDY_TEST(process_in_batches, begins_a_portion_when_the_former_has_ended) {
  std::vector<duration> begun;
  const time_point start = now();
  const auto work = [&](int seconds) -> task<int> {
    begun.push_back(now() - start);
    co_await sleep(std::chrono::seconds(seconds));
    co_return seconds * 2;
  };
  const std::vector<int> items = {3, 1, 2, 5, 4};
  const auto results = co_await process_in_batches(items, 2, work);
  EXPECT_THAT(results, ElementsAre(6, 2, 4, 10, 8));
  EXPECT_THAT(begun, ElementsAre(0s, 0s, 3s, 3s, 8s));
}

EDDY_TEST(process_in_batches, stops_after_the_portion_that_failed) {
  std::vector<int> begun;
  const auto work = [&](int item) -> task<> {
    begun.push_back(item);
    co_await sleep(1s);
    if (item == 2) throw std::runtime_error("two");
  };
  const std::vector<int> items = {1, 2, 3, 4};
  const auto ended = co_await as_result(process_in_batches(items, 2, work));
  EXPECT_TRUE(holds_exception<std::runtime_error>(ended.error()));
  EXPECT_THAT(begun, ::testing::UnorderedElementsAre(1, 2));
  const auto zero = co_await as_result(process_in_batches(items, 0, work));
  EXPECT_EQ(code_of(zero), errc::invalid_input);
}

TEST(batcher_values, outside_their_range_throw_invalid_input) {
  const auto fn = [](std::vector<int>) -> task<> { co_return; };
  using plain = batcher<int, void>;
  EXPECT_EQ(code_thrown_by([&] { const plain b(fn, {.max_size = 0}); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([&] { const plain b(fn, {.max_running = 0}); }), errc::invalid_input);
}

}  // namespace
}  // namespace eddy
