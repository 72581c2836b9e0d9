// Operations that are made of other operations, which wait in place: no tasks in between.
//
// The task waits in the composite; its parts stand in their wait queues as if the task waited in each of them. When one
// of them ends, part_ended() decides what that means for the whole.
#pragma once

#include <eddy/base/check.hpp>
#include <eddy/coro/operation.hpp>

namespace eddy::coro {

/// To write one, derive from it and redefine part_ended(). The composite owns its parts and outlives their waits.
class composite_operation : public operation {
 protected:
  composite_operation() noexcept = default;
  composite_operation(composite_operation&&) noexcept = default;
  ~composite_operation() = default;

  /// Whether `part` can complete at once; if so it has. Before or after the task was suspended, once per part unless it
  /// gives false.
  template <class Op>
  [[nodiscard]] bool try_part(Op& part) {
    adopt(part);
    if (!part.try_complete()) return false;
    static_cast<operation&>(part).state_ = state::completed;
    return true;
  }
  /// Lets `part` wait; try_part gave false. part_ended() is called for it once.
  template <class Op>
  void suspend_part(Op& part) noexcept {
    static_assert(noexcept(part.enqueue()), "a part's enqueue() must not throw");
    static_cast<operation&>(part).state_ = state::suspended;
    part.enqueue();
  }
  /// Ends the wait of `part`, which must be one that can leave its queue at once; without effect unless it waits.
  static void withdraw_part(operation& part) noexcept {
    if (!part.pending()) return;
    part.state_ = state::withdrawing;
    part.withdraw();
    check(!part.pending(), "a part of an operation could not be withdrawn at once");
  }
  [[nodiscard]] static bool has_completed(const operation& part) noexcept {
    return part.state_ == state::completed;
  }

  /// Makes the running task the one for which try_part() is called, without a wait.
  void begin_unawaited();

 private:
  void adopt(operation& part) const {
    check(part.state_ == state::fresh, "an operation was awaited twice");
    part.task_ = task();
  }
};

}  // namespace eddy::coro
