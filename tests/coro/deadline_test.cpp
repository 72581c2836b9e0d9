#include "recorded.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using testing::advance;
using ::testing::ElementsAre;
using testing::settle;

std::size_t pending_timers() { return coro::scheduler::require().timers().size(); }

// --- deadlines of scopes: scope.29 to scope.38 ---

// scope.29
EDDY_TEST(deadline, cancels_a_suspended_operation_with_reason_timeout) {
  cancel_scope scope(time_point(1s));
  std::string ended;
  const auto body = [&](cancel_scope&) -> task<void> {
    ended = co_await ending_of(sleep(1h));
    co_await yield();
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_FALSE(finished);
  EXPECT_EQ(ended, "cancelled (timeout)");
  EXPECT_TRUE(scope.cancelled_caught());
  EXPECT_EQ(now(), time_point(1s));
}

// scope.30
EDDY_TEST(deadline, in_force_is_the_earliest_around) {
  cancel_scope outer(time_point(10s));
  cancel_scope inner(time_point(5s));
  EXPECT_EQ(current_deadline(), never);
  const auto inside = [](cancel_scope&) -> task<void> {
    EXPECT_EQ(current_deadline(), time_point(5s));
    co_return;
  };
  const auto body = [&](cancel_scope&) -> task<void> {
    EXPECT_EQ(current_deadline(), time_point(10s));
    co_await with_scope(inner, inside);
    EXPECT_EQ(current_deadline(), time_point(10s));
  };
  co_await with_scope(outer, body);
  EXPECT_EQ(current_deadline(), never);
}

// scope.31 shld.8
EDDY_TEST(deadline, of_a_cancelled_task_is_past_and_inside_a_shield_is_not) {
  co_await with_scope([](cancel_scope& s) -> task<void> {
    s.cancel();
    EXPECT_LT(current_deadline(), now());
    const auto ask = []() -> task<void> {
      EXPECT_EQ(current_deadline(), never);
      EXPECT_FALSE(is_cancelled());
      co_return;
    };
    co_await shield(ask());
    EXPECT_TRUE(is_cancelled());
    EXPECT_LT(current_deadline(), now());
  });
}

// scope.32
EDDY_TEST(deadline, may_be_moved_and_removed_while_the_body_sleeps) {
  const auto ends_at = [](time_point to) -> task<duration> {
    const time_point start = now();
    cancel_scope scope(after(start, 10s));
    auto mover = spawn([&]() -> task<void> {
      co_await sleep(1s);
      scope.set_deadline(to == never ? never : after(start, to.time_since_epoch()));
    });
    const auto body = [](cancel_scope&) -> task<void> { co_await sleep(1min); };
    co_await with_scope(scope, body);
    co_await mover;
    co_return now() - start;
  };
  const duration later = co_await ends_at(time_point(30s));
  EXPECT_EQ(later, 30s);
  const duration earlier = co_await ends_at(time_point(2s));
  EXPECT_EQ(earlier, 2s);
  const duration removed = co_await ends_at(never);
  EXPECT_EQ(removed, 1min);
}

// scope.33 scope.38
EDDY_TEST(deadline, in_the_past_cancels_at_once_and_cannot_be_moved_any_more) {
  co_await sleep(1s);
  cancel_scope scope;
  const auto body = [](cancel_scope& s) -> task<void> {
    s.set_deadline(now());
    EXPECT_EQ(s.reason(), cancel_reason::timeout);
    s.set_deadline(never);
    co_await yield();
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_FALSE(finished);
}

// scope.34
EDDY_TEST(deadline, that_is_past_on_entry_refuses_the_first_operation) {
  co_await sleep(1s);
  cancel_scope scope(time_point(1ms));
  bool started = false;
  const auto body = [&](cancel_scope&) -> task<void> {
    started = true;
    co_await yield();
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_TRUE(started);
  EXPECT_FALSE(finished);
}

// scope.35
EDDY_TEST(deadline, that_passes_while_the_body_computes_has_no_effect_without_an_operation) {
  cancel_scope scope(time_point(1s));
  const auto body = [](cancel_scope&) -> task<int> {
    advance(5s);
    co_return 42;
  };
  const auto value = co_await with_scope(scope, body);
  EXPECT_EQ(value, 42);
  EXPECT_FALSE(scope.cancel_called());
  EXPECT_EQ(pending_timers(), 0U);
}

// scope.36
EDDY_TEST(deadline, that_passes_while_the_body_computes_refuses_after_the_loop_has_turned) {
  promise<int> ready;
  ready.set_value(1);
  auto value = ready.get_future();
  cancel_scope scope(time_point(1s));
  std::vector<std::string> endings;
  const auto body = [&](cancel_scope&) -> task<void> {
    advance(5s);
    endings.push_back(co_await ending_of(value));
    endings.push_back(co_await ending_of(yield()));
    endings.push_back(co_await ending_of(value));
  };
  co_await with_scope(scope, body);
  EXPECT_THAT(endings, ElementsAre("value", "value", "cancelled (timeout)"));
}

// scope.37
EDDY_TEST(deadline, shared_by_two_scopes_is_absorbed_by_the_outer_one) {
  for (const bool inner_first : {false, true}) {
    const time_point at = after(now(), 1s);
    cancel_scope outer(inner_first ? never : at);
    cancel_scope inner(at);
    const auto inside = [&](cancel_scope&) -> task<void> {
      if (inner_first) outer.set_deadline(at);
      co_await sleep(1h);
    };
    const auto body = [&](cancel_scope&) -> task<void> { co_await with_scope(inner, inside); };
    co_await with_scope(outer, body);
    EXPECT_TRUE(outer.cancelled_caught()) << inner_first;
    EXPECT_FALSE(inner.cancelled_caught());
  }
}

// --- timeouts: tmo.1 to tmo.19 ---

// tmo.1 tmo.2
EDDY_TEST(timeout, gives_the_value_in_time_and_an_error_or_nothing_afterwards) {
  const int in_time = co_await with_timeout(2s, value_after(1s, 1));
  EXPECT_EQ(in_time, 1);
  const std::string late = co_await ending_of(with_timeout(2s, value_after(3s, 1)));
  EXPECT_EQ(late, "timeout");
  const std::string past = co_await ending_of(with_deadline(after(now(), 1s), sleep(2s)));
  EXPECT_EQ(past, "timeout");
  const auto some = co_await move_on_after(2s, value_after(1s, 1));
  EXPECT_EQ(some, 1);
  const auto none = co_await move_on_after(1s, value_after(2s, 1));
  EXPECT_EQ(none, std::nullopt);
  const bool yes = co_await move_on_after(2s, sleep(1s));
  EXPECT_TRUE(yes);
  const bool no = co_await move_on_after(1s, sleep(2s));
  EXPECT_FALSE(no);
  EXPECT_EQ(pending_timers(), 0U);
}

// tmo.3
EDDY_TEST(timeout, of_zero_or_less_refuses_an_operation_that_could_complete_at_once) {
  promise<int> ready;
  ready.set_value(1);
  for (const duration d : {0ns, -5ns}) {
    const std::string error = co_await ending_of(with_timeout(d, ready.get_future()));
    EXPECT_EQ(error, "timeout");
    const auto nothing = co_await move_on_after(d, ready.get_future());
    EXPECT_FALSE(nothing.has_value());
  }
}

// tmo.4
EDDY_TEST(timeout, of_zero_runs_a_task_up_to_its_first_operation) {
  bool started = false;
  const auto body = [&]() -> task<void> {
    started = true;
    co_await yield();
  };
  const std::string error = co_await ending_of(with_timeout(0s, body()));
  EXPECT_TRUE(started);
  EXPECT_EQ(error, "timeout");
  const auto no_operation = []() -> task<int> { co_return 5; };
  const int value = co_await with_timeout(0s, no_operation());
  EXPECT_EQ(value, 5);
}

// tmo.5 tmo.6 tmo.7
EDDY_TEST(timeout, lets_the_body_s_own_end_pass) {
  const std::string before = co_await ending_of(with_timeout(2s, fail_after(1s, "own")));
  EXPECT_EQ(before, "own");
  const std::string in_cleanup = co_await ending_of(with_timeout(1s, fail_in_cleanup("cleanup")));
  EXPECT_EQ(in_cleanup, "cleanup");
  const auto swallow = []() -> task<int> {
    const auto ended = co_await as_result(sleep(1h));
    co_return ended.is_cancelled() ? 9 : 0;
  };
  const int swallowed = co_await with_timeout(1s, swallow());
  EXPECT_EQ(swallowed, 9);
}

// tmo.8
EDDY_TEST(timeout, waits_for_the_cleanup) {
  const auto cleanup = []() -> task<void> { co_await sleep(50ms); };
  const std::string ended = co_await ending_of(with_timeout(1s, finally(sleep(1h), cleanup)));
  EXPECT_EQ(ended, "timeout");
  EXPECT_EQ(now(), time_point(1050ms));
}

// tmo.9 tmo.10
EDDY_TEST(timeout, of_the_outer_limit_counts_when_it_is_earlier) {
  std::string between;
  const auto inner_later = [&]() -> task<void> {
    const auto ended = co_await as_result(with_timeout(10s, sleep(1h)));
    between = ending(ended);
    co_await yield();
  };
  const std::string outer = co_await ending_of(with_timeout(1s, inner_later()));
  EXPECT_EQ(outer, "timeout");
  EXPECT_EQ(between, "cancelled (timeout)");

  const auto inner_earlier = []() -> task<void> {
    const std::string inner = co_await ending_of(with_timeout(1s, sleep(1h)));
    EXPECT_EQ(inner, "timeout");
    co_await sleep(1h);
  };
  const time_point start = now();
  const std::string ended = co_await ending_of(with_timeout(3s, inner_earlier()));
  EXPECT_EQ(ended, "timeout");
  EXPECT_EQ(now() - start, 3s);
}

// tmo.11 tmo.12
EDDY_TEST(timeout, is_not_what_a_cancellation_from_outside_ends_with) {
  std::string during;
  std::string positive;
  std::string zero;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    spawn([&s]() -> task<void> {
      co_await sleep(1s);
      s.cancel();
    });
    during = co_await ending_of(with_timeout(10s, sleep(1h)));
    positive = co_await ending_of(with_timeout(10s, sleep(1h)));
    zero = co_await ending_of(with_timeout(0s, sleep(1h)));
  });
  EXPECT_EQ(during, "cancelled (requested)");
  EXPECT_EQ(positive, "cancelled (requested)");
  EXPECT_EQ(zero, "cancelled (requested)");
}

// tmo.13
EDDY_TEST(
    timeout,
    gives_a_value_that_was_set_before_the_deadline_although_it_has_passed_when_the_task_runs) {
  promise<int> value;
  spawn([&]() -> task<void> {
    co_await sleep(500ms);
    value.set_value(42);
    advance(10s);
  });
  const int got = co_await with_timeout(1s, value.get_future());
  EXPECT_EQ(got, 42);
}

// tmo.15
EDDY_TEST(timeout, comes_before_a_sleep_of_the_same_length) {
  const std::string ended = co_await ending_of(with_timeout(1s, sleep(1s)));
  EXPECT_EQ(ended, "timeout");
}

// tmo.16
EDDY_TEST(timeout, around_a_group_waits_for_the_children_and_is_plain) {
  std::vector<std::string> log;
  const auto group = [&]() -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn(clean_slowly(1s, "a", log));
      g.spawn(clean_slowly(2s, "b", log));
      co_return;
    });
  };
  const std::string ended = co_await ending_of(with_timeout(1s, group()));
  EXPECT_EQ(ended, "timeout");
  EXPECT_THAT(log, ElementsAre("a", "b"));
  EXPECT_EQ(now(), time_point(3s));
}

// tmo.17
EDDY_TEST(timeout, around_a_handle_leaves_the_task_alone) {
  auto slow = spawn(value_after(10s, 42));
  const std::string ended = co_await ending_of(with_timeout(1s, slow));
  EXPECT_EQ(ended, "timeout");
  EXPECT_FALSE(slow.done());
  const int value = co_await slow;
  EXPECT_EQ(value, 42);
}

// tmo.18
EDDY_TEST(timeout, around_a_shield_gives_the_value_late) {
  const int value = co_await with_timeout(1s, shield(value_after(5s, 42)));
  EXPECT_EQ(value, 42);
  EXPECT_EQ(now(), time_point(5s));
}

// tmo.19
EDDY_TEST(timeout, leaves_no_timer_behind_when_the_operation_finishes_early) {
  for (int i = 0; i < 10'000; ++i) co_await with_timeout(1h, yield());
  EXPECT_EQ(pending_timers(), 0U);
}

}  // namespace
}  // namespace eddy
