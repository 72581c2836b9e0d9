#include <eddy/resilience/circuit_breaker.hpp>

#include "error_code.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: brk.1 brk.2 brk.3 brk.4 brk.5 brk.6 brk.7 brk.8

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

struct broken : std::runtime_error {
  broken() : std::runtime_error("broken") {}
};
struct harmless : std::runtime_error {
  harmless() : std::runtime_error("harmless") {}
};

// A breaker and what happens to it.
struct patient {
  explicit patient(const circuit_breaker_options& options) : breaker(options) {
    breaker.on_change([this](const breaker_event& e) {
      events.push_back(std::string(to_string(e.from)) + " -> " + std::string(to_string(e.to)));
    });
  }
  circuit_breaker breaker;
  std::vector<std::string> events;
  int calls = 0;

  template <class Failure>
  task<std::error_code> fail_with(duration after) {
    const auto failing = [&]() -> task<> {
      ++calls;
      if (after > duration::zero()) co_await sleep(after);
      throw Failure();
    };
    const auto ended = co_await as_result(breaker.call(failing));
    if (holds_exception<Failure>(ended.error())) co_return std::error_code();
    co_return code_of(ended);
  }
  task<std::error_code> fail(duration after = {}) { return fail_with<broken>(after); }
  task<std::error_code> succeed(duration after = {}) {
    const auto working = [&]() -> task<> {
      ++calls;
      if (after > duration::zero()) co_await sleep(after);
    };
    const auto ended = co_await as_result(breaker.call(working));
    co_return code_of(ended);
  }
  task<> open() {
    while (breaker.state() != breaker_state::open) static_cast<void>(co_await fail());
    events.clear();
    calls = 0;
  }
};

EDDY_TEST(circuit_breaker, stays_closed_below_the_threshold) {  // brk.1
  patient p({.failure_threshold = 3});
  for (int round = 0; round < 3; ++round) {
    static_cast<void>(co_await p.fail());
    static_cast<void>(co_await p.fail());
    EXPECT_EQ(p.breaker.statistics().consecutive_failures, 2u);
    static_cast<void>(co_await p.succeed());
    EXPECT_EQ(p.breaker.statistics().consecutive_failures, 0u) << "a success resets the count";
  }
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
  EXPECT_EQ(p.breaker.statistics().failed, 6u);
}

EDDY_TEST(circuit_breaker, counts_excluded_errors_as_success) {  // brk.1
  patient p({.failure_threshold = 2});
  p.breaker.exclude<harmless>();
  static_cast<void>(co_await p.fail());
  const auto passed = co_await p.fail_with<harmless>({});
  EXPECT_FALSE(passed) << "it passes unchanged";
  EXPECT_EQ(p.breaker.statistics().consecutive_failures, 0u);
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
}

EDDY_TEST(circuit_breaker, rejects_without_calling_when_it_is_open) {  // brk.2
  patient p({.name = "billing", .failure_threshold = 2, .reset_time = 10s});
  static_cast<void>(co_await p.fail());
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::open);
  co_await sleep(4s);
  const auto none = []() -> task<> { co_return; };
  const auto ended = co_await as_result(p.breaker.call(none));
  EXPECT_EQ(p.calls, 2);
  try {
    std::rethrow_exception(ended.error());
  } catch (const circuit_open_error& e) {
    EXPECT_EQ(e.retry_in(), 6s);
    EXPECT_EQ(e.peer(), "billing");
    EXPECT_TRUE(e == condition::overloaded);
  }
  EXPECT_EQ(p.breaker.statistics().rejected, 1u);
}

EDDY_TEST(circuit_breaker, closes_after_a_trial_that_succeeds) {  // brk.3
  patient p({.failure_threshold = 1, .reset_time = 10s});
  co_await p.open();
  co_await sleep(10s);
  auto trial = spawn(p.succeed(1s));
  co_await settle();
  EXPECT_EQ(p.breaker.state(), breaker_state::half_open);
  const auto second = co_await p.succeed();
  EXPECT_EQ(second, resilience::errc::circuit_open) << "one trial at a time";
  co_await trial;
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
  EXPECT_EQ(p.calls, 1);
  EXPECT_THAT(p.events, ElementsAre("open -> half-open", "half-open -> closed"));
}

