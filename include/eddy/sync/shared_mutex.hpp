// shared_mutex: many readers together, or one writer alone.
//
//   { auto reading = co_await m.lock_shared();  ... }
//   { auto writing = co_await m.lock();         ... }
#pragma once

#include <cstddef>
#include <optional>
#include <source_location>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/operation.hpp>

namespace eddy {

struct shared_mutex_statistics {
  bool locked = false;      ///< by a writer
  std::size_t readers = 0;  ///< that hold it
  any_task_handle writer;   ///< empty unless locked
  std::size_t waiters = 0;  ///< of both kinds
};

/// Belongs to one loop. Granted in order of arrival: a reader waits behind a writer that waits already, so neither kind
/// starves; when a writer leaves, all readers in front of the next waiting writer enter together. Handed over directly,
/// as mutex. Owned by tasks: one that waits for what it holds itself, in either mode, stops the program; so does
/// unlocking in another task, and destroying it while it is locked or waited for.
class shared_mutex {
  struct hold;
  class wait_base;

 public:
  class guard;
  class lock_operation;
  class lock_shared_operation;

  shared_mutex() noexcept = default;
  shared_mutex(const shared_mutex&) = delete;
  shared_mutex& operator=(const shared_mutex&) = delete;
  ~shared_mutex();

  /// Waits until the running task has it alone. Cancelled or refused, it has taken nothing, and those behind it that
  /// may enter now do so at once.
  [[nodiscard]] lock_operation lock(
      std::source_location where = std::source_location::current()) noexcept;
  /// Waits until the running task may read. Cancelled or refused, it has taken nothing.
  [[nodiscard]] lock_shared_operation lock_shared(
      std::source_location where = std::source_location::current()) noexcept;

  /// A guard if nobody holds it, else nothing. Never waits; only inside a task.
  [[nodiscard]] std::optional<guard> try_lock(
      std::source_location where = std::source_location::current());
  /// A guard if no writer holds it or waits, else nothing. Never waits; only inside a task.
  [[nodiscard]] std::optional<guard> try_lock_shared(
      std::source_location where = std::source_location::current());

  [[nodiscard]] shared_mutex_statistics statistics() const;

 private:
  enum class mode : bool { shared, exclusive };

  // Who holds it, since when it was granted: part of the operation, then of the guard.
  struct hold : list_hook<> {
    hold() noexcept = default;
    hold(hold&& other) noexcept { take_over(other); }
    hold& operator=(hold&&) = delete;
    void take_over(hold& other) noexcept;

    shared_mutex* of = nullptr;
    coro::task_state* task = nullptr;  // retained, so that reports can name it
    std::source_location where;
  };

  [[nodiscard]] bool may_enter(mode wanted) const noexcept {
    return wanted == mode::exclusive ? holds_.empty() : holds_.empty() || mode_ == mode::shared;
  }
  void give(hold& to, mode granted, coro::task_state& task, std::source_location where) noexcept;
  void unlock(hold& held, std::source_location where) noexcept;
  void grant() noexcept;
  void require_not_held_by(const coro::task_state* task, std::source_location where) noexcept;
  [[nodiscard]] std::optional<guard> try_enter(mode wanted, std::source_location where);

  mode mode_ = mode::shared;  // of those who hold it
  intrusive_list<hold> holds_;
  intrusive_list<wait_base> waiters_;
};

/// Holds a shared mutex, for reading or writing, and unlocks it once: by unlock(), or on destruction, in the task that
/// locked it. Move-only; may be empty.
class [[nodiscard]] shared_mutex::guard {
 public:
  guard() noexcept = default;
  guard(guard&& other) noexcept = default;
  guard& operator=(guard&& other) noexcept {
    if (this == &other) return *this;
    unlock();
    hold_.take_over(other.hold_);
    return *this;
  }
  ~guard() { unlock(); }

  /// Unlocks now; without effect when empty.
  void unlock(std::source_location where = std::source_location::current()) noexcept {
    if (hold_.of != nullptr) hold_.of->unlock(hold_, where);
  }
  [[nodiscard]] bool owns_lock() const noexcept { return hold_.of != nullptr; }
  [[nodiscard]] explicit operator bool() const noexcept { return owns_lock(); }

 private:
  friend shared_mutex;
  explicit guard(hold&& granted) noexcept : hold_(std::move(granted)) {}
  hold hold_;
};

class shared_mutex::wait_base : public coro::queued_operation {
 public:
  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete();
  void enqueue() noexcept { mutex_->waiters_.push_back(*this); }
  [[nodiscard]] guard take() noexcept { return guard(std::move(hold_)); }

 protected:
  wait_base(shared_mutex& wanted, mode as, std::source_location where) noexcept
      : mutex_(&wanted), mode_(as), where_(where) {}
  wait_base(wait_base&&) noexcept = default;
  ~wait_base() = default;

 private:
  friend shared_mutex;
  void withdraw() noexcept override;
  shared_mutex* mutex_;
  mode mode_;
  std::source_location where_;
  hold hold_;
};

/// What lock() returns, for co_await.
class shared_mutex::lock_operation final : public wait_base {
 public:
  lock_operation(shared_mutex& wanted, std::source_location where) noexcept
      : wait_base(wanted, mode::exclusive, where) {}
};

/// What lock_shared() returns, for co_await.
class shared_mutex::lock_shared_operation final : public wait_base {
 public:
  lock_shared_operation(shared_mutex& wanted, std::source_location where) noexcept
      : wait_base(wanted, mode::shared, where) {}
};

inline shared_mutex::lock_operation shared_mutex::lock(std::source_location where) noexcept {
  return {*this, where};
}

inline shared_mutex::lock_shared_operation shared_mutex::lock_shared(
    std::source_location where) noexcept {
  return {*this, where};
}

}  // namespace eddy
