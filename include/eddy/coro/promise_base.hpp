// What all coroutines of eddy have in common: frames from the pool, a link to the awaiting frame, the place of the
// current await, and the rules of what may be awaited.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include <eddy/coro/cancelled.hpp>
#include <eddy/coro/frame_pool.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/task_state.hpp>

namespace eddy::coro {

// Control moves from frame to frame either by symmetric transfer, where the compiler makes it a tail call, or by
// noting the next frame for the loop's resume() to run, where it does not. The choice is a template argument of the
// awaiters, so that files built with different options can be linked together.
enum class transfer { symmetric, pump };

#if defined(__clang__)
inline constexpr transfer default_transfer = transfer::symmetric;
#elif defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
inline constexpr transfer default_transfer = transfer::symmetric;
#else
inline constexpr transfer default_transfer = transfer::pump;
#endif

/// The frame to run next on this thread when the running one suspends; null: none. Only in transfer::pump.
extern thread_local constinit void* pumped_frame [[gnu::tls_model("initial-exec")]];

class promise_base;

/// The frame that runs on this thread: the one whose code is on top of the current task. Null outside tasks.
extern thread_local constinit promise_base* running_frame [[gnu::tls_model("initial-exec")]];

/// Resumes a frame and, in pump mode, all that follow from it, in constant stack.
inline void run_frames(std::coroutine_handle<> frame) {
  frame.resume();
  while (pumped_frame != nullptr) [[unlikely]] {
    std::coroutine_handle<>::from_address(std::exchange(pumped_frame, nullptr)).resume();
  }
}

template <transfer Mode>
[[gnu::always_inline]] inline auto transfer_to(std::coroutine_handle<> next) noexcept {
  if constexpr (Mode == transfer::symmetric) {
    return next;
  } else {
    pumped_frame = next.address();
  }
}

/// Resumes the awaiting frame, or ends the task when this was its outermost frame.
template <transfer Mode>
struct final_awaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> ended) const noexcept;
  void await_resume() const noexcept {}
};

/// Neither refused in a cancelled task nor interrupted: the joins of constructs. Has `static constexpr bool
/// uninterruptible = true`.
template <class Op>
concept uninterruptible_operation = std::remove_cvref_t<Op>::uninterruptible;

// Out of the way of the code that awaits.
[[noreturn, gnu::cold]] void stop_awaited_outside() noexcept;
[[noreturn, gnu::cold]] void stop_awaited_twice() noexcept;

/// Awaits an operation: refusal, budget, suspension, resumption. Op is a reference for an operation that lives in the
/// awaiting frame, or a type for one made for this await.
template <class Op>
class operation_awaiter {
 public:
  explicit operation_awaiter(Op&& op)
    requires std::is_reference_v<Op>
      : op_(static_cast<Op&&>(op)) {}
  template <class Make>
  operation_awaiter(std::in_place_t, Make&& make) : op_(std::forward<Make>(make)()) {}

  bool await_ready() {
    scheduler* const current = scheduler::current();
    if (current == nullptr || current->current_task() == nullptr) [[unlikely]]
      stop_awaited_outside();
    if (base().state_ != operation::state::fresh) [[unlikely]]
      stop_awaited_twice();
    scheduler& loop = *current;
    task_state& task = *loop.current_task();
    base().task_ = &task;
    if constexpr (uninterruptible_operation<Op>) {
      if (!op_.try_complete()) return false;
      base().state_ = operation::state::completed;
      return true;
    }
    if (loop.observer() != nullptr) [[unlikely]]
      loop.observer()->entering(task);
    if (task.innermost_scope()->effective() != nullptr) [[unlikely]] {
      base().state_ = operation::state::cancelled;
    } else if (op_.try_complete()) {
      base().state_ = operation::state::completed;
    } else {
      return false;
    }
    return loop.spend_budget();
  }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    task_state& task = *base().task_;
    scheduler& loop = task.loop();
    task.resume_point_ = frame;
    if (base().state_ != operation::state::fresh) {  // over already; only the budget is used up
      loop.make_ready(task);
      return;
    }
    base().suspend(loop.turn_started());
    task.waiting_ = &op_;
    start_waiting(task);
    if constexpr (!uninterruptible_operation<Op>) {
      if (loop.observer() != nullptr) [[unlikely]]
        loop.observer()->suspended(task);
    }
  }

  decltype(auto) await_resume() {
    if (base().state_ == operation::state::cancelled) [[unlikely]]
      throw_cancelled(*base().task_);
    return op_.take();
  }

 private:
  // An exception from enqueue() leaves the co_await, so the task must not look suspended then.
  void start_waiting(task_state& task) {
    if constexpr (noexcept(op_.enqueue())) {
      op_.enqueue();
    } else {
      try {
        op_.enqueue();
      } catch (...) {
        task.waiting_ = nullptr;
        throw;
      }
    }
  }

  [[noreturn]] static void throw_cancelled(task_state& task);
  // A derived operation may use the base's names for members of its own.
  [[nodiscard]] operation& base() noexcept { return op_; }

  Op op_;
};

/// Throws the `cancelled` that names the outermost cancelled scope around the running task.
[[noreturn]] void throw_cancelled_in(task_state& task);

