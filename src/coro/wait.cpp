#include <eddy/coro/wait.hpp>

#include <algorithm>

#include <eddy/coro/scheduler.hpp>

namespace eddy::coro {

wait_operation::wait_operation(std::vector<task_state*> tasks, wait_until when,
                               std::optional<duration> timeout)
    : tasks_(std::move(tasks)), timeout_(timeout), when_(when) {}

wait_operation::wait_operation(wait_operation&& other) noexcept
    : operation(std::move(other)),
      tasks_(std::move(other.tasks_)),
      timeout_(other.timeout_),
      when_(other.when_) {}

wait_operation::~wait_operation() = default;

bool wait_operation::enough() const noexcept {
  const auto done = [](const task_state* task) { return task->done(); };
  const auto failed = [](const task_state* task) { return task->status() == task_status::failed; };
  switch (when_) {
    case wait_until::first_completed: return std::ranges::any_of(tasks_, done);
    case wait_until::first_failed:
      return std::ranges::any_of(tasks_, failed) || std::ranges::all_of(tasks_, done);
    case wait_until::all_completed: break;
  }
  return std::ranges::all_of(tasks_, done);
}

void wait_operation::enqueue() {
  watches_.reserve(tasks_.size());  // watches must not move once linked
  for (task_state* task : tasks_) {
    if (task->done()) continue;
    task->watchers().push_back(watches_.emplace_back(*this));
  }
  unfinished_ = watches_.size();
  if (timeout_) loop().timers().add(*this, after(loop().now(), *timeout_));
}

void wait_operation::on_end(task_state& ended) noexcept {
  --unfinished_;
  const bool wake = when_ == wait_until::first_completed || unfinished_ == 0 ||
                    (when_ == wait_until::first_failed && ended.status() == task_status::failed);
  if (!wake) return;
  leave();
  complete();
}

void wait_operation::leave() noexcept {
  for (auto& each : watches_) each.unlink();
  if (timer::armed()) loop().timers().remove(*this);
}

void wait_operation::withdraw() noexcept {
  leave();
  withdrawn();
}

void wait_operation::expired() noexcept {
  leave();
  complete();
}

completion_list::completion_list(std::vector<any_task_handle> tasks) : tasks_(std::move(tasks)) {
  ended_.reserve(tasks_.size());
  watches_.reserve(tasks_.size());
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    auto& added = watches_.emplace_back(*this, i);
    if (tasks_[i].done()) {
      ended_.push_back(i);
    } else {
      tasks_[i].state().watchers().push_back(added);
    }
  }
}

completion_list::~completion_list() {
  check(waiters_.empty(), "an as_completed was destroyed while a task waits for it");
  for (auto& each : watches_) each.unlink();
}

bool completion_list::next_operation::try_complete() noexcept {
  if (list_->given_out_ < list_->ended_.size()) {
    given_ = list_->ended_[list_->given_out_++];
    return true;
  }
  return list_->given_out_ == list_->tasks_.size();
}

void completion_list::next_operation::withdraw() noexcept {
  unlink();
  withdrawn();
}

void completion_list::on_end(std::size_t index) noexcept {
  ended_.push_back(index);
  if (auto* waiter = waiters_.pop_front()) {
    waiter->given_ = ended_[given_out_++];
    waiter->complete();
  }
  if (given_out_ < tasks_.size()) return;
  while (auto* too_late = waiters_.pop_front()) too_late->complete();
}

}  // namespace eddy::coro
