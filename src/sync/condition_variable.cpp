#include <eddy/sync/condition_variable.hpp>

namespace eddy {

void condition_variable::require_held(const mutex* of, const coro::task_state* by,
                                      std::source_location where) {
  check(of != nullptr && of->holder_ == by, not_held, where);
}

void condition_variable::notify_one() noexcept {
  if (wait_operation* waiter = waiters_.pop_front()) waiter->take_mutex_back();
}

void condition_variable::notify_all() noexcept {
  while (wait_operation* waiter = waiters_.pop_front()) waiter->take_mutex_back();
}

coro::wait_info condition_variable::wait_operation::describe() const {
  if (!linked()) return relock_.describe();
  return {"condition_variable.wait", condition_};
}

void condition_variable::wait_operation::enqueue() noexcept {
  condition_->waiters_.push_back(*this);
  mutex_->unlock(where_);
}

void condition_variable::wait_operation::withdraw() noexcept {
  if (!linked())
    return;  // notified first: all that is left is the mutex, for which it waits whatever happens
  unlink();
  cancelled_ = true;
  take_mutex_back();
}

void condition_variable::wait_operation::take_mutex_back() noexcept {
  if (try_part(relock_)) {
    part_ended(relock_);
  } else {
    suspend_part(relock_);
  }
}

void condition_variable::wait_operation::part_ended(coro::operation&) noexcept {
  if (cancelled_) {
    withdrawn();
  } else {
    complete();
  }
}

}  // namespace eddy
