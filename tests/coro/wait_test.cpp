#include <eddy/coro/wait.hpp>

#include "recorded.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::settle;

std::string invalid_input() { return make_error_code(errc::invalid_input).message(); }

/// Tasks that give 0, 1, 2 ... after as many seconds as said.
std::vector<task_handle<int>> sleepers(const std::vector<int>& seconds) {
  std::vector<task_handle<int>> handles;
  for (const int s : seconds)
    handles.push_back(spawn(value_after(1s * s, static_cast<int>(handles.size()))));
  return handles;
}

task<int> fails(duration d) {
  co_await sleep(d);
  throw named_error("failed");
}

// wait.1
EDDY_TEST(wait, for_all_returns_when_all_are_done_and_then_at_once) {
  const auto handles = sleepers({2, 1, 3});
  const auto found = co_await wait(handles);
  EXPECT_THAT(found.done, ElementsAre(handles[0], handles[1], handles[2]));
  EXPECT_THAT(found.pending, IsEmpty());
  EXPECT_EQ(now(), time_point(3s));
  const auto turns = coro::scheduler::require().turns();
  const auto again = co_await wait(handles);
  EXPECT_EQ(again.done.size(), 3U);
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
}

// wait.2
EDDY_TEST(wait, for_the_first_leaves_the_others_running) {
  const auto handles = sleepers({2, 1, 3});
  const auto found = co_await wait(handles, wait_until::first_completed);
  EXPECT_THAT(found.done, ElementsAre(handles[1]));
  EXPECT_THAT(found.pending, ElementsAre(handles[0], handles[2]));
  EXPECT_EQ(now(), time_point(1s));
  const auto rest = co_await wait(found.pending);
  EXPECT_EQ(rest.done.size(), 2U);
  const int last = co_await handles[2];
  EXPECT_EQ(last, 2);
}

// wait.3
EDDY_TEST(wait, for_the_first_reports_all_that_are_done_when_the_waiter_runs) {
  // All three end in one turn; the waiter runs in a later one.
  const auto handles = sleepers({1, 1, 1, 9});
  const auto found = co_await wait(handles, wait_until::first_completed);
  EXPECT_THAT(found.done, ElementsAre(handles[0], handles[1], handles[2]));
  EXPECT_THAT(found.pending, ElementsAre(handles[3]));
  co_await wait(handles);
}

// wait.4 wait.5
EDDY_TEST(wait, for_the_first_failure_does_not_take_a_cancelled_task_for_one) {
  std::vector handles{spawn(value_after(1h, 1)), spawn(fails(2s)), spawn(value_after(1h, 2))};
  handles[0].cancel();
  const auto found = co_await wait(handles, wait_until::first_failed);
  EXPECT_EQ(now(), time_point(2s));
  EXPECT_THAT(found.done, ElementsAre(handles[0], handles[1]));
  EXPECT_THAT(found.pending, ElementsAre(handles[2]));
  const auto again = co_await wait(handles, wait_until::first_failed);
  EXPECT_EQ(now(), time_point(2s)) << "it had failed before the call";
  EXPECT_EQ(again.done.size(), 2U);
  const auto cancelled_one = co_await ending_of(handles[0]);
  EXPECT_EQ(cancelled_one, make_error_code(errc::task_cancelled).message());
  const auto failed_one = co_await ending_of(handles[1]);
  EXPECT_EQ(failed_one, "failed");
  handles[2].cancel();
}

// wait.4
EDDY_TEST(wait, for_the_first_failure_ends_when_all_have_ended_without_one) {
  auto handles = sleepers({1, 3, 2});
  handles[2].cancel();
  const auto found = co_await wait(handles, wait_until::first_failed);
  EXPECT_EQ(found.done.size(), 3U);
  EXPECT_EQ(now(), time_point(3s));
}

// wait.6
EDDY_TEST(wait, with_a_timeout_says_what_is_done_and_cancels_nobody) {
  const auto handles = sleepers({1, 3});
  const auto none = co_await wait(handles, wait_until::all_completed, 0s);
  EXPECT_THAT(none.done, IsEmpty());
  EXPECT_EQ(now(), time_point());
  const auto one = co_await wait(handles, wait_until::all_completed, 2s);
  EXPECT_THAT(one.done, ElementsAre(handles[0]));
  EXPECT_THAT(one.pending, ElementsAre(handles[1]));
  EXPECT_EQ(now(), time_point(2s));
  const auto both = co_await wait(handles, wait_until::all_completed, 1h);
  EXPECT_EQ(both.done.size(), 2U);
  EXPECT_TRUE(coro::scheduler::require().timers().empty());
}

// wait.7
EDDY_TEST(wait, that_is_cancelled_leaves_the_tasks_running) {
  const auto handles = sleepers({5, 6});
  const auto waiter = [&]() -> task<void> { co_await wait(handles); };
  const auto ended = co_await ending_of(with_timeout(1s, waiter()));
  EXPECT_EQ(ended, "timeout");
  const int value = co_await handles[1];
  EXPECT_EQ(value, 1);
}

