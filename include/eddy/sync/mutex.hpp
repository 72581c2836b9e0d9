// mutex: one task at a time.
//
//   eddy::mutex m;
//   {
//     auto held = co_await m.lock();
//     balance = co_await store(balance + 1);
//   }  // unlocked
//
// Code between two awaits cannot be interrupted by other tasks of its loop and needs no mutex; one is for what has to
// stay consistent across awaits.
#pragma once

#include <cstddef>
#include <optional>
#include <source_location>
#include <utility>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/scheduler.hpp>

namespace eddy {

class condition_variable;

/// What is known about a mutex at one moment.
struct mutex_statistics {
  bool locked = false;
  any_task_handle holder;          ///< empty unless locked
  std::source_location locked_at;  ///< where the holder called lock()
  std::size_t waiters = 0;
};

/// Belongs to one loop. Granted in order of arrival; handed over directly: unlocked with a waiter, it is that waiter's
/// at once, and neither a newcomer nor try_lock gets in between. Owned by a task: a task that locks it again, or
/// another task that unlocks it, stops the program, as does destroying it while it is locked or waited for.
class mutex {
 public:
  class guard;
  class lock_operation;

  mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;
  ~mutex() {
    if (holder_ != nullptr || !waiters_.empty()) [[unlikely]]
      stop_in_use();
  }

  /// Waits until the running task has the mutex; gives a guard. Cancelled or refused, it has taken nothing.
  [[nodiscard]] lock_operation lock(
      std::source_location where = std::source_location::current()) noexcept;

  /// A guard if the mutex is free, else nothing (also for its own holder). Never waits; only inside a task.
  [[nodiscard]] std::optional<guard> try_lock(
      std::source_location where = std::source_location::current());

  [[nodiscard]] bool locked() const noexcept { return holder_ != nullptr; }
  [[nodiscard]] mutex_statistics statistics() const;

 private:
  friend condition_variable;

  // The record is held so that reports can name the holder even after it has ended.
  void give_to(coro::task_state& task, std::source_location where) noexcept {
    task.retain();
    holder_ = &task;
    locked_at_ = where;
  }
  void unlock(std::source_location where) noexcept;

  [[noreturn]] void stop_in_use() const noexcept;
  [[noreturn]] void stop_relocked(std::source_location where) const noexcept;
  [[noreturn]] void stop_foreign_unlock(std::source_location where) const noexcept;

  coro::task_state* holder_ = nullptr;
  std::source_location locked_at_;
  intrusive_list<lock_operation> waiters_;
};

/// Holds a mutex and unlocks it once: by unlock(), or on destruction, in the task that locked it. Move-only; may be
/// empty.
class [[nodiscard]] mutex::guard {
 public:
  guard() noexcept = default;
  guard(guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  guard& operator=(guard&& other) noexcept {
    guard(std::move(other)).swap(*this);
    return *this;
  }
  ~guard() { unlock(); }

  /// Unlocks now; without effect when empty.
  void unlock(std::source_location where = std::source_location::current()) noexcept {
    if (mutex* held = std::exchange(mutex_, nullptr)) held->unlock(where);
  }
  [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }
  [[nodiscard]] explicit operator bool() const noexcept { return owns_lock(); }
  void swap(guard& other) noexcept { std::swap(mutex_, other.mutex_); }

 private:
  friend mutex;
  friend condition_variable;
  explicit guard(mutex& held) noexcept : mutex_(&held) {}
  mutex* mutex_ = nullptr;
};

/// What lock() returns, for co_await.
class mutex::lock_operation final : public coro::queued_operation {
 public:
  lock_operation(mutex& wanted, std::source_location where) noexcept
      : mutex_(&wanted), where_(where) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete() {
    if (mutex_->holder_ == task()) [[unlikely]]
      mutex_->stop_relocked(where_);
    if (mutex_->holder_ != nullptr) return false;
    mutex_->give_to(*task(), where_);
    return true;
  }
  void enqueue() noexcept { mutex_->waiters_.push_back(*this); }
  [[nodiscard]] guard take() noexcept { return guard(*mutex_); }

 private:
  friend mutex;
  mutex* mutex_;
  std::source_location where_;
};

inline mutex::lock_operation mutex::lock(std::source_location where) noexcept {
  return {*this, where};
}

inline void mutex::unlock(std::source_location where) noexcept {
  const coro::scheduler* loop = coro::scheduler::current();
  if (loop == nullptr || loop->current_task() != holder_) [[unlikely]]
    stop_foreign_unlock(where);
  holder_->release();
  holder_ = nullptr;
  if (lock_operation* next = waiters_.pop_front()) {
    give_to(*next->task(), next->where_);
    next->complete();
  }
}

}  // namespace eddy
