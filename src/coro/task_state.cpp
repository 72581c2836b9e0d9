#include <eddy/coro/task_state.hpp>

#include <exception>
#include <memory>
#include <new>
#include <typeinfo>
#include <utility>

#include <cxxabi.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/composite_operation.hpp>
#include <eddy/coro/promise_base.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/task_local.hpp>

namespace eddy::coro {
namespace {
constexpr std::size_t deepest_trace = 32;  // frames beyond are left out of reports
}  // namespace

void task_state::start(task_owner& owner, promise_base& body, std::coroutine_handle<> entry) {
  scheduler& loop = scheduler::require();
  debug_check(owner.host_ == nullptr || &owner.host_->loop() == &loop,
              "a task was spawned into a group of another loop: use run_on or submit");
  loop_ = &loop;
  ++owner.live_;
  own_scope_.attach(owner.scope(), this);
  id_ = loop.next_task_id_++;
  loop.tasks_.push_back(*this);
  ++loop.live_tasks_;
  body.set_outermost(*this);
  resume_point_ = entry;
  loop.make_ready(*this);
  if (loop.current_task_ != nullptr && loop.current_task_->locals_) [[unlikely]]
    inherit(loop.current_task_->locals_);
}

task_details::~task_details() = default;

void task_state::inherit(const local_values_ptr& locals) noexcept { locals_ = locals; }

void task_state::drop_ending() noexcept {
  if (status_ == task_status::failed) {
    std::destroy_at(&failure_);
  } else {
    std::destroy_at(&cancellation_);
  }
}

std::string task_state::name() const {
  if (details_ != nullptr && !details_->name.empty()) return details_->name;
  return "task-" + std::to_string(id_);
}

void task_state::enter(scope_node& scope) noexcept {
  check(!scope.attached(), "a scope was entered twice");
  scope.attach(*innermost_scope_, this);
  innermost_scope_ = &scope;
}

void task_state::leave(scope_node& scope) noexcept {
  check(innermost_scope_ == &scope, "scopes were left in another order than they were entered");
  innermost_scope_ = scope.parent();
  scope.detach();
}

bool task_state::cancel(cancel_reason reason, std::string text, std::source_location where) {
  if (done()) return false;
  return own_scope_.cancel(reason, std::move(text), where);
}

void task_state::withdraw_wait() noexcept {
  if (waiting_ == nullptr || waiting_->state_ != operation::state::suspended) return;
  waiting_->state_ = operation::state::withdrawing;
  waiting_->withdraw();
}

std::exception_ptr task_state::observe_failure() noexcept {
  failure_observed_ = true;
  return failure();
}

void task_state::rethrow_ending() {
  if (status_ == task_status::failed) std::rethrow_exception(observe_failure());
  const auto& info = *cancellation_;
  std::string what = "await " + name() + " (" + std::string(to_string(info.reason));
  if (!info.text.empty()) what += ": " + info.text;
  throw error(errc::task_cancelled, what + ")");
}

void task_state::ended_by(std::exception_ptr thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const eddy::cancelled& stop) {
    if (own_scope_.inside(stop.info().get())) {
      std::construct_at(&cancellation_, stop.info());
      status_ = task_status::cancelled;
      return;
    }
    thrown = std::make_exception_ptr(error(errc::stray_cancelled, "task " + name()));
  } catch (...) {
  }
  std::construct_at(&failure_, std::move(thrown));
  status_ = task_status::failed;
}

void task_state::move_to(task_owner& owner) noexcept {
  task_owner& former = *owner_of(own_scope_);
  ++owner.live_;
  own_scope_.reattach(owner.scope());
  --former.live_;
  former.child_moved(*this);
}

