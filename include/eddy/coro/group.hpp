// Task groups: tasks that end before the block that started them.
//
//   co_await eddy::with_group([&](eddy::task_group& g) -> eddy::task<void> {
//     g.spawn(pump(a, b));
//     g.spawn(pump(b, a));
//     co_return;
//   });  // both have ended here
//
// The first failure cancels the others, all are awaited, and the failure is rethrown; several become an
// exception_group. Cancelling the task that runs the group cancels its children.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/task.hpp>

namespace eddy {

namespace coro {

/// Owner of a set of tasks that are joined together: the mechanism under task_group, gather and race. Lives in the
/// frame of the task that made it; its scope lies around that task's current point from open() to close().
class task_set : public task_owner {
 public:
  enum class on_failure : std::uint8_t { cancel_others, keep_going };

  explicit task_set(std::string_view kind, on_failure policy = on_failure::cancel_others);
  task_set(const task_set&) = delete;
  task_set& operator=(const task_set&) = delete;

  /// Waits, uninterrupted, until no child is left. Not an operation: never refused.
  class join_all final : public operation {
   public:
    explicit join_all(task_set& set) noexcept : set_(&set) {}
    join_all(join_all&&) noexcept = default;
    [[nodiscard]] wait_info describe() const override { return {set_->kind_, set_}; }
    static constexpr bool uninterruptible = true;
    [[nodiscard]] bool try_complete() const noexcept { return set_->live() == 0; }
    void enqueue() noexcept { set_->joiner_ = this; }
    void take() const noexcept {}

   private:
    friend class task_set;
    void withdraw() noexcept override {}
    task_set* set_;
  };

  /// A failure of the host's own code between open and close; called in the handler.
  void host_failed(std::exception_ptr thrown) noexcept;

  /// Leaves the scope. All children must have ended.
  void close() noexcept;
  /// After close: throws what the parts ended with: failures first, else the outermost foreign `cancelled`.
  void rethrow();
  /// After close: throws what host_failed received, if anything.
  void rethrow_host_failure();
  /// After close: throws the outermost foreign `cancelled` only; the failures then go to the error hook.
  void rethrow_cancelled();

 protected:
  ~task_set();
  void child_ended(task_state& child) noexcept override;
  void add_failure(std::exception_ptr failure) noexcept;
  void wake_joiner_if_empty() noexcept;
  void note_cancelled(const cancel_info_ptr& info);
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  /// Drops what it collected; it stays closed.
  void forget() noexcept;

 private:
  std::string_view kind_;
  on_failure policy_;
  bool closed_ = false;
  task_state* host_task_;
  join_all* joiner_ = nullptr;
  std::exception_ptr host_failure_;
  std::vector<std::exception_ptr> failures_;
  std::vector<cancel_info_ptr> foreign_cancellations_;
};

}  // namespace coro

class task_group;

/// How a task started by task_group::start says that it is ready. Copyable; refers to the start() call until it has
/// been used. Reporting twice stops the program; so does reporting after start() gave up the task.
template <class T = void>
class ready_signal;

namespace coro {

class group_lease;

/// The call of start() while its task has not reported ready: owns the task until then.
class pending_start final : public task_set {
 public:
  explicit pending_start(task_group& group);
  ~pending_start();

  /// The child reported ready: it belongs to the group from now on.
  void hand_over() noexcept;
  [[nodiscard]] bool handed_over() const noexcept { return handed_over_; }
  void set_child(task_state& child) noexcept { child_ = &child; }

 private:
  void child_moved(task_state&) noexcept override { wake_joiner_if_empty(); }

  task_group& group_;
  task_state* child_ = nullptr;
  bool handed_over_ = false;
};

template <class T>
struct start_record {
  pending_start* start;
  outcome<T> value;
};

}  // namespace coro

/// Made by with_group; passed by reference to whoever may spawn into it. Used on its loop only.
class task_group final : public coro::task_set, private coro::spawner<task_group> {
 public:
  using coro::spawner<task_group>::spawn;

