#include <eddy/sync/once.hpp>

#include <eddy/coro/scheduler.hpp>

namespace eddy {

void once::pass_on() noexcept {
  runner_ = nullptr;
  if (turn_operation* next = waiters_.pop_front()) {
    runner_ = next->task();
    next->granted_ = true;
    next->complete();
  }
}

void once::finish() noexcept {
  done_ = true;
  runner_ = nullptr;
  while (turn_operation* waiter = waiters_.pop_front()) waiter->complete();
}

coro::wait_info once::turn_operation::describe() const {
  return {"once.call", once_, once_->runner_};
}

bool once::turn_operation::try_complete() {
  if (once_->done_) return true;
  check(once_->runner_ != task(), "the function of a once called the same once again");
  if (once_->runner_ != nullptr) return false;
  once_->runner_ = task();
  granted_ = true;
  return true;
}

}  // namespace eddy
