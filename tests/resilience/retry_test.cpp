#include <eddy/resilience/retry.hpp>

#include "error_code.hpp"

#include <chrono>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/resilience/circuit_breaker.hpp>
#include <eddy/resilience/retry_budget.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: rtry.1 rtry.2 rtry.3 rtry.4 rtry.5 rtry.6 rtry.7 rtry.8 rtry.9 rtry.10

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;
using tests::code_of;
using tests::code_thrown_by;

struct flaky : std::runtime_error {
  flaky() : std::runtime_error("flaky") {}
};

// A call that fails a number of times before it succeeds, and takes `each` every time.
struct unreliable {
  explicit unreliable(int fail_first, duration time = {}) : failures(fail_first), each(time) {}
  int failures;
  duration each;
  int calls = 0;
  std::vector<time_point> begun;

  task<int> operator()() {
    const int call = ++calls;
    begun.push_back(now());
    if (each > duration::zero()) co_await sleep(each);
    if (call <= failures) throw flaky();
    co_return call;
  }
};

retry_policy pausing(duration length) { return retry_policy().pause(wait_fixed(length)); }

std::vector<duration> lengths(const retry_wait& wait, std::uint64_t count) {
  random_source random(7);
  std::vector<duration> all;
  for (std::uint64_t k = 1; k <= count; ++k) all.push_back(wait.length(k, random));
  return all;
}

EDDY_TEST(retry, calls_until_the_first_success) {  // rtry.1
  unreliable call(2);
  const time_point start = now();
  const int value = co_await retry(pausing(1s).attempts(5), std::ref(call));
  EXPECT_EQ(value, 3);
  EXPECT_EQ(call.calls, 3);
  EXPECT_EQ(now() - start, 2s);
}

EDDY_TEST(retry, does_not_pause_after_a_success_at_once) {  // rtry.1
  unreliable call(0);
  const time_point start = now();
  const int value = co_await retry(pausing(1s), std::ref(call));
  EXPECT_EQ(value, 1);
  EXPECT_EQ(now(), start);
}

EDDY_TEST(retry, throws_the_last_failure_after_the_last_attempt_without_a_pause) {  // rtry.2
  unreliable call(100);
  const time_point start = now();
  const auto ended = co_await as_result(retry(pausing(1s).attempts(4), std::ref(call)));
  EXPECT_TRUE(holds_exception<flaky>(ended.error()));
  EXPECT_EQ(call.calls, 4);
  EXPECT_EQ(now() - start, 3s);
}

EDDY_TEST(retry, stops_at_any_or_at_all_of_several_limits) {  // rtry.2
  unreliable any(100);
  const auto first_of = pausing(1s).limit(stop_after_attempts(10) | stop_after(3s));
  const auto stopped = co_await as_result(retry(first_of, std::ref(any)));
  EXPECT_TRUE(stopped.has_error());
  EXPECT_EQ(any.calls, 4) << "attempts at 0, 1, 2 and 3 s";

  unreliable all(100);
  const auto last_of = pausing(1s).limit(stop_after_attempts(10) & stop_after(3s));
  const auto stopped_later = co_await as_result(retry(last_of, std::ref(all)));
  EXPECT_TRUE(stopped_later.has_error());
  EXPECT_EQ(all.calls, 10);
}

EDDY_TEST(retry, throws_a_failure_outside_the_policy_at_once) {  // rtry.3
  unreliable call(100);
  const auto typed = pausing(1s).on<error>();
  const auto ended = co_await as_result(retry(typed, std::ref(call)));
  EXPECT_TRUE(holds_exception<flaky>(ended.error()));
  EXPECT_EQ(call.calls, 1);

  int calls = 0;
  const auto refuse = [&]() -> task<> {
    ++calls;
    throw_error(calls == 1 ? errc::timed_out : errc::closed, "call");
    co_return;
  };
  const auto by_condition = pausing(1s).on({condition::timed_out});
  const auto refused = co_await as_result(retry(by_condition, refuse));
  EXPECT_EQ(code_of(refused), errc::closed);
  EXPECT_EQ(calls, 2);
}

