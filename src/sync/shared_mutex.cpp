#include <eddy/sync/shared_mutex.hpp>

#include "place_text.hpp"

#include <string>

#include <eddy/base/check.hpp>
#include <eddy/coro/scheduler.hpp>

namespace eddy {

using sync::detail::place_text;

shared_mutex::~shared_mutex() {
  if (holds_.empty() && waiters_.empty()) return;
  std::string mistake = "a shared mutex was destroyed while " + std::to_string(waiters_.size()) +
                        " tasks wait for it";
  if (const hold* held = holds_.front()) {
    mistake += "; held by " + held->task->name() + ", locked at " + place_text(held->where);
  }
  stop_program(mistake);
}

void shared_mutex::hold::take_over(hold& other) noexcept {
  of = std::exchange(other.of, nullptr);
  task = other.task;
  where = other.where;
  if (of == nullptr) return;
  other.unlink();
  of->holds_.push_back(*this);
}

void shared_mutex::give(hold& to, mode granted, coro::task_state& task,
                        std::source_location where) noexcept {
  task.retain();
  to.of = this;
  to.task = &task;
  to.where = where;
  mode_ = granted;
  holds_.push_back(to);
}

void shared_mutex::unlock(hold& held, std::source_location where) noexcept {
  const coro::scheduler* loop = coro::scheduler::current();
  if (loop == nullptr || loop->current_task() != held.task) {
    stop_program("a shared mutex was unlocked by another task than " + held.task->name() +
                     ", which locked it at " + place_text(held.where),
                 where);
  }
  held.unlink();
  held.of = nullptr;
  held.task->release();
  grant();
}

void shared_mutex::grant() noexcept {
  // Looked at afresh each time: what completes may take others off the queue.
  for (wait_base* head = waiters_.front(); head != nullptr && may_enter(head->mode_);
       head = waiters_.front()) {
    waiters_.pop_front();
    give(head->hold_, head->mode_, *head->task(), head->where_);
    head->complete();
  }
}

void shared_mutex::require_not_held_by(const coro::task_state* task,
                                       std::source_location where) noexcept {
  for (hold* h = holds_.front(); h != nullptr; h = holds_.next(*h)) {
    if (h->task != task) continue;
    stop_program(task->name() +
                     " waits for a shared mutex that it holds already; first locked at " +
                     place_text(h->where),
                 where);
  }
}

std::optional<shared_mutex::guard> shared_mutex::try_enter(mode wanted,
                                                           std::source_location where) {
  coro::task_state& task = coro::scheduler::require().require_task();
  if (!may_enter(wanted) || !waiters_.empty()) return std::nullopt;
  hold granted;
  give(granted, wanted, task, where);
  return guard(std::move(granted));
}

std::optional<shared_mutex::guard> shared_mutex::try_lock(std::source_location where) {
  return try_enter(mode::exclusive, where);
}

std::optional<shared_mutex::guard> shared_mutex::try_lock_shared(std::source_location where) {
  return try_enter(mode::shared, where);
}

shared_mutex_statistics shared_mutex::statistics() const {
  shared_mutex_statistics now;
  now.locked = mode_ == mode::exclusive && !holds_.empty();
  now.readers = now.locked ? 0 : holds_.size();
  if (now.locked) now.writer = any_task_handle(*holds_.front()->task);
  now.waiters = waiters_.size();
  return now;
}

coro::wait_info shared_mutex::wait_base::describe() const {
  const hold* held = mutex_->holds_.front();
  return {mode_ == mode::exclusive ? "shared_mutex.lock" : "shared_mutex.lock_shared", mutex_,
          held != nullptr ? held->task : nullptr,
          held != nullptr ? "locked at " + place_text(held->where) : std::string()};
}

bool shared_mutex::wait_base::try_complete() {
  if (mutex_->may_enter(mode_) && mutex_->waiters_.empty()) {
    mutex_->give(hold_, mode_, *task(), where_);
    return true;
  }
  mutex_->require_not_held_by(task(), where_);
  return false;
}

void shared_mutex::wait_base::withdraw() noexcept {
  unlink();
  withdrawn();
  mutex_->grant();  // this one may have been all that kept those behind it waiting
}

}  // namespace eddy
