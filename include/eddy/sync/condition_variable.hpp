// condition_variable: waiting until what a mutex protects has changed.
//
//   auto held = co_await m.lock();
//   co_await changed.wait(held, [&] { return !jobs.empty(); });   // the mutex is free meanwhile, and held afterwards
//   auto job = std::move(jobs.front());
//
// and elsewhere, with or without the mutex: changed.notify_one(). (`eddy::condition` says what to do about an error.)
#pragma once

#include <concepts>
#include <cstddef>
#include <source_location>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/composite_operation.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/sync/entry_check.hpp>
#include <eddy/sync/mutex.hpp>

namespace eddy {

struct condition_variable_statistics {
  std::size_t waiters = 0;  ///< not counting those that were notified and now wait for their mutex
};

/// Belongs to one loop. A notification is not remembered: it reaches those who wait then, in order of arrival.
/// Destroying it with waiters stops the program.
class condition_variable {
 public:
  class wait_operation;

  condition_variable() noexcept = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;
  ~condition_variable() {
    check(waiters_.empty(), "a condition variable was destroyed while tasks wait for it");
  }

  /// Unlocks the mutex of `held`, waits for a notification and locks it again, queued for it like any other; so `held`
  /// holds it whenever this ends. Called by a task that does not hold it, it stops the program. Cancelled before it was
  /// notified, it has consumed no notification and takes the mutex back, uninterrupted, before `cancelled` leaves.
  [[nodiscard]] wait_operation wait(
      mutex::guard& held, std::source_location where = std::source_location::current()) noexcept;

  /// Waits until `predicate()` is true, which is asked with the mutex held, first at once. Does not suspend when it is;
  /// in a cancelled scope refused all the same. What the predicate throws leaves with the mutex held.
  template <std::predicate Predicate>
  task<void> wait(mutex::guard& held, Predicate predicate,
                  std::source_location where = std::source_location::current());

  /// Lets the longest waiter go on; without effect when there is none. Needs no mutex.
  void notify_one() noexcept;
  /// Lets all who wait now go on.
  void notify_all() noexcept;

  [[nodiscard]] condition_variable_statistics statistics() const noexcept {
    return {waiters_.size()};
  }

 private:
  [[nodiscard]] static mutex* mutex_of(const mutex::guard& held) noexcept { return held.mutex_; }
  static void require_held(const mutex* of, const coro::task_state* by, std::source_location where);
  static constexpr const char* not_held =
      "waited for a condition variable without holding its mutex";

  intrusive_list<wait_operation> waiters_;
};

/// What wait() returns, for co_await. It stands in the condition's queue first, then in the mutex's.
class condition_variable::wait_operation final : public coro::composite_operation,
                                                 public list_hook<> {
 public:
  wait_operation(condition_variable& awaited, mutex& held, std::source_location where) noexcept
      : condition_(&awaited), mutex_(&held), where_(where), relock_(held, where) {}

  [[nodiscard]] coro::wait_info describe() const override;
  [[nodiscard]] bool try_complete() const {
    require_held(mutex_, task(), where_);
    return false;
  }
  void enqueue() noexcept;
  void take() const noexcept {}

 private:
  friend condition_variable;
  void withdraw() noexcept override;
  void part_ended(coro::operation& relocked) noexcept override;
  void take_mutex_back() noexcept;

  condition_variable* condition_;
  mutex* mutex_;
  std::source_location where_;
  mutex::lock_operation relock_;
  bool cancelled_ = false;
};

inline condition_variable::wait_operation condition_variable::wait(
    mutex::guard& held, std::source_location where) noexcept {
  check(held.owns_lock(), not_held, where);
  return {*this, *mutex_of(held), where};
}

template <std::predicate Predicate>
task<void> condition_variable::wait(mutex::guard& held, Predicate predicate,
                                    std::source_location where) {
  require_held(mutex_of(held), coro::scheduler::require().current_task(), where);
  co_await sync::detail::entry_check("condition_variable.wait", this);
  while (!predicate()) co_await wait(held, where);
}

}  // namespace eddy
