// microservice: one remote service, called with everything that keeps its troubles from becoming the caller's.
//
//   eddy::microservice billing({.name = "billing", .max_concurrent = 20, .timeout = 2s});
//   auto bill = co_await billing.call([&] { return fetch_bill(id); });
//
// From the outside in: retry, bulkhead, circuit breaker, rate limiter, time limit, the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <eddy/coro/result.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/resilience/bulkhead.hpp>
#include <eddy/resilience/circuit_breaker.hpp>
#include <eddy/resilience/rate_limiter.hpp>
#include <eddy/resilience/retry.hpp>

namespace eddy {

struct microservice_options {
  std::string_view name = "service";  ///< copied; the peer of errors
  std::size_t max_concurrent = 50;    ///< attempts at once
  std::size_t max_waiting = 100;      ///< attempts that wait for a place; further ones are rejected
  duration timeout = std::chrono::seconds(30);  ///< of each attempt; counts as a failure
  duration total_timeout = duration::max();     ///< of a call with all its attempts and pauses
  std::uint64_t retry_count = 3;                ///< further attempts after the first failed
  exponential_backoff backoff = {};             ///< the longest pauses; each is fully jittered
  std::size_t failure_threshold =
      5;  ///< consecutive failures that open the circuit; zero: no circuit breaker
  duration reset_time = std::chrono::seconds(30);  ///< until a trial is made
  std::size_t rate_limit = 0;                      ///< attempts per rate_period; zero: no limit
  duration rate_period = std::chrono::seconds(1);
};

struct microservice_statistics {
  std::uint64_t calls = 0;  ///< that have ended
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;  ///< rejected ones included
  std::uint64_t cancelled = 0;
  std::uint64_t attempts = 0;  ///< times the callable was called
  bulkhead_statistics places = {};
  circuit_breaker_statistics circuit = {};
};

/// Belongs to one loop; outlives its calls. What is rejected by the bulkhead or the circuit breaker is not tried again:
/// the caller gets the error at once (condition::overloaded). Which failures are, says is_worth_retrying.
class microservice {
 public:
  /// Throws invalid_input for values that the parts refuse.
  explicit microservice(const microservice_options& options = {});
  microservice(const microservice&) = delete;
  microservice& operator=(const microservice&) = delete;

  /// Awaits `fn()`, as often as it takes, and gives its value or the last failure; timeout_error when an attempt, or
  /// all together, took too long. The callable lives until the end.
  template <class Fn>
    requires coro::awaitable<std::invoke_result_t<Fn&>>
  auto call(Fn fn) -> task<coro::await_result<std::invoke_result_t<Fn&>>> {
    using R = coro::await_result<std::invoke_result_t<Fn&>>;
    auto once = [&]() -> task<R> {
      ++statistics_.attempts;
      if (limiter_) co_await limiter_->acquire();
      co_return co_await with_timeout(options_.timeout, std::invoke(fn));
    };
    auto attempt = [&]() -> task<R> {
      const bulkhead::guard place = co_await bulkhead_.acquire();
      if (!breaker_) co_return co_await once();
      co_return co_await breaker_->call(std::ref(once));
    };
    auto ended = co_await as_result(limited(retry(policy_, std::ref(attempt))));
    count(ended.has_value(), ended.is_cancelled());
    co_return std::move(ended).value();
  }

  /// To watch it, exclude errors, or open and close it by hand; null without a circuit breaker.
  [[nodiscard]] circuit_breaker* breaker() noexcept { return breaker_ ? &*breaker_ : nullptr; }
  [[nodiscard]] microservice_statistics statistics();

 private:
  void count(bool succeeded, bool cancelled) noexcept {
    ++statistics_.calls;
    ++(succeeded ? statistics_.succeeded : cancelled ? statistics_.cancelled : statistics_.failed);
  }

  template <class R>
  task<R> limited(task<R> whole) {
    if (options_.total_timeout == duration::max()) co_return co_await std::move(whole);
    co_return co_await with_timeout(options_.total_timeout, std::move(whole));
  }

  microservice_options options_;
  retry_policy policy_;
  bulkhead bulkhead_;
  std::optional<circuit_breaker> breaker_;
  std::optional<token_bucket> limiter_;
  microservice_statistics statistics_;
};

}  // namespace eddy
