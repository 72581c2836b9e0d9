#include <eddy/coro/group.hpp>

#include <algorithm>

namespace eddy {
namespace coro {

task_set::task_set(std::string_view kind, on_failure policy)
    : kind_(kind), policy_(policy), host_task_(&scheduler::require().require_task()) {
  host_ = host_task_;
  host_task_->enter(scope_);
}

task_set::~task_set() { check(closed_, "a group was left without having been joined"); }

void task_set::wake_joiner_if_empty() noexcept {
  if (live_ == 0 && joiner_ != nullptr) std::exchange(joiner_, nullptr)->complete();
}

void task_set::add_failure(std::exception_ptr failure) noexcept {
  // The same object may arrive twice: from a child, and from the body that awaited the child's handle.
  if (std::ranges::find(failures_, failure) != failures_.end()) return;
  failures_.push_back(std::move(failure));
}

void task_set::note_cancelled(const cancel_info_ptr& info) {
  if (info.get() == scope_.own()) return;
  const auto same = [&](const cancel_info_ptr& known) { return known.get() == info.get(); };
  if (std::ranges::none_of(foreign_cancellations_, same)) foreign_cancellations_.push_back(info);
}

void task_set::child_ended(task_state& child) noexcept {
  if (child.status() == task_status::failed) {
    add_failure(child.observe_failure());
    if (policy_ == on_failure::cancel_others)
      scope_.cancel(cancel_reason::sibling_failed, {}, child.spawned_at());
  } else if (child.status() == task_status::cancelled &&
             scope_.inside(child.cancellation().get())) {
    note_cancelled(child.cancellation());
  }
  wake_joiner_if_empty();
}

void task_set::host_failed(std::exception_ptr thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const cancelled& stop) {
    if (scope_.inside(stop.info().get())) {
      note_cancelled(stop.info());
      return;
    }
    thrown = std::make_exception_ptr(error(errc::stray_cancelled, std::string(kind_)));
  } catch (...) {
  }
  host_failure_ = thrown;
  add_failure(std::move(thrown));
  scope_.cancel(cancel_reason::sibling_failed, {}, host_task_->spawned_at());
}

void task_set::close() noexcept {
  closed_ = true;
  scope_node* around = scope_.parent();
  host_task_->leave(scope_);
  // Of several foreign cancellations the outermost goes on: the last one met on the way out.
  cancel_info_ptr outermost;
  for (; around != nullptr && !foreign_cancellations_.empty(); around = around->parent()) {
    for (const auto& info : foreign_cancellations_) {
      if (around->own() == info.get()) outermost = info;
    }
  }
  foreign_cancellations_.clear();
  if (outermost) foreign_cancellations_.push_back(std::move(outermost));
}

void task_set::rethrow() {
  if (!failures_.empty()) std::rethrow_exception(combine_failures(std::move(failures_)));
  if (!foreign_cancellations_.empty()) throw cancelled(foreign_cancellations_.front());
}

void task_set::rethrow_host_failure() {
  if (host_failure_) std::rethrow_exception(host_failure_);
}

void task_set::rethrow_cancelled() {
  if (foreign_cancellations_.empty()) return;
  for (const auto& failure : failures_) {
    host_task_->loop().report(
        {"a failure was given up by a cancellation", failure, host_task_->name(), {}});
  }
  throw cancelled(foreign_cancellations_.front());
}

pending_start::pending_start(task_group& group) : task_set("start"), group_(group) {
  group_.hold();
}

pending_start::~pending_start() { group_.unhold(); }

void pending_start::hand_over() noexcept {
  handed_over_ = true;
  child_->move_to(group_);
}

}  // namespace coro

bool task_group::cancel(cancel_reason reason, std::string text, std::source_location where) {
  return scope().cancel(reason, std::move(text), where);
}

void task_group::hold() {
  check(!closed(), "started a task in a group that has ended");
  ++live_;
}

void task_group::unhold() noexcept {
  --live_;
  wake_joiner_if_empty();
}

coro::task_owner& task_group::spawn_owner() {
  check(!closed(), "spawned into a group that has ended");
  return *this;
}

}  // namespace eddy
