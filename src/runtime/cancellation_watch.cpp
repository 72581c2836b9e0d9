#include "cancellation_watch.hpp"

#include <chrono>
#include <string>

namespace eddy::runtime {
namespace {

std::string place_text(std::source_location place) {
  return std::string(place.file_name()) + ":" + std::to_string(place.line());
}

/// Where a task stands, seen from a scope around it.
struct standpoint {
  bool inside = false;
  const coro::shield_node* shield = nullptr;  // the outermost one between
};

standpoint stands(const coro::task_state& task, const coro::cancel_info& cancelled) {
  standpoint found;
  for (const auto* scope = task.innermost_scope(); scope != nullptr; scope = scope->parent()) {
    if (scope->own() == &cancelled) {
      found.inside = true;
      return found;
    }
    if (scope->is_shield()) found.shield = static_cast<const coro::shield_node*>(scope);
  }
  return found;
}

std::vector<std::source_location> awaits_of(const coro::task_state& task) {
  std::vector<std::source_location> places;
  for (const auto* frame = task.innermost_frame(); frame != nullptr; frame = frame->awaited_by())
    places.push_back(frame->await_place());
  return places;
}

}  // namespace

cancellation_watch::cancellation_watch(loop& of, duration limit) : loop_(of), limit_(limit) {
  loop_.set_cancellation_observer(this);
}

cancellation_watch::~cancellation_watch() {
  loop_.set_cancellation_observer(nullptr);
  loop_.timers().remove(*this);
}

void cancellation_watch::scope_cancelled(const coro::cancel_info_ptr& name) noexcept {
  due_.emplace_back(after(loop_.now(), limit_), name);
  if (!armed()) loop_.timers().add(*this, due_.front().first);
}

void cancellation_watch::expired() noexcept {
  const time_point now = loop_.now();
  while (!due_.empty() && due_.front().first <= now) {
    const coro::cancel_info_ptr cancelled = std::move(due_.front().second);
    due_.pop_front();
    // Nobody else remembers it: the scope has been left.
    if (cancelled->references.load() > 1) report_those_inside(*cancelled.get());
  }
  if (!due_.empty() && !armed()) loop_.timers().add(*this, due_.front().first);
}

void cancellation_watch::report_those_inside(const coro::cancel_info& cancelled) {
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(limit_).count();
  for (auto* task = loop_.tasks().front(); task != nullptr; task = loop_.tasks().next(*task)) {
    const standpoint at = stands(*task, cancelled);
    if (!at.inside) continue;
    std::string message = "a cancelled task has not ended after " + std::to_string(waited) + " ms";
    if (at.shield != nullptr)
      message += "; it is in a shield or cleanup at " + place_text(at.shield->where());
    if (const auto* wait = task->waiting_on())
      message += "; it waits for " + std::string(wait->describe().kind);
    message += "; cancelled (" + std::string(to_string(cancelled.reason));
    if (!cancelled.text.empty()) message += ": " + cancelled.text;
    message += ") at " + place_text(cancelled.where);
    loop_.report({std::move(message), nullptr, task->name(), task->spawned_at(), awaits_of(*task)});
  }
}

}  // namespace eddy::runtime