// wait.8
EDDY_TEST(wait, counts_a_task_once_and_refuses_to_wait_for_nothing) {
  const auto handle = spawn(value_after(1s, 1));
  const std::vector twice{handle, handle};
  const auto found = co_await wait(twice);
  EXPECT_EQ(found.done.size(), 1U);
  const auto ended = co_await as_result(wait(std::vector<task_handle<int>>()));
  EXPECT_EQ(ending(ended), invalid_input());
}

// asc.1
EDDY_TEST(as_completed, gives_the_same_handles_in_order_of_completion) {
  const auto handles = sleepers({3, 1, 2});
  auto finished = as_completed(handles);
  std::vector<task_handle<int>> order;
  while (auto next = co_await finished.next()) order.push_back(*next);
  EXPECT_THAT(order, ElementsAre(handles[1], handles[2], handles[0]));
}

// asc.2
EDDY_TEST(as_completed, gives_a_failed_task_at_its_turn_and_goes_on) {
  const std::vector handles{spawn(value_after(3s, 1)), spawn(fails(2s)), spawn(value_after(1s, 2))};
  auto finished = as_completed(handles);
  std::vector<std::string> endings;
  while (auto next = co_await finished.next()) endings.push_back(co_await ending_of(*next));
  EXPECT_THAT(endings, ElementsAre("value", "failed", "value"));
}

// asc.3
EDDY_TEST(as_completed, under_a_timeout_gives_those_before_and_cancels_nobody) {
  const auto handles = sleepers({1, 2, 5});
  auto finished = as_completed(handles);
  std::vector<int> values;
  const auto collect = [&]() -> task<void> {
    while (auto next = co_await finished.next()) values.push_back(co_await *next);
  };
  const auto ended = co_await ending_of(with_timeout(3s, collect()));
  EXPECT_EQ(ended, "timeout");
  EXPECT_THAT(values, ElementsAre(0, 1));
  const int last = co_await handles[2];
  EXPECT_EQ(last, 2);
}

// asc.4
EDDY_TEST(as_completed, gives_each_completion_to_one_of_several_in_order_of_arrival) {
  const auto handles = sleepers({1, 2, 3});
  auto finished = as_completed(handles);
  std::vector<std::pair<char, int>> given;
  std::vector<char> ended;
  const auto consume = [&](char who) -> task<void> {
    while (auto next = co_await finished.next()) given.emplace_back(who, co_await *next);
    ended.push_back(who);
  };
  const auto a = spawn(consume, 'a');
  co_await settle();
  const auto b = spawn(consume, 'b');
  co_await a;
  co_await b;
  using pair = std::pair<char, int>;
  EXPECT_THAT(given, ElementsAre(pair('a', 0), pair('b', 1), pair('a', 2)));
  EXPECT_EQ(ended.size(), 2U);
}

// asc.5
EDDY_TEST(as_completed, left_early_gives_exactly_the_rest_later) {
  const auto handles = sleepers({1, 2, 3});
  {
    auto finished = as_completed(handles);
    const auto first = co_await finished.next();
    EXPECT_EQ(*first, handles[0]);
    co_await sleep(1h);
    std::vector<task_handle<int>> rest;
    while (auto next = co_await finished.next()) rest.push_back(*next);
    EXPECT_THAT(rest, ElementsAre(handles[1], handles[2]));
  }
  const auto more = sleepers({1});
  {
    const auto dropped = as_completed(more);
  }
  EXPECT_TRUE(more[0].state().watchers().empty()) << "no waiter is left on the task";
  const int value = co_await more[0];
  EXPECT_EQ(value, 0);
}

// asc.6
EDDY_TEST(as_completed, loses_no_completion_to_a_next_that_was_cancelled) {
  const auto handles = sleepers({2});
  auto finished = as_completed(handles);
  const auto early = co_await ending_of(with_timeout(1s, finished.next()));
  EXPECT_EQ(early, "timeout");
  const auto next = co_await finished.next();
  EDDY_REQUIRE(next.has_value());
  EXPECT_EQ(*next, handles[0]);
}

// asc.6
EDDY_TEST(as_completed, gives_the_completion_of_a_cancelled_next_to_the_one_behind_it) {
  const auto handles = sleepers({2});
  auto finished = as_completed(handles);
  const auto ask = [&]() -> task<bool> {
    const auto next = co_await finished.next();
    co_return next.has_value();
  };
  auto first = spawn(ask);
  co_await settle();
  auto second = spawn(ask);
  co_await settle();
  auto third = spawn(ask);
  co_await settle();
  first.cancel();
  const bool given = co_await second;
  EXPECT_TRUE(given);
  const bool end = co_await third;
  EXPECT_FALSE(end);
}

}  // namespace
}  // namespace eddy
