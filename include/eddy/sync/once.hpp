// once: what has to happen a single time, whoever asks first.
//
//   co_await ready.call([&]() -> eddy::task<void> { table = co_await load(); });
#pragma once

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/task.hpp>

namespace eddy {

struct once_statistics {
  bool done = false;
  bool running = false;
  std::size_t waiters = 0;
};

/// Belongs to one loop. Destroying it while somebody is in call() stops the program.
class once {
 public:
  once() noexcept = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;
  ~once() {
    check(runner_ == nullptr && waiters_.empty(), "a once was destroyed while tasks are in call()");
  }

  /// Returns when a function given to call() has succeeded: the caller's `fn`, which may give a task or run directly,
  /// if nobody was before it; else the other's, for which it waits. A function that fails or is cancelled does not
  /// count: the error goes to its own caller, and the next waiter runs its function. Cancellable in the wait and in
  /// `fn`. A function that calls call() of the same once stops the program.
  template <class Fn>
    requires std::is_invocable_v<Fn&>
  task<void> call(Fn fn);

  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] once_statistics statistics() const noexcept {
    return {done_, runner_ != nullptr, waiters_.size()};
  }

 private:
  class turn_operation;

  // The right, and the duty, to run the function; passed on when it is dropped before succeeded().
  class turn {
   public:
    explicit turn(once* of) noexcept : once_(of) {}
    turn(turn&& other) noexcept : once_(std::exchange(other.once_, nullptr)) {}
    turn& operator=(turn&&) = delete;
    ~turn() {
      if (once_ != nullptr) once_->pass_on();
    }
    [[nodiscard]] bool empty() const noexcept { return once_ == nullptr; }
    void succeeded() noexcept { std::exchange(once_, nullptr)->finish(); }

   private:
    once* once_;
  };

  void pass_on() noexcept;
  void finish() noexcept;

  bool done_ = false;
  coro::task_state* runner_ = nullptr;
  intrusive_list<turn_operation> waiters_;
};

class once::turn_operation final : public coro::queued_operation {
 public:
  explicit turn_operation(once& of) noexcept : once_(&of) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete();
  void enqueue() noexcept { once_->waiters_.push_back(*this); }
  [[nodiscard]] turn take() const noexcept { return turn(granted_ ? once_ : nullptr); }

 private:
  friend once;
  once* once_;
  bool granted_ = false;
};

template <class Fn>
  requires std::is_invocable_v<Fn&>
task<void> once::call(Fn fn) {
  turn mine = co_await turn_operation(*this);
  if (mine.empty()) co_return;
  if constexpr (coro::callback<Fn>) {
    std::invoke(fn);
  } else {
    co_await std::invoke(fn);
  }
  mine.succeeded();
}

}  // namespace eddy
