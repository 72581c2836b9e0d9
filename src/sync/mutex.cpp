#include <eddy/sync/mutex.hpp>

#include "place_text.hpp"

#include <string>

#include <eddy/base/check.hpp>

namespace eddy {

using sync::detail::place_text;

std::optional<mutex::guard> mutex::try_lock(std::source_location where) {
  coro::task_state& task = coro::scheduler::require().require_task();
  if (holder_ != nullptr) return std::nullopt;
  give_to(task, where);
  return guard(*this);
}

mutex_statistics mutex::statistics() const {
  mutex_statistics now;
  now.locked = locked();
  if (holder_ != nullptr) {
    now.holder = any_task_handle(*holder_);
    now.locked_at = locked_at_;
  }
  now.waiters = waiters_.size();
  return now;
}

void mutex::stop_in_use() const noexcept {
  std::string mistake =
      "a mutex was destroyed while " + std::to_string(waiters_.size()) + " tasks wait for it";
  if (holder_ != nullptr) {
    mistake += "; held by " + holder_->name() + ", locked at " + place_text(locked_at_);
  }
  stop_program(mistake);
}

void mutex::stop_relocked(std::source_location where) const noexcept {
  stop_program(holder_->name() + " locked a mutex that it holds already; first locked at " +
                   place_text(locked_at_),
               where);
}

void mutex::stop_foreign_unlock(std::source_location where) const noexcept {
  const coro::scheduler* loop = coro::scheduler::current();
  const coro::task_state* task = loop != nullptr ? loop->current_task() : nullptr;
  stop_program((task != nullptr ? task->name() : std::string("code outside any task")) +
                   " unlocked a mutex held by " + holder_->name() + ", locked at " +
                   place_text(locked_at_),
               where);
}

coro::wait_info mutex::lock_operation::describe() const {
  return {"mutex.lock", mutex_, mutex_->holder_, "locked at " + place_text(mutex_->locked_at_)};
}

}  // namespace eddy
