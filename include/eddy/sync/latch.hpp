// latch: opens once, when it has been counted down to zero.
#pragma once

#include <cstddef>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>

namespace eddy {

struct latch_statistics {
  std::ptrdiff_t count = 0;  ///< how often it still has to be counted down
  std::size_t waiters = 0;
};

/// Belongs to one loop. At zero everybody who waits is released, in order of arrival, and it stays open. Counting it
/// below zero stops the program, as does destroying it with waiters.
class latch {
 public:
  class wait_operation;

  /// Throws invalid_input when `count` is negative; zero is open from the start.
  explicit latch(std::ptrdiff_t count);
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;
  ~latch() { check(waiters_.empty(), "a latch was destroyed while tasks wait for it"); }

  /// Counts down by `n`; throws invalid_input when n is negative. Never waits.
  void count_down(std::ptrdiff_t n = 1);
  /// Whether it is open.
  [[nodiscard]] bool try_wait() const noexcept { return count_ == 0; }
  /// Waits until it is open; at once when it is. Cancellable, which leaves the count as it is.
  [[nodiscard]] wait_operation wait() noexcept;

  [[nodiscard]] latch_statistics statistics() const noexcept { return {count_, waiters_.size()}; }

 private:
  std::ptrdiff_t count_;
  intrusive_list<wait_operation> waiters_;
};

/// What wait() returns, for co_await.
class latch::wait_operation final : public coro::queued_operation {
 public:
  explicit wait_operation(latch& awaited) noexcept : latch_(&awaited) {}

  [[nodiscard]] coro::wait_info describe() const override;
  [[nodiscard]] bool try_complete() const noexcept { return latch_->try_wait(); }
  void enqueue() noexcept { latch_->waiters_.push_back(*this); }
  void take() const noexcept {}

 private:
  friend latch;
  latch* latch_;
};

inline latch::wait_operation latch::wait() noexcept { return wait_operation(*this); }

}  // namespace eddy
