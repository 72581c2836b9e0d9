// The record of one running task: where it stands, in which scopes, what it waits for, who owns it.
//
// Created by spawn and by the constructs that run their members as tasks; shared (counted, without atomics) by the
// running task itself and its handles. The coroutine frames are gone when the task ends; the record lives as long as
// somebody holds it. Used on its loop's thread only.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/frame_pool.hpp>
#include <eddy/coro/local_values.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/scope_node.hpp>

namespace eddy::coro {

class promise_base;
class scheduler;
class task_state;

/// An entry of the ready queue: a task to resume (`resume_point` set) or a callback.
class ready_node {
 public:
  ready_node(const ready_node&) = delete;
  ready_node& operator=(const ready_node&) = delete;

 protected:
  ready_node() noexcept = default;
  ~ready_node() = default;
  /// For callbacks: called once, outside any task.
  virtual void run() noexcept {}

 private:
  friend class scheduler;
  friend class task_state;
  template <class Op>
  friend class operation_awaiter;
  ready_node* next_ = nullptr;
  std::coroutine_handle<> resume_point_;
};

/// Whoever owns tasks: a group, a construct, the loop. Its scope is the parent of its tasks' scopes; it outlives them.
class task_owner {
 public:
  [[nodiscard]] scope_node& scope() noexcept { return scope_; }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }
  /// The task the owner belongs to in the task tree; null for a loop's root.
  [[nodiscard]] const task_state* host() const noexcept { return host_; }

 protected:
  task_owner() noexcept = default;
  ~task_owner() = default;
  /// `task` has ended, its frames are gone. Called before its record is released.
  virtual void child_ended(task_state& task) noexcept = 0;
  /// `task` has another owner now. Only where tasks are moved away.
  virtual void child_moved(task_state& task) noexcept { static_cast<void>(task); }

  std::size_t live_ = 0;
  const task_state* host_ = nullptr;
  /// Knows its owner, so that its tasks need not.
  struct owners_scope final : scope_node {
    explicit owners_scope(task_owner& of) noexcept : owner(&of) {}
    task_owner* owner;
  };
  owners_scope scope_{*this};

 private:
  friend class task_state;
};

struct all_tasks_tag;
struct watcher_tag;

/// Is told when a task ends; see task_state::watchers.
class task_watcher : public list_hook<watcher_tag> {
 public:
  /// Outside any task, after the task's frames are gone. The watcher has been taken off the list.
  virtual void task_ended(task_state& task) noexcept = 0;

 protected:
  task_watcher() noexcept = default;
  task_watcher(task_watcher&&) noexcept = default;
  ~task_watcher() = default;
};

/// How a task stands.
enum class task_status : std::uint8_t { running, succeeded, failed, cancelled };

/// What few tasks have, made when it is needed.
struct task_details {
  ~task_details();  // out of the way of the code that ends tasks

  std::string name;                          ///< empty: the default name
  std::exception_ptr thrown;                 ///< the exception that `places` is about
  std::vector<std::source_location> places;  ///< the awaits that it passed, innermost first
};

class task_state : public ready_node, public list_hook<all_tasks_tag>, public pooled {
 public:
  /// Registers with the current loop and `owner`, and makes the task ready. Called by the derived constructor's maker.
  void start(task_owner& owner, promise_base& body, std::coroutine_handle<> entry);

  // --- what anybody on the loop may ask ---
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::string name() const;
  /// For a task that has just been made: nothing of it is lost.
  void set_details(std::unique_ptr<task_details> details) noexcept {
    details_ = std::move(details);
  }
  [[nodiscard]] std::source_location spawned_at() const noexcept { return spawned_at_; }
  [[nodiscard]] task_status status() const noexcept { return status_; }
  [[nodiscard]] bool done() const noexcept { return status_ != task_status::running; }
  /// The operation that the task is suspended in; null when it is running, ready or done.
  [[nodiscard]] const operation* waiting_on() const noexcept { return done() ? nullptr : waiting_; }
  /// The frame that was suspended last; valid while the task is suspended, null when it is done.
  [[nodiscard]] promise_base* innermost_frame() const noexcept;
  /// Null when the task is done.
  [[nodiscard]] const task_owner* owner() const noexcept { return owner_of(own_scope_); }
  [[nodiscard]] scheduler& loop() const noexcept { return *loop_; }