EDDY_TEST(circuit_breaker, opens_again_and_restarts_the_time_after_a_trial_that_fails) {  // brk.3
  patient p({.failure_threshold = 3, .reset_time = 10s});
  co_await p.open();
  co_await sleep(10s);
  static_cast<void>(co_await p.fail(5s));
  EXPECT_EQ(p.breaker.state(), breaker_state::open);
  co_await sleep(9s);
  const auto early = co_await p.succeed();
  EXPECT_EQ(early, resilience::errc::circuit_open);
  co_await sleep(1s);
  const auto in_time = co_await p.succeed();
  EXPECT_FALSE(in_time);
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
}

EDDY_TEST(circuit_breaker, stays_half_open_until_enough_trials_succeeded) {  // brk.4
  patient p({.failure_threshold = 1, .reset_time = 10s, .required_successes = 2});
  co_await p.open();
  co_await sleep(10s);
  static_cast<void>(co_await p.succeed());
  EXPECT_EQ(p.breaker.state(), breaker_state::half_open);
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::open);
  co_await sleep(10s);
  static_cast<void>(co_await p.succeed());
  EXPECT_EQ(p.breaker.state(), breaker_state::half_open) << "a failure starts over";
  static_cast<void>(co_await p.succeed());
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
}

EDDY_TEST(circuit_breaker, bounds_the_trials_under_way) {
  patient p(
      {.failure_threshold = 1, .reset_time = 10s, .half_open_probes = 2, .required_successes = 3});
  co_await p.open();
  co_await sleep(10s);
  auto a = spawn(p.succeed(1s));
  auto b = spawn(p.succeed(1s));
  co_await settle();
  EXPECT_EQ(p.breaker.statistics().probes, 2u);
  const auto third = co_await p.succeed();
  EXPECT_EQ(third, resilience::errc::circuit_open);
  co_await a;
  co_await b;
  static_cast<void>(co_await p.succeed());
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
}

EDDY_TEST(circuit_breaker, counts_a_cancelled_call_neither_way) {  // brk.5
  patient p({.failure_threshold = 2});
  static_cast<void>(co_await p.fail());
  static_cast<void>(co_await move_on_after(1s, p.succeed(1h)));
  EXPECT_EQ(p.breaker.statistics().consecutive_failures, 1u);
  EXPECT_EQ(p.breaker.statistics().cancelled, 1u);
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::open);
}

EDDY_TEST(circuit_breaker, lets_another_make_the_trial_of_a_cancelled_caller) {  // brk.5
  patient p({.failure_threshold = 1, .reset_time = 10s});
  co_await p.open();
  co_await sleep(10s);
  static_cast<void>(co_await move_on_after(1s, p.succeed(1h)));
  EXPECT_EQ(p.breaker.state(), breaker_state::half_open);
  EXPECT_EQ(p.breaker.statistics().probes, 0u);
  const auto trial = co_await p.succeed();
  EXPECT_FALSE(trial);
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
}

EDDY_TEST(circuit_breaker, ignores_slow_calls_of_an_earlier_state) {  // brk.6
  patient p({.failure_threshold = 1, .reset_time = 10s});
  auto slow_success = spawn(p.succeed(5s));
  auto slow_failure = spawn(p.fail(13s));
  co_await settle();
  static_cast<void>(co_await p.fail());
  co_await slow_success;
  EXPECT_EQ(p.breaker.state(), breaker_state::open);
  co_await sleep(5s);
  static_cast<void>(co_await p.succeed());
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
  co_await slow_failure;
  EXPECT_EQ(p.breaker.state(), breaker_state::closed) << "it began in an earlier closed state";
  EXPECT_EQ(p.breaker.statistics().failed, 2u) << "the totals have it";
}

EDDY_TEST(circuit_breaker, opens_once_when_many_calls_fail_together) {  // brk.7
  patient p({.failure_threshold = 50});
  std::vector<task_handle<std::error_code>> calls;
  for (int i = 0; i < 49; ++i) calls.push_back(spawn(p.fail(1s)));
  for (auto& call : calls) static_cast<void>(co_await call);
  EXPECT_EQ(p.breaker.statistics().consecutive_failures, 49u);
  EXPECT_EQ(p.breaker.state(), breaker_state::closed);
  calls.clear();
  for (int i = 0; i < 100; ++i) calls.push_back(spawn(p.fail(1s)));
  for (auto& call : calls) static_cast<void>(co_await call);
  EXPECT_EQ(p.breaker.state(), breaker_state::open);
  EXPECT_EQ(p.breaker.statistics().failed, 149u);
  EXPECT_EQ(p.breaker.statistics().opened, 1u);
  EXPECT_THAT(p.events, ElementsAre("closed -> open"));
}

