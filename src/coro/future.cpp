#include <eddy/coro/future.hpp>

#include <eddy/coro/scheduler.hpp>

namespace eddy::coro {

void future_state_base::settle() noexcept {
  ready_ = true;
  while (wait* waiter = waiters_.pop_front()) waiter->complete();
}

bool future_state_base::fail(std::exception_ptr failure) noexcept {
  if (ready_) return false;
  failure_ = std::move(failure);
  settle();
  return true;
}

void future_state_base::abandon() noexcept {
  if (fail(std::make_exception_ptr(error(errc::broken_promise, "promise")))) observed_ = true;
}

void future_state_base::dispose() noexcept {
  if (failure_ && !observed_) {
    if (auto* loop = scheduler::current()) {
      loop->report({"a promise's error was never observed", failure_, {}, made_at_});
    }
  }
  delete this;
}

}  // namespace eddy::coro