void task_state::body_ended(std::coroutine_handle<> body) noexcept {
  loop_->progress().hide_task();
  running_frame = nullptr;  // errors made from here on must not look at the frame, which goes now
  take_outcome(body);
  if (!done()) status_ = task_status::succeeded;
  check(innermost_scope_ == &own_scope_, "a task ended inside a scope it had entered", spawned_at_);
  resume_point_ = nullptr;
  task_owner& owner = *owner_of(own_scope_);
  own_scope_.detach();
  list_hook<all_tasks_tag>::unlink();
  --loop_->live_tasks_;
  while (task_watcher* watcher = watchers_.pop_front()) watcher->task_ended(*this);
  --owner.live_;
  owner.child_ended(*this);
  release();
}

const std::vector<std::source_location>& task_state::failure_stack() const noexcept {
  static const std::vector<std::source_location> unknown;
  const bool known =
      details_ != nullptr && status_ == task_status::failed && details_->thrown == failure_;
  return known ? details_->places : unknown;
}

void task_state::note_thrown(const std::exception_ptr& thrown, const promise_base& frame) noexcept {
  if (details_ != nullptr && details_->thrown == thrown)
    return;  // noted when it left the innermost frame
  try {
    if (details_ == nullptr) {
      auto details = std::make_unique<task_details>();
      loop_->progress().hide_task();
      details_ = std::move(details);
      loop_->progress().show_task(this);
    }
    details_->thrown = nullptr;
    details_->places.clear();
    for (const auto* f = &frame; f != nullptr && details_->places.size() < deepest_trace;
         f = f->awaited_by()) {
      details_->places.push_back(f->await_place());
    }
    details_->thrown = thrown;
  } catch (const std::bad_alloc&) {  // then it is not known
  }
}

void task_state::report_unobserved() noexcept {
  if (failure_observed_) return;
  // The hook sees this task's values, whoever drops the last handle.
  auto& locals = current_locals();
  std::swap(locals, locals_);
  loop_->report(
      {"a task failed and nobody observed it", failure_, name(), spawned_at_, failure_stack()});
  std::swap(locals, locals_);
}

// --- operation ---

scheduler& operation::loop() const noexcept { return task_->loop(); }

void operation::end(state outcome) noexcept {
  debug_check(&task_->loop() == scheduler::current(),
              "what a task waits for was used on another thread than its loop's: use post");
  debug_check(pending(), "an operation ended twice");
  state_ = outcome;
  if (task_->waiting_ != this) [[unlikely]] {
    task_->waiting_->part_ended(*this);
    return;
  }
  task_->waiting_ = nullptr;
  task_->loop().make_ready(*task_);
}

void operation::part_ended(operation&) noexcept {
  stop_program("an operation ended in which no task waited");
}

void composite_operation::begin_unawaited() { task_ = &scheduler::require().require_task(); }

void operation::complete() noexcept { end(state::completed); }

void operation::withdrawn() noexcept { end(state::cancelled); }

// --- promise_base ---

std::exception_ptr promise_base::unhandled() noexcept {
  std::exception_ptr thrown = std::current_exception();
  const auto* type = abi::__cxa_current_exception_type();
  const auto* loop = scheduler::current();
  // A cancellation is no failure, and frequent.
  if (loop != nullptr && loop->current_task() != nullptr &&
      (type == nullptr || *type != typeid(eddy::cancelled))) {
    loop->current_task()->note_thrown(thrown, *this);
  }
  return thrown;
}

namespace {
// Tasks dropped by the destruction of another unstarted one go with it.
constinit thread_local int reports_open = 0;
}  // namespace

unawaited_report::unawaited_report(const promise_base& unstarted) noexcept {
  if (reports_open++ > 0 || std::uncaught_exceptions() > 0) return;
  report_failure({"a task was destroyed without ever being awaited",
                  nullptr,
                  {},
                  unstarted.await_place(),
                  {}});
}

unawaited_report::~unawaited_report() { --reports_open; }

void stop_awaited_outside() noexcept {
  static_cast<void>(scheduler::require().require_task());
  stop_program("awaited outside a task");
}

void stop_awaited_twice() noexcept { stop_program("an operation was awaited twice"); }

void throw_cancelled_in(task_state& task) {
  throw eddy::cancelled(cancel_info_ptr(task.innermost_scope()->effective()));
}

}  // namespace eddy::coro
