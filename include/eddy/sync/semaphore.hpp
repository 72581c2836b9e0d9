// semaphore: a limit on how much happens at once, counted in permits.
//
//   eddy::semaphore at_once(10);
//   auto permit = co_await at_once.acquire();   // given back when `permit` is destroyed
//   co_await fetch(url);
//
// It can also count events: one that starts at zero has no bound, acquire().disown() consumes a permit and release()
// adds one.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>

namespace eddy {

struct semaphore_statistics {
  std::ptrdiff_t available =
      0;  ///< permits nobody has; negative after the bound was lowered below what is held
  std::ptrdiff_t bound = 0;  ///< semaphore::unbounded when there is none
  std::size_t waiters = 0;
};

/// Belongs to one loop; permits do not belong to tasks: any code on the loop may give them back. Requests are granted
/// in order of arrival and all or nothing: while a large one waits at the head, smaller ones behind it wait too, and
/// try_acquire fails. Destroying it with waiters stops the program; guards must not outlive it.
class semaphore {
 public:
  class guard;
  class acquire_operation;

  static constexpr std::ptrdiff_t unbounded = std::numeric_limits<std::ptrdiff_t>::max();

  /// `initial` permits, all free, and as many as bound; zero means no bound. Negative throws invalid_input.
  explicit semaphore(std::ptrdiff_t initial)
      : semaphore(initial, initial == 0 ? unbounded : initial) {}
  /// `initial` of at most `bound` permits free. Throws invalid_input unless 0 <= initial <= bound and 1 <= bound.
  semaphore(std::ptrdiff_t initial, std::ptrdiff_t bound);
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;
  ~semaphore() { check(waiters_.empty(), "a semaphore was destroyed while tasks wait for it"); }

  /// Waits for `n` permits; gives a guard that holds them. Cancelled or refused, it has taken none, and those behind it
  /// that now fit are granted at once. Throws invalid_input here, not at the await, unless 1 <= n <= bound.
  [[nodiscard]] acquire_operation acquire(std::ptrdiff_t n = 1);

  /// A guard for `n` permits if that many are free and nobody waits, else nothing. Never waits. Throws as acquire does.
  [[nodiscard]] std::optional<guard> try_acquire(std::ptrdiff_t n = 1);

  /// Gives back, or adds, `n` permits. More than the bound allows stops the program; n < 1 throws invalid_input.
  void release(std::ptrdiff_t n = 1);

  /// Changes the number of permits there are. Raised: waiters that now fit are granted at once. Lowered: nobody loses a
  /// permit, and nobody gets one until enough came back; one who already waits for more than the new bound waits until
  /// it is raised. Throws invalid_input for a bound below 1, and when there is no bound so far or `bound` is unbounded.
  void set_bound(std::ptrdiff_t bound);

  [[nodiscard]] std::ptrdiff_t available() const noexcept { return available_; }
  [[nodiscard]] std::ptrdiff_t bound() const noexcept { return bound_; }
  [[nodiscard]] semaphore_statistics statistics() const noexcept {
    return {available_, bound_, waiters_.size()};
  }

 private:
  void require_possible(std::ptrdiff_t n) const {
    if (n < 1 || n > bound_) [[unlikely]]
      throw_impossible(n);
  }
  [[nodiscard]] bool try_take(std::ptrdiff_t n) noexcept {
    if (n > available_ || !waiters_.empty()) return false;
    available_ -= n;
    return true;
  }
  void give_back(std::ptrdiff_t n) noexcept {
    check(available_ <= bound_ - n, "a semaphore was released above its bound");
    available_ += n;
    grant();
  }
  void grant() noexcept;
  [[noreturn]] void throw_impossible(std::ptrdiff_t n) const;

  std::ptrdiff_t available_;
  std::ptrdiff_t bound_;
  intrusive_list<acquire_operation> waiters_;
};

/// Holds permits and gives them back once: by release(), or on destruction, anywhere on the loop. Move-only; may be
/// empty.
class [[nodiscard]] semaphore::guard {
 public:
  guard() noexcept = default;
  guard(guard&& other) noexcept
      : semaphore_(other.semaphore_), permits_(std::exchange(other.permits_, 0)) {}
  guard& operator=(guard&& other) noexcept {
    guard(std::move(other)).swap(*this);
    return *this;
  }
  ~guard() { release(); }

  /// Gives the permits back now; without effect when empty.
  void release() noexcept {
    if (const std::ptrdiff_t n = disown(); n != 0) semaphore_->give_back(n);
  }
  /// Becomes empty without giving back: from now on somebody has to call semaphore::release() with the returned number.
  std::ptrdiff_t disown() noexcept { return std::exchange(permits_, 0); }
  [[nodiscard]] std::ptrdiff_t permits() const noexcept { return permits_; }
  [[nodiscard]] explicit operator bool() const noexcept { return permits_ != 0; }
  void swap(guard& other) noexcept {
    std::swap(semaphore_, other.semaphore_);
    std::swap(permits_, other.permits_);
  }

 private:
  friend semaphore;
  guard(semaphore& of, std::ptrdiff_t permits) noexcept : semaphore_(&of), permits_(permits) {}
  semaphore* semaphore_ = nullptr;
  std::ptrdiff_t permits_ = 0;
};

/// What acquire() returns, for co_await.
class semaphore::acquire_operation final : public coro::queued_operation {
 public:
  acquire_operation(semaphore& wanted, std::ptrdiff_t n) noexcept : semaphore_(&wanted), n_(n) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete() noexcept { return semaphore_->try_take(n_); }
  void enqueue() noexcept { semaphore_->waiters_.push_back(*this); }
  [[nodiscard]] guard take() noexcept { return {*semaphore_, n_}; }

 private:
  friend semaphore;
  void withdraw() noexcept override;
  semaphore* semaphore_;
  std::ptrdiff_t n_;
};

inline semaphore::acquire_operation semaphore::acquire(std::ptrdiff_t n) {
  require_possible(n);
  return {*this, n};
}

inline void semaphore::grant() noexcept {
  for (auto* head = waiters_.front(); head != nullptr && head->n_ <= available_;
       head = waiters_.front()) {
    waiters_.pop_front();
    available_ -= head->n_;
    head->complete();
  }
}

}  // namespace eddy
