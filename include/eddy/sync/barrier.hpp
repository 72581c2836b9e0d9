// barrier: tasks that wait for one another, round by round.
//
//   eddy::barrier round(3);
//   for (;;) {
//     compute_my_part();
//     const std::size_t index = co_await round.arrive_and_wait();   // goes on when all three have arrived
//     if (index == 0) publish();
//   }
#pragma once

#include <cstddef>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>

namespace eddy {

struct barrier_statistics {
  std::size_t parties = 0;
  std::size_t waiting = 0;  ///< tasks that arrived for the round being filled
  bool broken = false;      ///< aborted and not reset since
};

/// Belongs to one loop. The last of `parties` arrivals releases its round; whoever arrives afterwards belongs to the
/// next one, even before all of the old round have run. Destroying it with waiters stops the program.
class barrier {
 public:
  class arrive_operation;

  /// Throws invalid_input when `parties` is zero; one never waits.
  explicit barrier(std::size_t parties);
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;
  ~barrier() { check(waiters_.empty(), "a barrier was destroyed while tasks wait for it"); }

  /// Arrives and waits for the others; gives the position in the order of arrival, from 0 to parties - 1. Cancelled,
  /// the arrival is taken back and the others go on waiting. Throws errc::broken_barrier after reset or abort.
  [[nodiscard]] arrive_operation arrive_and_wait() noexcept;

  /// Fails those who wait with errc::broken_barrier and starts afresh. A round that was released is not affected.
  void reset() noexcept;
  /// Fails those who wait, and everybody who arrives until the next reset, with errc::broken_barrier.
  void abort() noexcept;

  [[nodiscard]] std::size_t parties() const noexcept { return parties_; }
  /// How many have arrived for the round being filled.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  [[nodiscard]] barrier_statistics statistics() const noexcept {
    return {parties_, waiting_, broken_};
  }

 private:
  void release_round() noexcept;
  void fail_waiters() noexcept;

  std::size_t parties_;
  std::size_t waiting_ = 0;
  bool broken_ = false;
  intrusive_list<arrive_operation> waiters_;
};

/// What arrive_and_wait() returns, for co_await. No queued_operation: an arrival is an effect, so select() must not try
/// it.
class barrier::arrive_operation final : public coro::operation, public list_hook<> {
 public:
  explicit arrive_operation(barrier& at) noexcept : barrier_(&at) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete() noexcept;
  void enqueue() noexcept {
    barrier_->waiters_.push_back(*this);
    ++barrier_->waiting_;
  }
  [[nodiscard]] std::size_t take() const;

 private:
  friend barrier;
  void withdraw() noexcept override;
  barrier* barrier_;
  std::size_t index_ = 0;
  bool failed_ = false;
};

inline barrier::arrive_operation barrier::arrive_and_wait() noexcept {
  return arrive_operation(*this);
}

}  // namespace eddy
