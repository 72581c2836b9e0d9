// task<T>: the type of every asynchronous function.
//
//   eddy::task<std::string> greet(std::string name) {
//     co_await eddy::sleep(10ms);
//     co_return "hello, " + name;
//   }
//   std::string text = co_await greet("world");
//
// A task is lazy: nothing runs until it is awaited. It is then a part of the awaiting task: no queue lies in between,
// and it is cancelled with it. To run it beside the awaiting task, give it to spawn, a group, gather or race.
#pragma once

#include <coroutine>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/coro/outcome.hpp>
#include <eddy/coro/promise_base.hpp>

namespace eddy {

template <class T = void>
class task;

namespace coro {

template <class T>
class task_promise : public promise_base {
 public:
  explicit task_promise(std::source_location made_at = std::source_location::current()) noexcept
      : promise_base(made_at) {}
  task<T> get_return_object() noexcept;

  template <class U>
    requires std::is_convertible_v<U&&, T>
  void return_value(U&& value) {
    if constexpr (std::is_reference_v<T>) {
      T bound = std::forward<U>(value);
      outcome_.set_value(std::addressof(bound));
    } else {
      outcome_.set_value(std::forward<U>(value));
    }
  }
  void unhandled_exception() noexcept { outcome_.set_exception(unhandled()); }
  [[nodiscard]] outcome<T>& result() noexcept { return outcome_; }

 private:
  static_assert(alignof(stored<T>) <= frame_alignment, "frames are not aligned for this type");
  outcome<T> outcome_;
};

template <>
class task_promise<void> : public promise_base {
 public:
  explicit task_promise(std::source_location made_at = std::source_location::current()) noexcept
      : promise_base(made_at) {}
  task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void unhandled_exception() noexcept { outcome_.set_exception(unhandled()); }
  [[nodiscard]] completion& result() noexcept { return outcome_; }

 private:
  completion outcome_;
};

/// Debug builds: reports a task that its owner dropped unstarted, once for all tasks that go with it, and not while an
/// exception is passing, which is then the reason.
class unawaited_report {
 public:
  explicit unawaited_report(const promise_base& unstarted) noexcept;
  unawaited_report(const unawaited_report&) = delete;
  unawaited_report& operator=(const unawaited_report&) = delete;
  ~unawaited_report();
};

/// Owns a suspended frame; destroys it unless released.
template <class Promise>
class frame_owner {
 public:
  frame_owner() noexcept = default;
  explicit frame_owner(std::coroutine_handle<Promise> frame) noexcept : frame_(frame) {}
  frame_owner(frame_owner&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  frame_owner& operator=(frame_owner&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~frame_owner() { reset(); }

  [[nodiscard]] std::coroutine_handle<Promise> get() const noexcept { return frame_; }
  [[nodiscard]] std::coroutine_handle<Promise> release() noexcept {
    return std::exchange(frame_, {});
  }
  void reset() noexcept {
    if (auto frame = release()) frame.destroy();
  }

 private:
  std::coroutine_handle<Promise> frame_;
};

/// Runs a task inside the awaiting one and hands over its result; the task's frame is gone before the awaiter goes on.
template <class T, transfer Mode>
class task_awaiter {
 public:
  explicit task_awaiter(std::coroutine_handle<task_promise<T>> frame) noexcept : frame_(frame) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }

  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    frame_.promise().set_awaiting(parent);
    return transfer_to<Mode>(frame_);
  }

  T await_resume() {
    const frame_owner<task_promise<T>> ended(frame_);
    return frame_.promise().result().take();
  }

 private:
  // Owned from await_ready() to await_resume(): nothing destroys a frame between its await and its end.
  std::coroutine_handle<task_promise<T>> frame_;
};

}  // namespace coro

/// Move-only; owns its frame. Awaited once, as an rvalue: `co_await f()` or `co_await std::move(t)`; a second await, or
/// one after it was moved from, stops the program. Destroyed without being awaited, its body never runs. T may be void,
/// a value (move-only too) or a reference. Exceptions of the body, `cancelled` among them, leave the await.
template <class T>
class [[nodiscard("a task does nothing until it is awaited")]] task {
 public:
  using value_type = T;
  using promise_type = coro::task_promise<T>;

  task(task&&) noexcept = default;
  task& operator=(task&&) noexcept = default;
  ~task() {
    if constexpr (debug_checks) {
      if (frame_.get() == nullptr) return;
      const coro::unawaited_report report(frame_.get().promise());
      frame_.reset();
    }
  }

  /// Whether there is something to await.
  [[nodiscard]] explicit operator bool() const noexcept { return frame_.get() != nullptr; }

  /// For co_await; see promise_base.
  [[nodiscard]] auto inside_awaiter() && {
    return coro::task_awaiter<T, coro::default_transfer>(
        std::move(*this).release_frame().release());
  }

  /// Gives up the frame to whoever runs it; for those who write constructs.
  [[nodiscard]] coro::frame_owner<promise_type> release_frame() && {
    check(static_cast<bool>(*this), "a task was awaited twice, or after it was moved from");
    return std::move(frame_);
  }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  coro::frame_owner<promise_type> frame_;
};

namespace coro {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}

inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

template <class A>
struct await_result_of;
template <runs_inside A>
struct await_result_of<A> {
  using type = decltype(std::declval<A>().inside_awaiter().await_resume());
};
template <operation_type A>
struct await_result_of<A> {
  using type = decltype(std::declval<std::remove_cvref_t<A>&>().take());
};
template <makes_operation A>
struct await_result_of<A> {
  using type = decltype(std::declval<A>().awaiting().take());
};

/// Something to call once outside tasks; what it returns is dropped, so it must not be a task.
template <class Fn>
concept callback =
    std::is_invocable_v<std::decay_t<Fn>&> && !awaitable<std::invoke_result_t<std::decay_t<Fn>&>>;

/// What `co_await` of an A gives.
template <awaitable A>
using await_result = typename await_result_of<A>::type;

/// Any awaitable as a task; a task is passed through.
template <class T>
task<T> as_task(task<T> t) {
  return t;
}
template <awaitable A>
  requires(!is_task<std::remove_cvref_t<A>>)
task<std::decay_t<await_result<A>>> as_task(A awaited) {
  co_return co_await std::move(awaited);
}

}  // namespace coro
}  // namespace eddy
