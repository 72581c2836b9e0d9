#include <eddy/coro/scope_node.hpp>

#include <eddy/base/check.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/task_state.hpp>

namespace eddy {

std::string_view to_string(cancel_reason reason) noexcept {
  switch (reason) {
    case cancel_reason::requested: return "requested";
    case cancel_reason::timeout: return "timeout";
    case cancel_reason::sibling_failed: return "sibling failed";
    case cancel_reason::parent: return "parent";
    case cancel_reason::shutdown: return "shutdown";
    case cancel_reason::overload: return "overload";
  }
  return "unknown";
}

namespace coro {

void scope_node::reattach(scope_node& parent) noexcept {
  unlink();
  link(parent);
  for (scope_node* s = this; s != nullptr; s = next_in_subtree(*s, true)) {
    s->pierced_ = s->parent_->pierced_;
    s->refresh_effective();
    s->withdraw_if_cancelled();
  }
}

void scope_node::withdraw_if_cancelled() noexcept {
  // withdraw_wait only makes tasks ready or begins a withdrawal; it never changes the tree.
  const bool innermost = task_ != nullptr && task_->innermost_scope() == this;
  if (innermost && effective_ != nullptr) task_->withdraw_wait();
}

bool scope_node::cancel(cancel_reason reason, std::string text, std::source_location where,
                        bool through_shields) {
  debug_check(!attached() || (task_ != nullptr && &task_->loop() == scheduler::current()),
              "a scope was cancelled from another thread than its loop's: use post", where);
  if (own_) {
    if (through_shields) pierce();
    return false;
  }
  own_ = cancel_info_ptr(new cancel_info(reason, std::move(text), where));
  refresh_effective();
  if (const auto* loop = scheduler::current(); loop != nullptr && loop->cancellations() != nullptr)
    loop->cancellations()->scope_cancelled(own_);
  if (through_shields) {
    pierce();
  } else if (effective_ == own_.get()) {
    spread();
  }  // else the subtree names an outer scope already, and all of it has been withdrawn
  return true;
}

bool scope_node::inside(const cancel_info* info) const noexcept {
  for (const scope_node* s = this; s != nullptr; s = s->parent_) {
    if (s->own_.get() == info) return true;
  }
  return false;
}

scope_node* scope_node::next_in_subtree(scope_node& from, bool descend) noexcept {
  if (descend && from.first_child_ != nullptr) return from.first_child_;
  for (scope_node* s = &from; s != this; s = s->parent_) {
    if (s->next_sibling_ != nullptr) return s->next_sibling_;
  }
  return nullptr;
}

void scope_node::pierce() noexcept {
  for (scope_node* s = this; s != nullptr; s = next_in_subtree(*s, true)) s->pierced_ = true;
  spread();
}

void scope_node::spread() noexcept {
  bool descend = true;
  for (scope_node* s = this; s != nullptr; s = next_in_subtree(*s, descend)) {
    descend = s == this || s->kind_ != kind::shield || s->pierced_;
    if (!descend) continue;
    s->effective_ = effective_;
    s->withdraw_if_cancelled();
  }
}

}  // namespace coro
}  // namespace eddy
