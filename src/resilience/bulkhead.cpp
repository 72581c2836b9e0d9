#include <eddy/resilience/bulkhead.hpp>

#include <eddy/base/check.hpp>

namespace eddy {

bulkhead::bulkhead(const bulkhead_options& options)
    : name_(options.name),
      max_concurrent_(options.max_concurrent),
      max_waiting_(options.max_waiting) {
  if (max_concurrent_ == 0) throw_invalid_input("bulkhead: max_concurrent is zero");
}

bulkhead::~bulkhead() {
  check(running_ == 0 && waiters_.empty(),
        "a bulkhead was destroyed while calls run or wait in it");
}

bool bulkhead::try_enter() noexcept {
  if (running_ >= max_concurrent_) return false;
  ++running_;
  ++admitted_;
  return true;
}

void bulkhead::leave() noexcept {
  acquire_operation* next = waiters_.pop_front();
  if (next == nullptr) {
    --running_;
    return;
  }
  --waiting_;
  ++admitted_;
  next->complete();
}

void bulkhead::throw_full() const {
  throw error(make_error_code(resilience::errc::bulkhead_full), "call", name_);
}

coro::wait_info bulkhead::acquire_operation::describe() const {
  return {"bulkhead.acquire", bulkhead_, nullptr, bulkhead_->name_};
}

}  // namespace eddy
