#include <eddy/sync/latch.hpp>

#include <string>

#include <eddy/base/error.hpp>

namespace eddy {

latch::latch(std::ptrdiff_t count) : count_(count) {
  if (count < 0) throw_invalid_input("latch: negative count");
}

void latch::count_down(std::ptrdiff_t n) {
  if (n < 0) throw_invalid_input("latch: count_down of a negative number");
  check(n <= count_, "a latch was counted below zero");
  count_ -= n;
  if (count_ != 0) return;
  while (wait_operation* waiter = waiters_.pop_front()) waiter->complete();
}

coro::wait_info latch::wait_operation::describe() const {
  return {"latch.wait", latch_, nullptr, std::to_string(latch_->count_) + " to count down"};
}

}  // namespace eddy
