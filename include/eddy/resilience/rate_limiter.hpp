// Rate limiters: how often something may happen.
//
//   eddy::token_bucket limit(100, 1s);      // bursts of up to 100, 100 per second in the long run
//   co_await limit.acquire();
//
//   sliding_window  no more than n in any stretch of the period: what a provider's quota usually means
//   token_bucket    n at once after a rest, then one each period/n
//   gcra            evenly spaced, period/n apart, with a burst chosen separately (ATM Forum TM 4.0, 4.4.2)
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/timer_queue.hpp>

namespace eddy {

struct rate_limiter_statistics {
  std::size_t capacity = 0;   ///< the most that can be acquired at once
  std::size_t available = 0;  ///< what could be acquired now if nobody waited
  std::size_t waiters = 0;
  std::uint64_t granted = 0;  ///< units, since construction
};

/// What all limiters have in common. Belongs to one loop. Requests are granted in order of arrival and all or
/// nothing, at the exact time on the loop's clock from which the strategy allows them: while a large one waits,
/// smaller ones behind it wait, and try_acquire fails. Nothing is given back: a unit is a right to begin now. Times
/// are computed in whole fractions of nanoseconds, so a rate that does not divide evenly does not drift. Destroying a
/// limiter with waiters stops the program.
class rate_limiter : private coro::timer {
 public:
  class acquire_operation;

  rate_limiter(const rate_limiter&) = delete;
  rate_limiter& operator=(const rate_limiter&) = delete;

  /// Waits until `n` units may be used, and uses them. Cancelled or refused, it has used none, and those behind it that
  /// now fit are granted at once. Throws invalid_input here, not at the await, unless 1 <= n <= capacity.
  [[nodiscard]] acquire_operation acquire(std::size_t n = 1);

  /// Uses `n` units if that is allowed now and nobody waits. Never waits. Throws as acquire does.
  [[nodiscard]] bool try_acquire(std::size_t n = 1);

  /// How long an acquire(n) made now would wait, behind those who wait already. Throws as acquire does.
  [[nodiscard]] duration wait_time(std::size_t n = 1);

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] rate_limiter_statistics statistics();

 protected:
  static constexpr std::size_t largest_count = UINT32_MAX;

  /// Throws invalid_input unless 1 <= capacity <= largest_count.
  explicit rate_limiter(std::size_t capacity);
  ~rate_limiter();

  /// Uses `n` units if that is allowed at `now`. The strategy; called with non-decreasing times.
  virtual bool take(std::size_t n, time_point now) = 0;
  /// When the last of `requests` would be granted if they were made at `now`, in this order, and nobody else came.
  [[nodiscard]] virtual time_point when(std::span<const std::size_t> requests, time_point now) = 0;
  [[nodiscard]] virtual std::size_t available(time_point now) = 0;

 private:
  void require_possible(std::size_t n) const;
  void grant();
  void rearm() noexcept;
  void expired() noexcept override { grant(); }

  std::size_t capacity_;
  std::uint64_t granted_ = 0;
  intrusive_list<acquire_operation> waiters_;
};

/// What acquire() returns, for co_await.
class rate_limiter::acquire_operation final : public coro::queued_operation {
 public:
  acquire_operation(rate_limiter& wanted, std::size_t n) noexcept : limiter_(&wanted), n_(n) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete() { return limiter_->try_acquire(n_); }
  void enqueue();
  void take() const noexcept {}

 private:
  friend rate_limiter;
  void withdraw() noexcept override;
  rate_limiter* limiter_;
  std::size_t n_;
};

/// At most `count` units in any stretch of time of length `period`; a unit counts until exactly `period` after it was
/// granted. Keeps one entry per grant of the latest period.
class sliding_window final : public rate_limiter {
 public:
  /// Throws invalid_input for a count of zero or a period that is not positive; so do the others.
  sliding_window(std::size_t count, duration period);

 private:
  struct entry {
    time_point at;
    std::size_t units;
  };
  bool take(std::size_t n, time_point now) override;
  time_point when(std::span<const std::size_t> requests, time_point now) override;
  std::size_t available(time_point now) override;
  void forget(time_point now);

  duration period_;
  std::deque<entry> log_;
  std::size_t used_ = 0;
};

namespace resilience::detail {
// Products of a time in nanoseconds and a count.
__extension__ typedef __int128 wide;
}  // namespace resilience::detail

/// Holds up to `count` tokens, starts full, and refills evenly with `count` tokens per `period`.
class token_bucket final : public rate_limiter {
 public:
  token_bucket(std::size_t count, duration period);

 private:
  using wide = resilience::detail::wide;
  bool take(std::size_t n, time_point now) override;
  time_point when(std::span<const std::size_t> requests, time_point now) override;
  std::size_t available(time_point now) override;
  void refill(time_point now);

  wide period_;
  wide level_;  // a token is `period_` of these; `capacity` of them come in each nanosecond
  time_point refilled_at_ = time_point::min();
};

/// The generic cell rate algorithm: `count` units per `period`, one each period/count, and after a rest up to `burst`
/// at once. Its whole state is one time: when the next unit is due in theory.
class gcra final : public rate_limiter {
 public:
  gcra(std::size_t count, duration period, std::size_t burst = 1);

 private:
  using wide = resilience::detail::wide;
  bool take(std::size_t n, time_point now) override;
  time_point when(std::span<const std::size_t> requests, time_point now) override;
  std::size_t available(time_point now) override;
  [[nodiscard]] wide scaled(time_point t) const noexcept;
  [[nodiscard]] wide begin_of_next(wide present) const noexcept;

  wide count_;     // times are scaled by it, so that period/count is a whole number
  wide interval_;  // between two units, scaled
  wide due_;       // the theoretical arrival time of the next unit, scaled
};

}  // namespace eddy