TEST(retry_policy, starts_with_failures_that_may_go_away) {
  const auto worth = [](auto failure) {
    return is_worth_retrying(std::make_exception_ptr(failure));
  };
  EXPECT_TRUE(worth(flaky()));
  EXPECT_TRUE(worth(timeout_error()));
  EXPECT_TRUE(worth(42));
  EXPECT_FALSE(worth(error(make_error_code(errc::invalid_input))));
  EXPECT_FALSE(worth(error(make_error_code(errc::unsupported))));
  EXPECT_FALSE(worth(std::logic_error("mistake")));
  EXPECT_FALSE(worth(std::bad_alloc()));
}

EDDY_TEST(retry, looks_into_groups_for_the_types_it_is_to_retry) {  // rtry.3
  int calls = 0;
  const auto both_fail = [&]() -> task<> {
    ++calls;
    const auto one = []() -> task<> {
      co_await sleep(1s);
      throw flaky();
    };
    static_cast<void>(co_await gather(one(), one()));
  };
  const auto ended = co_await as_result(retry(pausing(1s).attempts(2).on<flaky>(), both_fail));
  EXPECT_TRUE(ended.has_error());
  EXPECT_EQ(calls, 2);
}

EDDY_TEST(retry, repeats_until_a_result_is_accepted) {  // rtry.4
  int calls = 0;
  const auto count = [&]() -> task<int> { co_return ++calls; };
  const int value = co_await retry(pausing(1s).attempts(5), count, [](int v) { return v == 3; });
  EXPECT_EQ(value, 3);
}

EDDY_TEST(retry, fails_with_the_last_result_when_none_was_accepted) {  // rtry.4
  int calls = 0;
  const auto count = [&]() -> task<std::string> { co_return std::to_string(++calls); };
  const auto never_accepted = [](const std::string&) { return false; };
  const auto ended = co_await as_result(retry(pausing(1s).attempts(3), count, never_accepted));
  EXPECT_EQ(code_of(ended), resilience::errc::result_rejected);
  try {
    std::rethrow_exception(ended.error());
  } catch (const not_accepted<std::string>& e) {
    EXPECT_EQ(e.last(), "3");
    EXPECT_TRUE(e == condition::failed);
  }
}

EDDY_TEST(retry, ends_at_the_boundary_of_the_total_time) {  // rtry.5
  unreliable call(100);
  const auto ended = co_await as_result(retry(pausing(1s).limit(stop_after(2s)), std::ref(call)));
  EXPECT_TRUE(ended.has_error());
  EXPECT_EQ(call.calls, 3) << "at 0, 1 and 2 s: exactly 2 s have passed, which is enough";

  unreliable slow(100, 900ms);
  const auto later =
      co_await as_result(retry(pausing(200ms).limit(stop_after(2s)), std::ref(slow)));
  EXPECT_TRUE(later.has_error());
  EXPECT_EQ(slow.calls, 2) << "the first took until 0.9, the second from 1.1 until 2.0 s";
}

EDDY_TEST(retry, refuses_a_pause_that_would_cross_the_total_time) {  // rtry.5
  unreliable call(100);
  const time_point start = now();
  const auto ended = co_await as_result(retry(pausing(2s).limit(stop_before(5s)), std::ref(call)));
  EXPECT_TRUE(ended.has_error());
  EXPECT_EQ(call.calls, 3);
  EXPECT_EQ(now() - start, 4s) << "gave up instead of pausing until 6 s";
}

TEST(retry_wait, grows_exponentially_within_its_bounds) {  // rtry.6
  EXPECT_THAT(lengths(wait_exponential({.factor = 1s}), 6), ElementsAre(1s, 2s, 4s, 8s, 16s, 30s));
  EXPECT_THAT(lengths(wait_exponential({.factor = 3s, .min = 5s, .max = 20s}), 4),
              ElementsAre(5s, 6s, 12s, 20s));
  EXPECT_THAT(lengths(wait_exponential({.factor = 1s, .growth = 3}), 3), ElementsAre(1s, 3s, 9s));
  random_source random(1);
  const auto saturating = wait_exponential({.factor = 1s, .max = duration::max()});
  EXPECT_EQ(saturating.length(5000, random), duration::max());
}

