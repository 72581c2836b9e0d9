#include <eddy/sync/barrier.hpp>

#include <string>

#include <eddy/base/error.hpp>

namespace eddy {

barrier::barrier(std::size_t parties) : parties_(parties) {
  if (parties == 0) throw_invalid_input("barrier: no parties");
}

void barrier::reset() noexcept {
  broken_ = false;
  fail_waiters();
}

void barrier::abort() noexcept {
  broken_ = true;
  fail_waiters();
}

void barrier::release_round() noexcept {
  waiting_ = 0;
  std::size_t index = 0;
  while (arrive_operation* waiter = waiters_.pop_front()) {
    waiter->index_ = index++;
    waiter->complete();
  }
}

void barrier::fail_waiters() noexcept {
  waiting_ = 0;
  while (arrive_operation* waiter = waiters_.pop_front()) {
    waiter->failed_ = true;
    waiter->complete();
  }
}

coro::wait_info barrier::arrive_operation::describe() const {
  return {"barrier.arrive_and_wait", barrier_, nullptr,
          std::to_string(barrier_->waiting_) + " of " + std::to_string(barrier_->parties_)};
}

bool barrier::arrive_operation::try_complete() noexcept {
  failed_ = barrier_->broken_;
  if (failed_) return true;
  if (barrier_->waiting_ + 1 < barrier_->parties_) return false;
  index_ = barrier_->waiting_;
  barrier_->release_round();
  return true;
}

std::size_t barrier::arrive_operation::take() const {
  if (failed_) throw_error(errc::broken_barrier, "barrier.arrive_and_wait");
  return index_;
}

void barrier::arrive_operation::withdraw() noexcept {
  unlink();
  --barrier_->waiting_;
  withdrawn();
}

}  // namespace eddy
