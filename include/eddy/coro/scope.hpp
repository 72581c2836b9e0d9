// Cancel scopes: the part of a program that a cancellation or a deadline stops.
//
//   auto page = co_await eddy::with_scope([&](eddy::cancel_scope& s) -> eddy::task<std::string> {
//     stop_button.on_press([&] { s.cancel(); });
//     co_return co_await fetch(url);
//   });
//   if (!page) ...  // cancelled
//
// Scopes form a tree: a task is cancelled while any scope around its current point, out to the nearest shield, is. The
// scope that was cancelled absorbs its own `cancelled` at its end.
#pragma once

#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>

#include <eddy/base/time.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/timer_queue.hpp>

namespace eddy {

/// A scope as an object: may be made, cancelled and given a deadline before it is entered, and asked afterwards.
/// Entered once, by with_scope. Neither copyable nor movable; destroying it while entered stops the program. Cancelled
/// on its own loop only; other threads post.
class cancel_scope final : private coro::timed_scope_node, private coro::timer {
 public:
  cancel_scope() noexcept = default;
  /// With a deadline on the loop's clock; `never` means none.
  explicit cancel_scope(time_point deadline,
                        std::source_location where = std::source_location::current());
  ~cancel_scope();

  /// Cancels the scope and withdraws every operation suspended inside. The first call counts and returns true.
  bool cancel(cancel_reason reason = cancel_reason::requested, std::string text = {},
              std::source_location where = std::source_location::current()) {
    return scope_node::cancel(reason, std::move(text), where);
  }

  /// Whether this scope itself was cancelled, for whatever reason.
  [[nodiscard]] bool cancel_called() const noexcept { return own() != nullptr; }
  /// Whether it ended a `cancelled` of its own.
  [[nodiscard]] bool cancelled_caught() const noexcept { return caught_; }
  /// Whether tasks inside are cancelled, by this scope or from outside.
  [[nodiscard]] bool cancelled() const noexcept { return effective() != nullptr; }
  /// Its own reason; `parent` when only cancelled from outside; none when not cancelled.
  [[nodiscard]] std::optional<cancel_reason> reason() const noexcept;

  /// Moves, sets or (with `never`) removes the deadline. One that is not in the future cancels at once, with reason
  /// timeout; without effect on a scope that was cancelled already.
  void set_deadline(time_point deadline,
                    std::source_location where = std::source_location::current());
  [[nodiscard]] time_point deadline() const noexcept { return scope_node::deadline(); }

  /// Enters on construction, leaves on destruction. For those who write constructs.
  class entered {
   public:
    explicit entered(cancel_scope& scope);
    entered(const entered&) = delete;
    entered& operator=(const entered&) = delete;
    ~entered();

   private:
    cancel_scope& scope_;
    coro::task_state& task_;
  };

  /// Whether `stop` names this scope; it then counts as caught. For those who write constructs.
  [[nodiscard]] bool absorbs(const eddy::cancelled& stop) noexcept;

 private:
  void arm() noexcept;
  void expired() noexcept override;

  std::source_location deadline_set_at_{};
  bool was_entered_ = false;
  bool caught_ = false;
};

namespace coro {

/// What a scope gives around a body of type R: nothing stands for "cancelled".
template <class R>
struct unless_cancelled_of {
  using type = std::optional<R>;
};
template <>
struct unless_cancelled_of<void> {
  using type = bool;
};
template <class R>
struct unless_cancelled_of<R&> {
  using type = std::optional<std::reference_wrapper<R>>;
};
template <class R>
using unless_cancelled = typename unless_cancelled_of<R>::type;

/// A shield while it lives: scopes outside are unseen by the running task.
class shielded {
 public:
  /// `where`: the place of the shield, for reports.
  explicit shielded(std::source_location where);
  shielded(const shielded&) = delete;
  shielded& operator=(const shielded&) = delete;
  ~shielded();

 private:
  task_state& task_;
  shield_node node_;
};

}  // namespace coro

/// Runs `fn(scope)` inside `scope`. Gives its value, or nullopt (false for void) when the scope was cancelled and
/// absorbed that. Failures and the `cancelled` of other scopes pass.
template <class Fn>
auto with_scope(cancel_scope& scope, Fn fn)
    -> task<coro::unless_cancelled<coro::task_result<Fn, cancel_scope&>>> {
  using R = coro::task_result<Fn, cancel_scope&>;
  const cancel_scope::entered inside(scope);
  try {
    if constexpr (std::is_void_v<R>) {
      co_await std::invoke(fn, scope);
      co_return true;
    } else {
      co_return co_await std::invoke(fn, scope);
    }
  } catch (const cancelled& stop) {
    if (!scope.absorbs(stop)) throw;
  }
  co_return coro::unless_cancelled<R>();
}

/// The same in a scope of its own.
template <class Fn>
  requires coro::makes_task<Fn, cancel_scope&>
auto with_scope(Fn fn) -> task<coro::unless_cancelled<coro::task_result<Fn, cancel_scope&>>> {
  cancel_scope scope;
  co_return co_await with_scope(scope, std::move(fn));
}

/// Runs `op` unseen by the scopes outside, to its end; is never left early. Scopes inside count as usual.
template <coro::awaitable A>
task<coro::await_result<A>> shield(A op) {
  const std::source_location where = co_await coro::caller_place();
  const coro::shielded inside(where);
  co_return co_await std::move(op);
}

/// The earliest deadline of the scopes around the running task, out to the nearest shield; `never` when there is none;
/// time_point::min() in a cancelled task.
[[nodiscard]] time_point current_deadline();

/// Whether the running task is cancelled: its next operation would be refused. On a pool thread: whether the task that
/// waits for the call is.
[[nodiscard]] bool is_cancelled();

/// Throws `cancelled` if the running task is: a cancellation point for code that computes without waiting.
void throw_if_cancelled();

}  // namespace eddy
