// Waiting for time to pass, and letting others run.
#pragma once

#include <eddy/base/time.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/timer_queue.hpp>

namespace eddy {

namespace coro {

class sleep_operation final : public operation, private timer {
 public:
  explicit sleep_operation(time_point until) noexcept : until_(until) {}
  explicit sleep_operation(duration length) noexcept : relative_(true), length_(length) {}
  sleep_operation(sleep_operation&& other) noexcept
      : operation(std::move(other)), relative_(other.relative_), until_(other.until_) {}

  [[nodiscard]] wait_info describe() const override;

  bool try_complete() noexcept { return false; }
  void enqueue();
  void take() const noexcept {}

 private:
  void withdraw() noexcept override;
  void expired() noexcept override;

  bool relative_ = false;
  bool immediate_ = false;  // due when it was awaited
  union {
    time_point until_;
    duration length_;
  };
};

class yield_operation final : public operation {
 public:
  [[nodiscard]] wait_info describe() const override;

  bool try_complete() noexcept { return false; }
  void enqueue() noexcept { complete(); }
  void take() const noexcept {}

 private:
  void withdraw() noexcept override {}
};

}  // namespace coro

/// Waits for `length` on the loop's clock, measured from the await. Zero and negative: until the next turn. Any
/// std::chrono duration; not-a-number throws invalid_input. Cancellable.
template <class Rep, class Period>
[[nodiscard]] coro::sleep_operation sleep(std::chrono::duration<Rep, Period> length) {
  return coro::sleep_operation(to_duration(length));
}

/// Waits until the loop's clock has reached `t`; at least until the next turn. Cancellable.
[[nodiscard]] inline coro::sleep_operation sleep_until(time_point t) noexcept {
  return coro::sleep_operation(t);
}

/// Lets the tasks run that are ready now. A cancellation point.
[[nodiscard]] inline coro::yield_operation yield() noexcept { return {}; }

}  // namespace eddy
