// event: a flag that tasks can wait for.
#pragma once

#include <cstddef>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>

namespace eddy {

struct event_statistics {
  bool set = false;
  std::size_t waiters = 0;
};

/// Starts cleared and belongs to one loop. Setting it releases everybody who waits, in order of arrival; they stay
/// released when it is cleared before they run. Destroying it with waiters stops the program.
class event {
 public:
  class wait_operation;

  event() noexcept = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { check(waiters_.empty(), "an event was destroyed while tasks wait for it"); }

  /// Sets it; without effect when it is set.
  void set() noexcept;
  /// Clears it: later waits wait. Without effect on those that were released.
  void clear() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

  /// Waits until it is set; at once when it is. Cancellable.
  [[nodiscard]] wait_operation wait() noexcept;

  [[nodiscard]] event_statistics statistics() const noexcept { return {set_, waiters_.size()}; }

 private:
  bool set_ = false;
  intrusive_list<wait_operation> waiters_;
};

/// What wait() returns, for co_await.
class event::wait_operation final : public coro::queued_operation {
 public:
  explicit wait_operation(event& awaited) noexcept : event_(&awaited) {}

  [[nodiscard]] coro::wait_info describe() const override;
  [[nodiscard]] bool try_complete() const noexcept { return event_->set_; }
  void enqueue() noexcept { event_->waiters_.push_back(*this); }
  void take() const noexcept {}

 private:
  friend event;
  event* event_;
};

inline event::wait_operation event::wait() noexcept { return wait_operation(*this); }

inline void event::set() noexcept {
  set_ = true;
  while (wait_operation* waiter = waiters_.pop_front()) waiter->complete();
}

}  // namespace eddy
