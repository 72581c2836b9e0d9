#include <eddy/coro/scope.hpp>

#include <algorithm>

#include <eddy/coro/thread_cancellation.hpp>

namespace eddy {

using coro::scheduler;

cancel_scope::cancel_scope(time_point deadline, std::source_location where)
    : timed_scope_node(deadline), deadline_set_at_(where) {}

cancel_scope::~cancel_scope() {
  check(!attached(), "a cancel_scope was destroyed while it was entered");
}

std::optional<cancel_reason> cancel_scope::reason() const noexcept {
  if (own() != nullptr) return own()->reason;
  if (effective() != nullptr) return cancel_reason::parent;
  return std::nullopt;
}

void cancel_scope::set_deadline(time_point deadline, std::source_location where) {
  deadline_set_at_ = where;
  note_deadline(deadline);
  if (!attached()) return;
  scheduler::require().timers().remove(*this);
  arm();
}

void cancel_scope::arm() noexcept {
  if (cancel_called() || deadline() == never) return;
  scheduler& loop = scheduler::require();
  if (deadline() <= loop.now()) {
    expired();
  } else {
    loop.timers().add(*this, deadline());
  }
}

void cancel_scope::expired() noexcept { cancel(cancel_reason::timeout, {}, deadline_set_at_); }

bool cancel_scope::absorbs(const eddy::cancelled& stop) noexcept {
  if (stop.info().get() != own()) return false;
  caught_ = true;
  return true;
}

cancel_scope::entered::entered(cancel_scope& scope)
    : scope_(scope), task_(scheduler::require().require_task()) {
  check(!std::exchange(scope.was_entered_, true), "a cancel_scope was entered twice");
  task_.enter(scope);
  scope.arm();
}

cancel_scope::entered::~entered() {
  scheduler::require().timers().remove(scope_);
  task_.leave(scope_);
}

namespace coro {

shielded::shielded(std::source_location where)
    : task_(scheduler::require().require_task()), node_(where) {
  task_.enter(node_);
}

shielded::~shielded() { task_.leave(node_); }

}  // namespace coro

time_point current_deadline() {
  const coro::scope_node* scope = scheduler::require().require_task().innermost_scope();
  if (scope->effective() != nullptr) return time_point::min();
  time_point earliest = never;
  for (; scope != nullptr; scope = scope->parent()) {
    earliest = std::min(earliest, scope->deadline());
    if (scope->is_shield()) break;
  }
  return earliest;
}

bool is_cancelled() {
  if (const auto* call = coro::thread_cancellation::current()) return call->requested();
  return scheduler::require().require_task().innermost_scope()->effective() != nullptr;
}

void throw_if_cancelled() {
  if (const auto* call = coro::thread_cancellation::current()) {
    if (call->requested()) throw cancelled(call->why());
    return;
  }
  if (is_cancelled()) coro::throw_cancelled_in(scheduler::require().require_task());
}

}  // namespace eddy