EDDY_TEST(circuit_breaker, tells_listeners_of_changes_by_hand_in_order) {  // brk.8
  patient p({.failure_threshold = 1});
  std::vector<bool> by_hand;
  p.breaker.on_change([&](const breaker_event& e) { by_hand.push_back(e.by_hand); });
  p.breaker.open();
  const auto rejected = co_await p.succeed();
  EXPECT_EQ(rejected, resilience::errc::circuit_open);
  p.breaker.half_open();
  p.breaker.close();
  p.breaker.close();
  static_cast<void>(co_await p.fail());
  EXPECT_THAT(p.events, ElementsAre("closed -> open", "open -> half-open", "half-open -> closed",
                                    "closed -> open"));
  EXPECT_THAT(by_hand, ElementsAre(true, true, true, false));
}

EDDY_TEST(circuit_breaker, stays_open_when_it_is_told_to) {
  patient p({.reset_time = 1s});
  p.breaker.open(duration::max());
  co_await sleep(24h);
  const auto rejected = co_await p.succeed();
  EXPECT_EQ(rejected, resilience::errc::circuit_open);
  p.breaker.close();
  const auto passed = co_await p.succeed();
  EXPECT_FALSE(passed);
}

EDDY_TEST(circuit_breaker, keeps_events_in_order_when_a_listener_changes_it) {  // brk.8
  circuit_breaker breaker;
  std::vector<breaker_state> first;
  std::vector<breaker_state> second;
  breaker.on_change([&](const breaker_event& e) {
    first.push_back(e.to);
    if (e.to == breaker_state::open) breaker.half_open();
  });
  breaker.on_change([&](const breaker_event& e) { second.push_back(e.to); });
  breaker.open();
  EXPECT_THAT(first, ElementsAre(breaker_state::open, breaker_state::half_open));
  EXPECT_EQ(second, first);
  co_return;
}

EDDY_TEST(circuit_breaker, reports_a_listener_that_throws_and_goes_on) {
  const eddy::testing::error_recorder recorded;
  patient p({.failure_threshold = 1});
  p.breaker.on_change([](const breaker_event&) { throw broken(); });
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::open);
  EXPECT_EQ(recorded.count(), 1u);
}

EDDY_TEST(circuit_breaker, opens_at_a_failure_rate_over_the_latest_calls) {
  patient p({.failure_threshold = 0, .failure_rate = 0.5, .window_calls = 10, .minimum_volume = 4});
  static_cast<void>(co_await p.fail());
  static_cast<void>(co_await p.fail());
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::closed) << "too few calls to tell";
  for (int i = 0; i < 9; ++i) static_cast<void>(co_await p.succeed());
  EXPECT_EQ(p.breaker.statistics().window_failures, 1u) << "the two oldest calls have left";
  EXPECT_EQ(p.breaker.statistics().window_calls, 10u);
  for (int i = 0; i < 4; ++i) static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::closed) << "4 of 10";
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::open) << "5 of 10";
}

EDDY_TEST(circuit_breaker, forgets_old_calls_of_a_window_of_time) {
  patient p({.failure_threshold = 0, .failure_rate = 0.5, .window_time = 16s, .minimum_volume = 4});
  for (int i = 0; i < 3; ++i) static_cast<void>(co_await p.fail());
  co_await sleep(17s);
  EXPECT_EQ(p.breaker.statistics().window_calls, 0u);
  static_cast<void>(co_await p.fail());
  co_await sleep(8s);
  static_cast<void>(co_await p.succeed());
  static_cast<void>(co_await p.succeed());
  EXPECT_EQ(p.breaker.statistics().window_calls, 3u);
  static_cast<void>(co_await p.fail());
  EXPECT_EQ(p.breaker.state(), breaker_state::open) << "2 of 4";
}

TEST(circuit_breaker_values, outside_their_range_throw_invalid_input) {
  const auto refused = [](const circuit_breaker_options& options) {
    return code_thrown_by([&] { const circuit_breaker b(options); }) == errc::invalid_input;
  };
  EXPECT_TRUE(refused({.failure_rate = 1.5}));
  EXPECT_TRUE(refused({.failure_threshold = 0}));
  EXPECT_TRUE(refused({.half_open_probes = 0}));
  EXPECT_TRUE(refused({.required_successes = 0}));
  EXPECT_TRUE(refused({.failure_rate = 0.5, .window_calls = 0}));
  EXPECT_TRUE(refused({.failure_rate = 0.5, .window_calls = 5, .minimum_volume = 6}));
}

}  // namespace
}  // namespace eddy