  // --- cancellation ---
  [[nodiscard]] scope_node& own_scope() noexcept { return own_scope_; }
  [[nodiscard]] scope_node* innermost_scope() const noexcept { return innermost_scope_; }
  void enter(scope_node& scope) noexcept;
  void leave(scope_node& scope) noexcept;
  /// Cancels the task's own scope; false when it is done or was cancelled before.
  bool cancel(cancel_reason reason, std::string text, std::source_location where);
  /// Asks the operation the task is suspended in, if any, to end. For scope_node.
  void withdraw_wait() noexcept;

  // --- outcome ---
  /// The failure; null unless failed. Marks it observed.
  [[nodiscard]] std::exception_ptr observe_failure() noexcept;
  [[nodiscard]] std::exception_ptr failure() const noexcept {
    return status_ == task_status::failed ? failure_ : nullptr;
  }
  /// The cancellation; null unless cancelled.
  [[nodiscard]] cancel_info_ptr cancellation() const noexcept {
    return status_ == task_status::cancelled ? cancellation_ : cancel_info_ptr();
  }
  /// The awaits that the failure passed on its way out of the task, innermost first, as far as known.
  [[nodiscard]] const std::vector<std::source_location>& failure_stack() const noexcept;
  /// `thrown` leaves `frame`, a frame of this task.
  void note_thrown(const std::exception_ptr& thrown, const promise_base& frame) noexcept;
  /// Throws errc::task_cancelled or the failure; returns when the task succeeded.
  void rethrow_unless_succeeded() {
    if (status_ != task_status::succeeded) [[unlikely]]
      rethrow_ending();
  }

  /// Who waits for the task's end, in order of arrival.
  [[nodiscard]] intrusive_list<task_watcher, watcher_tag>& watchers() noexcept { return watchers_; }

  [[nodiscard]] local_values_ptr& locals() noexcept { return locals_; }

  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ > 0) return;
    if (status_ == task_status::failed) [[unlikely]]
      report_unobserved();
    delete this;
  }

  /// Gives the running task another owner, and so another place in the tree of scopes: what is cancelled there counts
  /// from now on, what was cancelled at the old place no longer does.
  void move_to(task_owner& owner) noexcept;

  /// Called by the final suspension of the body's outermost frame: takes the outcome, destroys the frame, tells owner
  /// and watchers.
  void body_ended(std::coroutine_handle<> body) noexcept;

 protected:
  explicit task_state(std::source_location spawned_at) noexcept : spawned_at_(spawned_at) {}
  [[gnu::always_inline]] virtual ~task_state() {
    if (status_ >= task_status::failed) [[unlikely]]
      drop_ending();
  }
  /// Moves the outcome out of the promise of `body` and destroys the frame; gives an exception to ended_by() then.
  virtual void take_outcome(std::coroutine_handle<> body) noexcept = 0;
  void ended_by(std::exception_ptr thrown) noexcept;

 private:
  friend class operation;
  friend class scheduler;
  template <class Op>
  friend class operation_awaiter;

  static task_owner* owner_of(const scope_node& own_scope) noexcept {
    const auto* around = static_cast<const task_owner::owners_scope*>(own_scope.parent());
    return around != nullptr ? around->owner : nullptr;
  }
  void inherit(const local_values_ptr& locals) noexcept;
  void report_unobserved() noexcept;
  void drop_ending() noexcept;
  [[noreturn]] void rethrow_ending();

  scheduler* loop_ = nullptr;
  scope_node* innermost_scope_ = &own_scope_;
  union {
    operation* waiting_ = nullptr;  // while it runs
    std::exception_ptr failure_;    // when it has failed
    cancel_info_ptr cancellation_;  // when it was cancelled
  };
  std::source_location spawned_at_;
  intrusive_list<task_watcher, watcher_tag> watchers_;
  local_values_ptr locals_;
  std::unique_ptr<task_details> details_;
  std::uint64_t id_ = 0;
  // Its parent is the owner's scope. What follows stands in what it leaves unused at its end.
  [[no_unique_address]] scope_node own_scope_;
  task_status status_ = task_status::running;
  bool failure_observed_ = false;
  std::uint32_t references_ = 1;  // the running task's own
};

}  // namespace eddy::coro
