// The cancellation of a call on a thread that is not a loop's: what is_cancelled() and throw_if_cancelled() see there.
#pragma once

#include <mutex>
#include <stop_token>
#include <utility>

#include <eddy/coro/cancelled.hpp>

namespace eddy::coro {

/// Set by the loop, asked by the thread.
class thread_cancellation {
 public:
  /// The task that waits for the call was cancelled. The first call counts.
  void cancel(const cancel_info_ptr& why) {
    {
      const std::lock_guard guard(lock_);
      if (!why_) why_ = why;
    }
    stop_.request_stop();
  }
  [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }
  [[nodiscard]] bool requested() const noexcept { return stop_.stop_requested(); }
  [[nodiscard]] cancel_info_ptr why() const {
    const std::lock_guard guard(lock_);
    return why_;
  }

  /// The one of the call that runs on this thread; null when none does.
  [[nodiscard]] static thread_cancellation* current() noexcept { return current_; }

  /// Makes it this thread's while it lives.
  class scope {
   public:
    explicit scope(thread_cancellation& entered) noexcept
        : former_(std::exchange(current_, &entered)) {}
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { current_ = former_; }

   private:
    thread_cancellation* former_;
  };

 private:
  static inline thread_local thread_cancellation* current_ = nullptr;

  std::stop_source stop_;
  mutable std::mutex lock_;
  cancel_info_ptr why_;
};

}  // namespace eddy::coro
