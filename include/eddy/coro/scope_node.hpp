// The tree of cancel scopes: the mechanism under cancel_scope, task_group and every task.
//
// Each node knows the outermost cancelled scope visible from it (up to the nearest shield), so the check at the entry
// of every operation is one load. Cancelling a node visits its subtree once, without recursion, marks it and withdraws
// the operations that tasks are suspended in. Used on the loop's thread only.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>

#include <eddy/base/check.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/cancelled.hpp>

namespace eddy::coro {

class task_state;

/// Is told of every scope that is cancelled on its loop: for reports about those that do not end.
class cancellation_observer {
 public:
  virtual void scope_cancelled(const cancel_info_ptr& name) noexcept = 0;

 protected:
  ~cancellation_observer() = default;
};

class scope_node {
 public:
  enum class kind : std::uint8_t { open, timed, shield };

  explicit scope_node(kind k = kind::open) noexcept : kind_(k) {}
  scope_node(const scope_node&) = delete;
  scope_node& operator=(const scope_node&) = delete;
  ~scope_node();

  /// Becomes a child of `parent`; `task` is the task whose current point lies in this scope while it is innermost.
  void attach(scope_node& parent, task_state* task) noexcept;
  /// Moves to another parent with everything inside; what is cancelled there counts from now on.
  void reattach(scope_node& parent) noexcept;
  /// Leaves the tree. All scopes inside must have left it before.
  void detach() noexcept;
  [[nodiscard]] bool attached() const noexcept { return parent_ != nullptr; }

  /// Cancels the scope; the first call counts and returns true. With `through_shields`, shields inside do not protect,
  /// neither those there are nor those entered later; that part takes effect on a cancelled scope, too.
  bool cancel(cancel_reason reason, std::string text, std::source_location where,
              bool through_shields = false);

  /// The name of the outermost cancelled scope visible here; null when not cancelled.
  [[nodiscard]] const cancel_info* effective() const noexcept { return effective_; }
  /// This scope's own cancellation; null when only others, or nobody, were cancelled.
  [[nodiscard]] const cancel_info* own() const noexcept { return own_.get(); }

  /// Whether `info` names this scope or one around it, shields regardless.
  [[nodiscard]] bool inside(const cancel_info* info) const noexcept;
  [[nodiscard]] scope_node* parent() const noexcept { return parent_; }
  [[nodiscard]] bool is_shield() const noexcept { return kind_ == kind::shield; }

  /// The deadline of this scope alone; `never` when it has none.
  [[nodiscard]] time_point deadline() const noexcept;

 private:
  void refresh_effective() noexcept;
  void link(scope_node& parent) noexcept;
  void unlink() noexcept;
  void withdraw_if_cancelled() noexcept;
  void spread() noexcept;
  void pierce() noexcept;
  scope_node* next_in_subtree(scope_node& from, bool descend) noexcept;

  scope_node* parent_ = nullptr;
  scope_node* first_child_ = nullptr;
  scope_node* next_sibling_ = nullptr;
  scope_node* previous_sibling_ = nullptr;
  task_state* task_ = nullptr;
  const cancel_info* effective_ =
      nullptr;  // kept alive by the scope it names, which outlives its insides
  cancel_info_ptr own_;
  kind kind_;
  bool pierced_ = false;  // shields here and inside no longer protect
};

// Inline, as every task enters and leaves the tree.
inline scope_node::~scope_node() {
  check(!attached(), "a scope was destroyed while it was entered");
}

inline void scope_node::refresh_effective() noexcept {
  const bool sees_outside =
      parent_ != nullptr && (kind_ != kind::shield || pierced_) && parent_->effective_ != nullptr;
  effective_ = sees_outside ? parent_->effective_ : own_.get();
}

inline void scope_node::link(scope_node& parent) noexcept {
  parent_ = &parent;
  next_sibling_ = parent.first_child_;
  previous_sibling_ = nullptr;
  if (next_sibling_ != nullptr) next_sibling_->previous_sibling_ = this;
  parent.first_child_ = this;
}

inline void scope_node::unlink() noexcept {
  if (previous_sibling_ != nullptr) {
    previous_sibling_->next_sibling_ = next_sibling_;
  } else {
    parent_->first_child_ = next_sibling_;
  }
  if (next_sibling_ != nullptr) next_sibling_->previous_sibling_ = previous_sibling_;
  parent_ = next_sibling_ = previous_sibling_ = nullptr;
}

inline void scope_node::attach(scope_node& parent, task_state* task) noexcept {
  task_ = task;
  link(parent);
  pierced_ = parent.pierced_;
  refresh_effective();
}

inline void scope_node::detach() noexcept {
  check(first_child_ == nullptr, "a scope was left before the scopes inside it");
  unlink();
  task_ = nullptr;
  effective_ = own_.get();
}

/// A scope that can have a deadline. It is only kept here: whoever derives from this keeps to it.
class timed_scope_node : public scope_node {
 protected:
  explicit timed_scope_node(time_point deadline = never) noexcept
      : scope_node(kind::timed), deadline_(deadline) {}
  void note_deadline(time_point deadline) noexcept { deadline_ = deadline; }

 private:
  friend class scope_node;
  time_point deadline_;
};

inline time_point scope_node::deadline() const noexcept {
  return kind_ == kind::timed ? static_cast<const timed_scope_node*>(this)->deadline_ : never;
}

/// A shield, which knows where it was put up.
class shield_node final : public scope_node {
 public:
  explicit shield_node(std::source_location where) noexcept
      : scope_node(kind::shield), where_(where) {}
  [[nodiscard]] std::source_location where() const noexcept { return where_; }

 private:
  std::source_location where_;
};

}  // namespace eddy::coro