TEST(retry_wait, chained_repeats_its_last_step) {  // rtry.6
  const auto chain = wait_chain(wait_fixed(3s), wait_none(), wait_fixed(7s));
  EXPECT_THAT(lengths(chain, 5), ElementsAre(3s, 0s, 7s, 7s, 7s));
  EXPECT_THAT(lengths(wait_fixed(1s) + wait_fixed(2s), 2), ElementsAre(3s, 3s));
}

TEST(retry_wait, jitters_within_what_it_jitters) {
  const auto full = lengths(full_jitter(wait_fixed(1s)), 200);
  EXPECT_THAT(full, Each(AllOf(Ge(0s), Le(1s))));
  EXPECT_LT(*std::ranges::min_element(full), 100ms);
  EXPECT_GT(*std::ranges::max_element(full), 900ms);
  EXPECT_THAT(lengths(equal_jitter(wait_fixed(1s)), 200), Each(AllOf(Ge(500ms), Le(1s))));
  EXPECT_THAT(lengths(wait_random(2s, 3s), 200), Each(AllOf(Ge(2s), Le(3s))));
}

TEST(retry_values, outside_their_range_throw_invalid_input) {
  EXPECT_EQ(code_thrown_by([] { static_cast<void>(stop_after_attempts(0)); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { static_cast<void>(wait_exponential({.growth = 0.5})); }),
            errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { static_cast<void>(wait_random(2s, 1s)); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { static_cast<void>(wait_chain({})); }), errc::invalid_input);
}

EDDY_TEST(retry, ends_at_once_when_it_is_cancelled_in_a_pause) {  // rtry.7
  unreliable call(100);
  cancel_scope scope;
  auto running = spawn([&]() -> task<bool> {
    co_return co_await with_scope(scope, [&](cancel_scope&) -> task<> {
      static_cast<void>(co_await retry(pausing(1h), std::ref(call)));
    });
  });
  co_await sleep(1s);
  const time_point cancelled_at = now();
  scope.cancel();
  const bool finished = co_await running;
  EXPECT_FALSE(finished);
  EXPECT_EQ(now(), cancelled_at);
  EXPECT_EQ(call.calls, 1);
}

EDDY_TEST(retry, does_not_repeat_a_cancelled_attempt_that_fails_in_its_cleanup) {  // rtry.8
  int calls = 0;
  const auto fails_when_stopped = [&]() -> task<> {
    ++calls;
    const auto cleanup = []() -> task<> {
      co_await sleep(1s);
      throw flaky();
    };
    co_await finally(sleep(1h), cleanup);
  };
  const auto ended = co_await as_result(with_timeout(5s, retry(pausing(1s), fails_when_stopped)));
  EXPECT_TRUE(holds_exception<flaky>(ended.error()));
  EXPECT_EQ(calls, 1);
}

EDDY_TEST(retry, counts_separately_for_each_use_of_a_policy) {  // rtry.9
  const auto policy = pausing(1s).attempts(3);
  unreliable a(2);
  unreliable b(2);
  const auto [x, y] = co_await gather(retry(policy, std::ref(a)), retry(policy, std::ref(b)));
  EXPECT_EQ(x, 3);
  EXPECT_EQ(y, 3);
}

EDDY_TEST(retry, does_not_see_the_deadline_of_a_scope_around_it) {  // rtry.10
  unreliable call(0, 1h);
  bool asked = false;
  const auto policy =
      pausing(1s).on_failure([&](const std::exception_ptr&) { return asked = true; });
  const auto ended = co_await as_result(with_timeout(5s, retry(policy, std::ref(call))));
  EXPECT_TRUE(holds_exception<timeout_error>(ended.error()));
  EXPECT_EQ(call.calls, 1);
  EXPECT_FALSE(asked);
}

EDDY_TEST(retry, repeats_attempts_that_exceed_a_limit_of_their_own) {
  unreliable call(0, 1h);
  const auto limited = [&] { return with_timeout(2s, call()); };
  const auto ended = co_await as_result(retry(pausing(1s).attempts(3), limited));
  EXPECT_TRUE(holds_exception<timeout_error>(ended.error()));
  EXPECT_EQ(call.calls, 3);
}

EDDY_TEST(retry, tells_a_hook_before_each_pause) {
  unreliable call(2, 1s);
  std::vector<std::uint64_t> attempts;
  std::vector<duration> elapsed;
  const auto policy = retry_policy()
                          .pause(wait_exponential({.factor = 1s}))
                          .before_pause([&](const retry_event& e) {
                            attempts.push_back(e.attempts);
                            elapsed.push_back(e.elapsed + e.pause);
                            EXPECT_TRUE(holds_exception<flaky>(e.failure));
                          });
  co_await retry(policy, std::ref(call));
  EXPECT_THAT(attempts, ElementsAre(1, 2));
  EXPECT_THAT(elapsed, ElementsAre(2s, 5s));
}

struct busy_error : error, retry_after_hint {
  explicit busy_error(duration wish) : error(make_error_code(errc::overloaded)), wish_(wish) {}
  [[nodiscard]] std::optional<duration> retry_after() const override { return wish_; }
  duration wish_;
};

EDDY_TEST(retry, waits_as_long_as_the_server_asks) {
  int calls = 0;
  const auto busy_once = [&]() -> task<> {
    if (++calls == 1) throw busy_error(7s);
    co_return;
  };
  const time_point start = now();
  co_await retry(pausing(1s), busy_once);
  EXPECT_EQ(now() - start, 7s);
}

EDDY_TEST(retry, gives_up_when_the_server_asks_for_too_long) {
  int calls = 0;
  const auto busy = [&]() -> task<> {
    ++calls;
    throw busy_error(1h);
    co_return;
  };
  const auto impatient = pausing(1s).longest_retry_after(1min);
  const auto ended = co_await as_result(retry(impatient, busy));
  EXPECT_TRUE(holds_exception<busy_error>(ended.error()));
  EXPECT_EQ(calls, 1);
}

struct reply {
  int status;
  [[nodiscard]] std::optional<duration> retry_after() const { return 3s; }
};

EDDY_TEST(retry, reads_the_servers_wish_from_a_result) {
  int calls = 0;
  const auto ask = [&]() -> task<reply> { co_return reply{++calls == 1 ? 503 : 200}; };
  const time_point start = now();
  const reply given =
      co_await retry(pausing(1s), ask, [](const reply& r) { return r.status == 200; });
  EXPECT_EQ(given.status, 200);
  EXPECT_EQ(now() - start, 3s);
}

EDDY_TEST(retry_budget, shared_by_calls_limits_their_retries) {
  retry_budget budget({.ratio = 0.5, .capacity = 2, .per_second = 0});
  const auto policy = pausing(1s).attempts(10).budget(budget);
  unreliable first(100);
  const auto a = co_await as_result(retry(policy, std::ref(first)));
  EXPECT_TRUE(a.has_error());
  EXPECT_EQ(first.calls, 3) << "two retries were saved up";
  unreliable second(100);
  static_cast<void>(co_await as_result(retry(policy, std::ref(second))));
  EXPECT_EQ(second.calls, 1) << "half a retry is not enough";
  unreliable third(1);
  const int value = co_await retry(policy, std::ref(third));
  EXPECT_EQ(value, 2);
  const auto counts = budget.statistics();
  EXPECT_EQ(counts.calls, 3u);
  EXPECT_EQ(counts.retries, 3u);
  EXPECT_EQ(counts.refusals, 2u);
}

EDDY_TEST(retry_budget, gets_back_what_a_cancelled_pause_had_reserved) {
  retry_budget budget({.ratio = 0, .capacity = 1, .per_second = 0});
  unreliable call(100);
  const auto policy = pausing(1h).budget(budget);
  const bool finished = (co_await move_on_after(1s, retry(policy, std::ref(call)))).has_value();
  EXPECT_FALSE(finished);
  EXPECT_EQ(budget.statistics().available, 1);
  EXPECT_EQ(budget.statistics().retries, 0u);
}

EDDY_TEST(retry, composes_with_a_breaker_and_a_time_limit) {
  circuit_breaker breaker({.failure_threshold = 2});
  unreliable call(100, 1h);
  const auto ended = co_await as_result(retry(pausing(1s).attempts(4), [&] {
    return breaker.call([&] { return with_timeout(2s, call()); });
  }));
  EXPECT_EQ(code_of(ended), resilience::errc::circuit_open);
  EXPECT_EQ(call.calls, 2);
}

}  // namespace
}  // namespace eddy