template <class Op>
void operation_awaiter<Op>::throw_cancelled(task_state& task) {
  throw_cancelled_in(task);
}

template <class T>
concept operation_type = std::derived_from<std::remove_cvref_t<T>, operation>;

/// Has a member `awaiting()` that makes the operation to await: handles, futures.
template <class T>
concept makes_operation = requires(T&& t) {
  { std::forward<T>(t).awaiting() } -> operation_type;
};

/// Has a member `start_awaiter()`: tasks and generators, which run in the awaiting task itself.
template <class T>
concept runs_inside = requires(T&& t) { std::forward<T>(t).inside_awaiter(); };

template <class T>
concept awaitable = operation_type<T> || makes_operation<T> || runs_inside<T>;

class promise_base : public pooled {
 public:
  /// `made_at` is the coroutine function itself: the compiler calls this from there.
  explicit promise_base(std::source_location made_at) noexcept : await_place_(made_at) {}

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] final_awaiter<default_transfer> final_suspend() const noexcept { return {}; }

  template <class A>
  auto await_transform(A&& awaited, std::source_location place = std::source_location::current()) {
    await_place_ = place;
    if constexpr (runs_inside<A>) {
      return std::forward<A>(awaited).inside_awaiter();
    } else if constexpr (operation_type<A>) {
      static_assert(!std::is_lvalue_reference_v<A>,
                    "an operation is awaited where it is made, or after std::move");
      return operation_awaiter<std::remove_cvref_t<A>&&>(std::move(awaited));
    } else {
      static_assert(makes_operation<A>,
                    "this cannot be awaited; a task has to be awaited as an rvalue");
      using op = decltype(std::forward<A>(awaited).awaiting());
      return operation_awaiter<op>(std::in_place,
                                   [&] { return std::forward<A>(awaited).awaiting(); });
    }
  }

  /// The frame that awaits this one; null for a task's outermost frame.
  [[nodiscard]] promise_base* awaited_by() const noexcept {
    if (is_outermost()) return nullptr;
    // No promise needs more than frame_alignment, so all frames have it in the same place.
    return &std::coroutine_handle<promise_base>::from_address(awaited_by_).promise();
  }
  /// Where this frame awaits or last awaited; before its first await, the coroutine function.
  [[nodiscard]] std::source_location await_place() const noexcept { return await_place_; }

  /// Makes `frame`'s owner the one to go on with when this frame ends or yields.
  void set_awaiting(std::coroutine_handle<> frame) noexcept {
    awaited_by_ = frame.address();
    running_frame = this;
  }
  /// Control goes back to the awaiting frame.
  void set_ended() const noexcept { running_frame = awaited_by(); }
  /// Makes this the outermost frame of `task`.
  void set_outermost(task_state& task) noexcept {
    awaited_by_ = reinterpret_cast<char*>(&task) + outermost_mark;
  }
  [[nodiscard]] bool is_outermost() const noexcept {
    return (reinterpret_cast<std::uintptr_t>(awaited_by_) & outermost_mark) != 0;
  }
  [[nodiscard]] std::coroutine_handle<> continuation() const noexcept {
    return std::coroutine_handle<>::from_address(awaited_by_);
  }
  [[nodiscard]] task_state& outermost_of() const noexcept {
    return *reinterpret_cast<task_state*>(static_cast<char*>(awaited_by_) - outermost_mark);
  }

 protected:
  /// In unhandled_exception: the exception, with the chain of awaits noted for reports.
  [[nodiscard]] std::exception_ptr unhandled() noexcept;

 private:
  static constexpr std::uintptr_t outermost_mark = 1;

  // The awaiting frame; for an outermost frame its task_state, marked in the lowest bit; before the start the mark.
  void* awaited_by_ = reinterpret_cast<void*>(outermost_mark);
  std::source_location await_place_;
};

/// `co_await caller_place()` in a construct's coroutine: where that coroutine is awaited. Does not suspend.
class caller_place {
 public:
  class awaiter {
   public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      const promise_base* caller = frame.promise().awaited_by();
      place_ =
          caller != nullptr ? caller->await_place() : frame.promise().outermost_of().spawned_at();
      return false;
    }
    [[nodiscard]] std::source_location await_resume() const noexcept { return place_; }

   private:
    std::source_location place_;
  };
  [[nodiscard]] awaiter inside_awaiter() const noexcept { return {}; }
};

inline promise_base* task_state::innermost_frame() const noexcept {
  if (!resume_point_) return nullptr;
  return &std::coroutine_handle<promise_base>::from_address(resume_point_.address()).promise();
}

template <transfer Mode>
template <class Promise>
auto final_awaiter<Mode>::await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
  promise_base& promise = ended.promise();
  if (!promise.is_outermost()) [[likely]] {
    promise.set_ended();
    if constexpr (Mode == transfer::symmetric) {
      return promise.continuation();
    } else {
      return transfer_to<Mode>(promise.continuation());
    }
  }
  promise.outermost_of().body_ended(ended);  // destroys the frame
  if constexpr (Mode == transfer::symmetric) return std::coroutine_handle<>(std::noop_coroutine());
}

}  // namespace eddy::coro
