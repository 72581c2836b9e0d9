// retry_policy: which failures are tried again, how often, and after what pause.
//
//   const auto patient = eddy::retry_policy()
//       .limit(eddy::stop_after_attempts(5) | eddy::stop_before(30s))
//       .pause(eddy::full_jitter(eddy::wait_exponential({.factor = 50ms})))
//       .on<eddy::timeout_error>();
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>

#include <eddy/base/error.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/resilience/retry_limit.hpp>
#include <eddy/resilience/retry_wait.hpp>

namespace eddy {

class retry_budget;

/// An error, or a result, that knows when the other side wants to be asked again: errors derive from this as well, and
/// retry then waits at least that long. A result type needs only a member `retry_after()` that gives
/// std::optional<duration>.
class retry_after_hint {
 public:
  virtual ~retry_after_hint() = default;
  /// Nothing when the other side did not say.
  [[nodiscard]] virtual std::optional<duration> retry_after() const = 0;
};

/// What the hook before a pause gets to know.
struct retry_event {
  std::uint64_t attempts = 0;  ///< made so far
  duration elapsed = {};       ///< since the first began
  duration pause = {};         ///< about to be waited
  std::exception_ptr failure;  ///< of the last attempt; null when its result was not accepted
};

/// An immutable value: each setter gives a changed copy of the rules. Copies are cheap and may be used on any loop
/// and by any number of calls at once; the counters belong to the call.
///
/// By default three attempts, fully jittered exponential pauses of up to 100 ms, 200 ms ... 30 s, and every failure is
/// tried again except those that say it is of no use (condition::invalid_input and unsupported, std::logic_error,
/// std::bad_alloc). `cancelled` is never tried again and never counted.
class retry_policy {
 public:
  using predicate = std::function<bool(const std::exception_ptr&)>;
  using hook = std::function<void(const retry_event&)>;

  retry_policy();

  [[nodiscard]] retry_policy limit(retry_limit when_to_stop) const;
  /// The same as limit(stop_after_attempts(most)).
  [[nodiscard]] retry_policy attempts(std::uint64_t most) const;
  [[nodiscard]] retry_policy pause(retry_wait between) const;

  /// Tries again after the failures that `retryable` accepts; any other is thrown at once.
  [[nodiscard]] retry_policy on_failure(predicate retryable) const;
  /// Tries again after errors of these types only; also inside an exception_group.
  template <class... Errors>
    requires(sizeof...(Errors) > 0)
  [[nodiscard]] retry_policy on() const {
    return on_failure(
        [](const std::exception_ptr& failure) { return (is<Errors>(failure) || ...); });
  }
  /// Tries again after errors that equal one of these conditions only.
  [[nodiscard]] retry_policy on(std::initializer_list<condition> kinds) const;

  /// Called before each pause, in the task that retries. What it throws leaves retry.
  [[nodiscard]] retry_policy before_pause(hook called) const;

  /// The longest wish of the other side that is granted; when it asks for more, the failure is thrown at once. By
  /// default 5 minutes. Zero: wishes are ignored.
  [[nodiscard]] retry_policy longest_retry_after(duration longest) const;

  /// Every retry has to be paid for from `shared`, which must outlive the calls.
  [[nodiscard]] retry_policy budget(retry_budget& shared) const;

  struct rules;
  [[nodiscard]] const rules& get() const noexcept { return *rules_; }

 private:
  explicit retry_policy(std::shared_ptr<const rules> changed) noexcept;

  template <class E>
  static bool is(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const E&) {
      return true;
    } catch (const exception_group& several) {
      return several.contains<E>();
    } catch (...) {
      return false;
    }
  }

  std::shared_ptr<const rules> rules_;
};

/// What a policy consists of; for those who write something like retry.
struct retry_policy::rules {
  retry_limit limit;
  retry_wait pause;
  predicate retryable;
  hook before_pause;
  duration longest_retry_after;
  retry_budget* budget = nullptr;
};

/// The predicate that policies start with.
[[nodiscard]] bool is_worth_retrying(const std::exception_ptr& failure);

}  // namespace eddy
