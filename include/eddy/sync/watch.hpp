// watch: the latest value of something, for tasks that want to know when it changes.
//
//   eddy::watch<config> current(load());
//   auto seen = current.subscribe();
//   current.set(reload());
//   const config& now = co_await seen.changed();   // several changes since the last look count as one
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/sync/counted.hpp>
#include <eddy/sync/entry_check.hpp>

namespace eddy {

struct watch_statistics {
  std::uint64_t changes = 0;  ///< how often the value was set
  std::size_t receivers = 0;
  std::size_t waiters = 0;  ///< tasks waiting in changed() or wait_for()
  bool closed = false;
};

/// The side that sets the value. Belongs to one loop; its receivers may outlive it. Destroying it closes it.
template <class T>
class watch {
  class core;
  class view;

 public:
  class receiver;
  class changed_operation;

  explicit watch(T initial) : core_(new core(std::move(initial))) {}
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;
  ~watch() { close(); }

  /// Replaces the value and wakes those who wait; equal values count as a change too. Throws errc::closed after close.
  void set(T value) {
    require_open();
    core_->value = std::move(value);
    core_->note_change();
  }
  /// Changes the value in place by `change(value)`; then as set. What `change` throws leaves without a wake-up.
  template <std::invocable<T&> Change>
  void modify(Change change) {
    require_open();
    change(core_->value);
    core_->note_change();
  }
  [[nodiscard]] const T& get() const noexcept { return core_->value; }

  /// A receiver that has seen the present value.
  [[nodiscard]] receiver subscribe() const { return receiver(core_, core_->version); }
  /// No changes will come any more. Without effect when it is closed.
  void close() noexcept { core_->close(); }

  [[nodiscard]] watch_statistics statistics() const noexcept {
    return {core_->version, core_->receivers, core_->waiters.size(), core_->closed};
  }

 private:
  void require_open() const {
    if (core_->closed) throw_error(errc::closed, "watch.set");
  }
  sync::detail::counted_ptr<core> core_;
};

template <class T>
class watch<T>::core final : public sync::detail::counted<core> {
 public:
  explicit core(T initial) : value(std::move(initial)) {}

  void note_change() noexcept {
    ++version;
    wake();
  }
  void close() noexcept {
    if (!std::exchange(closed, true)) wake();
  }
  void wake() noexcept {
    while (changed_operation* waiter = waiters.pop_front()) waiter->complete();
  }

  T value;
  std::uint64_t version = 0;
  std::size_t receivers = 0;
  bool closed = false;
  intrusive_list<changed_operation> waiters;
};

// What one receiver has seen: shared by the receiver object, which may be moved, and the operations made from it.
template <class T>
class watch<T>::view final : public sync::detail::counted<view> {
 public:
  view(sync::detail::counted_ptr<core> onto, std::uint64_t seen_so_far) noexcept
      : of(std::move(onto)), seen(seen_so_far) {
    ++of->receivers;
  }
  ~view() { --of->receivers; }

  [[nodiscard]] bool up_to_date() const noexcept { return seen == of->version; }
  [[nodiscard]] const T& look() noexcept {
    seen = of->version;
    return of->value;
  }

  sync::detail::counted_ptr<core> of;
  std::uint64_t seen;
};

/// One receiver. A copy has seen what the original has seen, and goes on by itself; a moved-from one may only be
/// destroyed or assigned to. References it gives stay valid as long as it lives and show the value of the moment: copy
/// what has to last across an await.
template <class T>
class watch<T>::receiver {
 public:
  receiver(const receiver& other) : receiver(other.view_->of, other.view_->seen) {}
  receiver(receiver&&) noexcept = default;
  receiver& operator=(receiver other) noexcept {
    std::swap(view_, other.view_);
    return *this;
  }
  ~receiver() = default;

  /// The latest value, which counts as seen.
  [[nodiscard]] const T& get() noexcept { return view_->look(); }
  /// Whether the latest value has not been seen.
  [[nodiscard]] bool has_changed() const noexcept { return !view_->up_to_date(); }

  /// Waits until the latest value has not been seen; gives it, and it counts as seen. Cancelled, it does not.
  /// Throws errc::closed when the sender is closed and the last value was seen.
  [[nodiscard]] changed_operation changed() noexcept { return changed_operation(view_); }

  /// Waits until `predicate(value)` is true for the latest value, asked first at once, also for a value that was seen;
  /// gives it, and it counts as seen. Does not suspend when it is true; in a cancelled scope refused all the same.
  /// Values that are replaced before this task runs are not looked at. Throws errc::closed when the sender is closed
  /// and the last value does not do, and whatever the predicate throws. Not used by two tasks at a time.
  template <std::predicate<const T&> Predicate>
  task<const T&> wait_for(Predicate predicate) {
    const auto mine = view_;
    co_await sync::detail::entry_check("watch.wait_for", mine->of.get());
    for (const T* value = &mine->of->value;; value = &co_await changed_operation(mine)) {
      if (!predicate(*value)) continue;
      co_return mine->look();
    }
  }

 private:
  friend watch;
  receiver(const sync::detail::counted_ptr<core>& of, std::uint64_t seen)
      : view_(new view(of, seen)) {}

  sync::detail::counted_ptr<view> view_;
};

/// What changed() returns, for co_await.
template <class T>
class watch<T>::changed_operation final : public coro::queued_operation {
 public:
  explicit changed_operation(sync::detail::counted_ptr<view> of) noexcept : view_(std::move(of)) {}

  [[nodiscard]] coro::wait_info describe() const override {
    return {"watch.changed", view_->of.get()};
  }
  [[nodiscard]] bool try_complete() const noexcept {
    return !view_->up_to_date() || view_->of->closed;
  }
  void enqueue() noexcept { view_->of->waiters.push_back(*this); }
  // The value counts as seen only now: several changes before the task runs are one.
  [[nodiscard]] const T& take() const {
    if (view_->up_to_date() && view_->of->closed) throw_error(errc::closed, "watch.changed");
    return view_->look();
  }

 private:
  friend core;
  sync::detail::counted_ptr<view> view_;
};

}  // namespace eddy
