// retry: the same call again until it succeeds, or its policy says that it is enough.
//
//   auto page = co_await eddy::retry(policy, [&] { return eddy::with_timeout(2s, fetch(url)); });
//
//   auto job = co_await eddy::retry(policy, [&] { return poll(id); },
//                                   [](const job_state& s) { return s.finished; });
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/resilience/error.hpp>
#include <eddy/resilience/retry_policy.hpp>

namespace eddy {

namespace resilience::detail {

/// The counters of one call of retry.
class retry_run {
 public:
  explicit retry_run(const retry_policy& policy);
  retry_run(const retry_run&) = delete;
  retry_run& operator=(const retry_run&) = delete;
  ~retry_run();

  /// The pause before the next attempt; nothing when the failure is to be thrown. Called in the handler.
  [[nodiscard]] std::optional<duration> pause_after(const std::exception_ptr& failure);
  /// The same after a result that was not accepted.
  [[nodiscard]] std::optional<duration> pause_after_result(std::optional<duration> wish);
  /// The pause is over: the next attempt is made.
  void paused() noexcept { paid_ = false; }

 private:
  std::optional<duration> next_pause(const std::exception_ptr& failure,
                                     std::optional<duration> wish);

  const retry_policy::rules& rules_;
  time_point started_;
  std::uint64_t attempts_ = 0;
  bool paid_ = false;  // from the budget, for an attempt that has not begun
};

/// What a result says about when to ask again.
template <class R>
std::optional<duration> wish_of(const R& result) {
  if constexpr (requires {
                  { result.retry_after() } -> std::convertible_to<std::optional<duration>>;
                }) {
    return result.retry_after();
  } else {
    return std::nullopt;
  }
}

}  // namespace resilience::detail

/// Calls `fn()`, which gives an awaitable, until it does not fail; gives its value. A failure outside the policy, and
/// the last one within, is thrown as it is. `cancelled` passes: of an attempt, of a pause, and of a deadline around
/// retry; an attempt that ends with another failure although it was cancelled is not repeated. The callable lives
/// until the end.
template <class Fn>
  requires coro::awaitable<std::invoke_result_t<Fn&>>
auto retry(retry_policy policy, Fn fn) -> task<coro::await_result<std::invoke_result_t<Fn&>>> {
  resilience::detail::retry_run run(policy);
  for (;;) {
    std::optional<duration> pause;
    try {
      co_return co_await std::invoke(fn);
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      pause = run.pause_after(std::current_exception());
      if (!pause) throw;
    }
    co_await sleep(*pause);
    run.paused();
  }
}

/// The same, also after results that `accepted(result)` does not accept. When the policy says that it is enough, throws
/// not_accepted<R> with the last result in it.
template <class Fn, class Accepted>
  requires coro::awaitable<std::invoke_result_t<Fn&>> &&
           std::predicate<Accepted&, const coro::await_result<std::invoke_result_t<Fn&>>&>
auto retry(retry_policy policy, Fn fn, Accepted accepted)
    -> task<coro::await_result<std::invoke_result_t<Fn&>>> {
  using R = coro::await_result<std::invoke_result_t<Fn&>>;
  static_assert(!std::is_reference_v<R>, "a result that may be refused is given by value");
  resilience::detail::retry_run run(policy);
  for (;;) {
    std::optional<duration> pause;
    std::optional<R> given;
    try {
      given.emplace(co_await std::invoke(fn));
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      pause = run.pause_after(std::current_exception());
      if (!pause) throw;
    }
    if (given) {
      if (std::invoke(accepted, std::as_const(*given))) co_return *std::move(given);
      pause = run.pause_after_result(resilience::detail::wish_of(*given));
      if (!pause) throw not_accepted<R>(*std::move(given));
    }
    co_await sleep(*pause);
    run.paused();
  }
}

}  // namespace eddy
