// Operations: the leaves that can suspend. Everything that waits in eddy is one of them.
//
// To write one, derive from `operation` (or `queued_operation`, which also has links for a wait queue) and give it
//
//   bool try_complete();            // on entry: true when it is done at once, with its result stored
//   void enqueue();                 // otherwise: start waiting; something calls complete() later
//   void withdraw() noexcept;       // override: a cancellation stops the wait (see below)
//   T take();                       // after completion: the result, or throws the failure
//   wait_info describe() const;     // override: what it waits for, for the task tree
//
// and return it by value from a plain verb; `co_await` does the rest: it refuses the operation in a cancelled task
// before try_complete, counts inline completions against the loop's budget, suspends the task and resumes it through
// the ready queue. complete() may be called once, on the loop's thread, from anywhere; the task runs later.
//
// withdraw() is called inside cancel() while the task is suspended. An operation that can leave its queue at once does
// so and calls withdrawn(): the task then throws `cancelled`. One whose end has to be waited for (kernel, thread)
// starts the withdrawal and later calls withdrawn() or, if it was too late, complete(). One that must not be
// interrupted does nothing. An operation object is movable until it is awaited and awaited at most once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/base/time.hpp>

namespace eddy::coro {

class task_state;
class scheduler;
class composite_operation;
template <class Op>
class operation_awaiter;

/// What a suspended task waits for. `kind` names the operation ("mutex.lock"), `object` what it waits on, `holder` the
/// task that has it if one does, `detail` anything worth reading (an address, a file descriptor).
struct wait_info {
  std::string_view kind;
  const void* object = nullptr;
  const task_state* holder = nullptr;
  std::string detail = {};
};

class operation {
 public:
  operation& operator=(const operation&) = delete;

  [[nodiscard]] virtual wait_info describe() const = 0;

  /// How long a task has waited here at `now`, for diagnostics.
  [[nodiscard]] duration waited(time_point now) const noexcept {
    const auto at = static_cast<std::uint64_t>(now.time_since_epoch().count());
    return duration(static_cast<std::int64_t>((at - since_) & since_mask));
  }

  /// An operation that redefines this as true is neither refused nor interrupted: for the joins of constructs.
  static constexpr bool uninterruptible = false;

 protected:
  operation() noexcept = default;
  operation(operation&& other) noexcept {
    check(other.state_ == state::fresh, "an operation was moved after it had been awaited");
  }
  ~operation() = default;

  virtual void withdraw() noexcept = 0;
  /// `part`, in which this operation waited, has ended. Only a composite_operation has parts.
  virtual void part_ended(operation& part) noexcept;

  /// The result is there: the task becomes ready and gets it, whatever happens until it runs.
  void complete() noexcept;
  /// The wait has ended without effect: the task becomes ready and throws `cancelled`.
  void withdrawn() noexcept;

  /// The task that awaits; null before the await.
  [[nodiscard]] task_state* task() const noexcept { return task_; }
  /// The loop of that task; only once awaited.
  [[nodiscard]] scheduler& loop() const noexcept;
  /// Whether the task is suspended here and neither completed nor withdrawn.
  [[nodiscard]] bool pending() const noexcept {
    return state_ == state::suspended || state_ == state::withdrawing;
  }
  /// Whether a cancellation has asked for the withdrawal already.
  [[nodiscard]] bool withdrawing() const noexcept { return state_ == state::withdrawing; }

 private:
  friend class task_state;
  friend class composite_operation;
  template <class Op>
  friend class operation_awaiter;

  enum class state : std::uint8_t { fresh, suspended, withdrawing, completed, cancelled };
  static constexpr std::uint64_t since_mask = (std::uint64_t{1} << 56) - 1;

  void end(state outcome) noexcept;
  /// The task waits here from `now` on.
  void suspend(time_point now) noexcept {
    state_ = state::suspended;
    since_ = static_cast<std::uint64_t>(now.time_since_epoch().count()) & since_mask;
  }

  task_state* task_ = nullptr;
  state state_ : 8 = state::fresh;
  std::uint64_t since_ : 56 = 0;  // the loop's time, whose upper bits no difference needs
};

/// An operation with links for one wait queue: `intrusive_list<queued_operation>` or of a derived type.
class queued_operation : public operation, public list_hook<> {
 protected:
  queued_operation() noexcept = default;
  queued_operation(queued_operation&&) noexcept = default;
  ~queued_operation() = default;

  /// Leaves the queue at once; for queues whose bookkeeping needs no more.
  void withdraw() noexcept override {
    unlink();
    withdrawn();
  }
};

}  // namespace eddy::coro
