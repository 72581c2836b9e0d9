#include <eddy/runtime/remote.hpp>

#include "inbox.hpp"

#include <chrono>

#include <eddy/base/error.hpp>

namespace eddy::runtime {

remote_call::remote_call(loop_ref target, std::source_location where)
    : target_(std::move(target)), where_(where), locals_(coro::current_locals()) {}

remote_call::~remote_call() {
  if (failure_ && !observed_)
    report_failure({"a call on another loop failed and nobody observed it", failure_, {}, where_});
}

bool remote_call::submit(remote_operation* waiter) {
  if (!target_.inbox_) return false;
  waiter_ = waiter;
  self_ = shared_from_this();
  if (target_.inbox_->push(*this)) return true;
  self_.reset();
  return false;
}

void remote_call::deliver(loop& on) noexcept {
  try {
    task_ = &launch(on, where_);
  } catch (...) {
    failure_ = std::current_exception();
    const auto self = std::move(self_);
    hand_back(end::failure);
    return;
  }
  task_->retain();
  task_->locals() = std::move(locals_);
  task_->watchers().push_back(*this);
}

void remote_call::task_ended(coro::task_state& ended) noexcept {
  const auto self = std::move(self_);
  end how = end::value;
  try {
    if (ended.status() == coro::task_status::succeeded) {
      keep_value(ended);
    } else if (ended.status() == coro::task_status::failed) {
      failure_ = ended.observe_failure();
      how = end::failure;
    } else {
      how = end::cancelled;
    }
  } catch (...) {
    failure_ = std::current_exception();
    how = end::failure;
  }
  std::exchange(task_, nullptr)->release();
  hand_back(how);
}

void remote_call::hand_back(end how) noexcept {
  if (waiter_ != nullptr) {
    ended_ = how;
    waiter_->hand_back();
    return;
  }
  const std::lock_guard guard(lock_);
  ended_ = how;
  ended_here_.notify_all();
}

void remote_call::cancel(cancel_reason reason, std::string text,
                         std::source_location where) noexcept {
  if (cancel_sent_.exchange(true)) return;
  cancel_request_.reason = reason;
  cancel_request_.text = std::move(text);
  cancel_request_.where = where;
  cancel_request_.on_the_way = shared_from_this();
  // A loop that takes no more posts has cancelled its tasks.
  if (!target_.inbox_->push(cancel_request_)) cancel_request_.on_the_way.reset();
}

void remote_call::cancel_request::deliver(loop&) noexcept {
  const auto self = std::move(on_the_way);
  if (call_.task_ != nullptr) call_.task_->cancel(reason, std::move(text), where);
}

void remote_call::check_thread() const {
  const auto* here = coro::scheduler::current();
  check(here == nullptr || static_cast<const loop&>(*here).ref() != target_,
        "a thread waited for a task of the loop that it runs itself: await run_on instead", where_);
}

void remote_call::wait() {
  check_thread();
  std::unique_lock guard(lock_);
  ended_here_.wait(guard, [this] { return ended_ != end::not_yet; });
}

bool remote_call::wait_for(duration limit) {
  check_thread();
  // Far enough for any program, and near enough for the clock's arithmetic.
  constexpr duration longest = std::chrono::hours(24 * 365);
  std::unique_lock guard(lock_);
  return ended_here_.wait_for(guard, std::min(limit, longest),
                              [this] { return ended_ != end::not_yet; });
}

bool remote_call::done() const {
  const std::lock_guard guard(lock_);
  return ended_ != end::not_yet;
}

void remote_call::rethrow_unless_succeeded() {
  if (ended_ == end::cancelled) throw_error(errc::task_cancelled, "a call on another loop");
  if (ended_ != end::failure) return;
  observed_ = true;
  std::rethrow_exception(failure_);
}

// --- remote_operation ---

void remote_operation::enqueue() {
  auto& here = static_cast<class loop&>(loop());
  home_ = here.ref();
  here.expect_return(true);
  if (call_->submit(this)) return;
  call_.reset();
  here.expect_return(false);
  complete();
}

void remote_operation::withdraw() noexcept {
  const coro::cancel_info_ptr why(task()->innermost_scope()->effective());
  call_->cancel(why->reason, why->text, why->where);
}

// The loop outlives its tasks, and this one waits.
void remote_operation::hand_back() noexcept { home_.inbox_->push_return(*this); }

void remote_operation::deliver(class loop& home) noexcept {
  home.expect_return(false);
  if (withdrawing() && call_->was_cancelled()) {
    withdrawn();
  } else {
    complete();
  }
}

remote_call& remote_operation::call() const {
  if (!call_) throw_error(errc::closed, "run_on");
  return *call_;
}

}  // namespace eddy::runtime