  /// Cancels all children and the body; the group then ends without an error of its own. May be called repeatedly.
  bool cancel(cancel_reason reason = cancel_reason::requested, std::string text = {},
              std::source_location where = std::source_location::current());
  /// Runs `fn(ready_signal<T>)`, which gives a task<void>, as a child of the group, and waits until it has reported
  /// ready; gives the value it reported. Until then the child is under the caller's scopes, from then on under the
  /// group's. What the child fails with before that leaves start and does not touch the group; ending without a report
  /// throws errc::not_ready. A cancelled caller cancels the child and waits for it. The callable lives as long as the
  /// child.
  template <class T = void, class Fn>
    requires coro::makes_task<Fn, ready_signal<T>>
  task<T> start(Fn fn) {
    const auto where = co_await coro::caller_place();
    // Shared with the child, which may outlive this call once it is ready.
    auto record = std::make_shared<coro::start_record<T>>();
    coro::pending_start pending(*this);
    record->start = &pending;
    try {
      auto child = coro::launch(
          coro::call<Fn, ready_signal<T>>(std::move(fn), ready_signal<T>(record)), pending, where);
      pending.set_child(child.state());
    } catch (...) {
      pending.host_failed(std::current_exception());
    }
    co_await coro::task_set::join_all(pending);
    record->start = nullptr;
    pending.close();
    pending.rethrow();
    if (!pending.handed_over()) throw_error(errc::not_ready, "start");
    co_return record->value.take();
  }

  /// Children that have not ended.
  [[nodiscard]] std::size_t size() const noexcept { return live(); }

 private:
  friend class coro::spawner<task_group>;
  friend class coro::pending_start;
  friend class coro::group_lease;

  task_group() : task_set("group") {}
  ~task_group() = default;
  [[nodiscard]] coro::task_owner& spawn_owner();
  // Keeps the group open while a start() is pending.
  void hold();
  void unhold() noexcept;
};

template <class T>
class ready_signal {
 public:
  /// Reports ready, with the value that start() gives (none for void). The task goes on, as a child of the group.
  template <class... Args>
  void operator()(Args&&... value) const {
    check(record_->start != nullptr && !record_->start->handed_over(),
          "a started task reported ready twice, or after start was cancelled");
    if constexpr (std::is_reference_v<T>) {
      record_->value.set_value(std::addressof(value)...);
    } else {
      record_->value.set_value(std::forward<Args>(value)...);
    }
    record_->start->hand_over();
  }

 private:
  friend class task_group;
  explicit ready_signal(std::shared_ptr<coro::start_record<T>> record) noexcept
      : record_(std::move(record)) {}
  std::shared_ptr<coro::start_record<T>> record_;
};

namespace coro {

/// A group for the time of one with_group. The object stays in place for some time after that, so that whoever kept a
/// reference and uses it is told, instead of reading memory that belongs to somebody else.
class group_lease {
 public:
  group_lease();
  group_lease(const group_lease&) = delete;
  group_lease& operator=(const group_lease&) = delete;
  ~group_lease();
  [[nodiscard]] task_group& group() const noexcept;

 private:
  friend class eddy::task_group;
  class place;
  class ended_groups;
  place* place_;
};

}  // namespace coro

/// Runs `body(group)` and then waits for all children. Gives the body's value. A failure of body or child cancels the
/// rest (reason sibling_failed), waits for it and is rethrown; several as an exception_group. When group.cancel() cut
/// off a body that owes a value, throws errc::task_cancelled. The callable lives until the group has ended.
template <class Fn>
  requires coro::makes_task<Fn, task_group&>
auto with_group(Fn body) -> task<coro::task_result<Fn, task_group&>> {
  using R = coro::task_result<Fn, task_group&>;
  const coro::group_lease lease;
  task_group& group = lease.group();
  coro::outcome<R> value;
  try {
    if constexpr (std::is_void_v<R>) {
      co_await std::invoke(body, group);
      value.set_value();
    } else if constexpr (std::is_reference_v<R>) {
      R bound = co_await std::invoke(body, group);
      value.set_value(std::addressof(bound));
    } else {
      value.set_value(co_await std::invoke(body, group));
    }
  } catch (...) {
    group.host_failed(std::current_exception());
  }
  co_await coro::task_set::join_all(group);
  group.close();
  group.rethrow();
  if constexpr (!std::is_void_v<R>) {
    if (!value.has_value()) throw_error(errc::task_cancelled, "with_group");
    co_return value.take();
  }
}

}  // namespace eddy
