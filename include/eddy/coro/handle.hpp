// spawn and task_handle: tasks that run beside the one that started them.
//
//   eddy::task_handle<int> h = eddy::spawn(count_lines(path));
//   ...
//   int lines = co_await h;
//
// A spawned task belongs to the loop's root group, and is cancelled and awaited when run() ends; to give it a narrower
// owner, spawn it into a task_group. The handle is a view: dropping it changes nothing.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <eddy/coro/spawned_task.hpp>
#include <eddy/coro/task.hpp>

namespace eddy {

/// How a spawned task is shown in reports and in the task tree. The default name is "task-<number>".
struct spawn_options {
  std::string_view name = {};  ///< copied
};

/// What handles of all types have in common; also what current_task() gives. Copyable, may be empty. Used on the task's
/// loop only; may outlive the task, not the loop.
class any_task_handle {
 public:
  any_task_handle() noexcept = default;
  explicit any_task_handle(coro::task_state& task) noexcept : task_(&task) { task_->retain(); }
  any_task_handle(const any_task_handle& other) noexcept : task_(other.task_) {
    if (task_ != nullptr) task_->retain();
  }
  any_task_handle(any_task_handle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  any_task_handle& operator=(any_task_handle other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~any_task_handle() {
    if (task_ != nullptr) task_->release();
  }

  [[nodiscard]] explicit operator bool() const noexcept { return task_ != nullptr; }
  friend bool operator==(const any_task_handle&, const any_task_handle&) noexcept = default;

  [[nodiscard]] bool done() const { return state().done(); }
  [[nodiscard]] coro::task_status status() const { return state().status(); }
  [[nodiscard]] std::string name() const { return state().name(); }
  [[nodiscard]] std::uint64_t id() const { return state().id(); }
  [[nodiscard]] std::source_location spawned_at() const { return state().spawned_at(); }

  /// Cancels the task's own scope. True when this call did it; false when the task is done or was cancelled before.
  /// The task ends later: await the handle for that.
  bool cancel(cancel_reason reason = cancel_reason::requested, std::string text = {},
              std::source_location where = std::source_location::current()) const {
    return state().cancel(reason, std::move(text), where);
  }

  /// The failure of a task that ended with one, else null. Counts as observing it.
  [[nodiscard]] std::exception_ptr failure() const { return state().observe_failure(); }

  /// The record; for those who write constructs.
  [[nodiscard]] coro::task_state& state() const {
    check(task_ != nullptr, "an empty task handle was used");
    return *task_;
  }

 private:
  coro::task_state* task_ = nullptr;
};

/// A view of a spawned task<T>. `co_await h` waits for its end and gives a reference to the result (T& that lives as
/// long as a handle does), or throws its failure, or errc::task_cancelled when it was cancelled; any number of tasks
/// may await it, any number of times. `co_await std::move(h)` or of a temporary handle gives the result by value,
/// moved out: for the last one to ask.
template <class T = void>
class task_handle : public any_task_handle {
 public:
  using value_type = T;

  task_handle() noexcept = default;
  explicit task_handle(coro::spawned_task<T>& task) noexcept : any_task_handle(task) {}

  /// For co_await; see promise_base.
  [[nodiscard]] coro::peek_result<T> awaiting() const& { return coro::peek_result<T>(state()); }
  [[nodiscard]] auto awaiting() && { return take_result(std::move(*this)); }

 private:
  class take_result final : public coro::join_operation {
   public:
    explicit take_result(task_handle h) : join_operation(h.state()), handle_(std::move(h)) {}
    T take() {
      joined().rethrow_unless_succeeded();
      return static_cast<coro::spawned_task<T>&>(joined()).result().take();
    }

   private:
    task_handle handle_;
  };
};

namespace coro {

/// Keeps a callable and its arguments alive around the task it makes.
template <class Fn, class... Args>
auto call(Fn fn, Args... args) -> std::invoke_result_t<Fn&, Args...> {
  co_return co_await std::invoke(fn, std::forward<Args>(args)...);
}

/// A callable that gives a task when called with just these arguments.
template <class Fn, class... Args>
concept makes_task = std::is_invocable_v<std::decay_t<Fn>&, Args...> &&
                     is_task<std::invoke_result_t<std::decay_t<Fn>&, Args...>>;

/// The same with copies of the arguments, as spawn calls it.
template <class Fn, class... Args>
concept task_callable = makes_task<Fn, std::decay_t<Args>...>;

/// The R of the task<R> that a callable gives.
template <class Fn, class... Args>
using task_result = typename std::invoke_result_t<std::decay_t<Fn>&, Args...>::value_type;

template <class T>
task_handle<T> launch(task<T> body, task_owner& owner, std::source_location where,
                      spawn_options options = {}) {
  // Everything that may throw comes before the task exists.
  std::unique_ptr<task_details> details;
  if (!options.name.empty()) {
    details = std::make_unique<task_details>();
    details->name = options.name;
  }
  auto& record = spawned_task<T>::launch(std::move(body), owner, where);
  if (details) record.set_details(std::move(details));
  return task_handle<T>(record);
}

/// The spawn overloads, shared by spawn itself and task_group. A default argument cannot follow a parameter pack, so
/// that the caller's place is known for up to three arguments.
template <class Self>
class spawner {
 public:
  template <class T>
  task_handle<T> spawn(task<T> body, spawn_options options = {},
                       std::source_location where = std::source_location::current()) {
    return launch(std::move(body), owner(), where, options);
  }
  template <task_callable Fn>
  auto spawn(Fn&& fn, std::source_location where = std::source_location::current()) {
    return launch(call<std::decay_t<Fn>>(std::forward<Fn>(fn)), owner(), where);
  }
  template <class Fn, class A>
    requires task_callable<Fn, A>
  auto spawn(Fn&& fn, A&& a, std::source_location where = std::source_location::current()) {
    return launch(call<std::decay_t<Fn>, std::decay_t<A>>(std::forward<Fn>(fn), std::forward<A>(a)),
                  owner(), where);
  }
  template <class Fn, class A, class B>
    requires task_callable<Fn, A, B>
  auto spawn(Fn&& fn, A&& a, B&& b, std::source_location where = std::source_location::current()) {
    return launch(call<std::decay_t<Fn>, std::decay_t<A>, std::decay_t<B>>(
                      std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b)),
                  owner(), where);
  }
  template <class Fn, class A, class B, class C, class... More>
    requires task_callable<Fn, A, B, C, More...>
  auto spawn(Fn&& fn, A&& a, B&& b, C&& c, More&&... more) {
    return launch(
        call<std::decay_t<Fn>, std::decay_t<A>, std::decay_t<B>, std::decay_t<C>,
             std::decay_t<More>...>(std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b),
                                    std::forward<C>(c), std::forward<More>(more)...),
        owner(), std::source_location{});
  }

 private:
  task_owner& owner() { return static_cast<Self&>(*this).spawn_owner(); }
};

struct root_spawner : spawner<root_spawner> {
  [[nodiscard]] static task_owner& spawn_owner() { return scheduler::require().root(); }
};

}  // namespace coro

/// Starts a task in the loop's root group and returns at once; its first step runs in the next batch. Takes a task
/// (and options), or a callable that returns one and its arguments: callable and arguments are stored (references only
/// by std::ref) and live until the task has ended. Throws std::bad_alloc and whatever copying throws; then nothing was
/// spawned. Not a cancellation point.
template <class T>
task_handle<T> spawn(task<T> body, spawn_options options = {},
                     std::source_location where = std::source_location::current()) {
  return coro::root_spawner().spawn(std::move(body), options, where);
}
template <coro::task_callable Fn>
auto spawn(Fn&& fn, std::source_location where = std::source_location::current()) {
  return coro::root_spawner().spawn(std::forward<Fn>(fn), where);
}
template <class Fn, class A>
  requires coro::task_callable<Fn, A>
auto spawn(Fn&& fn, A&& a, std::source_location where = std::source_location::current()) {
  return coro::root_spawner().spawn(std::forward<Fn>(fn), std::forward<A>(a), where);
}
template <class Fn, class A, class B>
  requires coro::task_callable<Fn, A, B>
auto spawn(Fn&& fn, A&& a, B&& b, std::source_location where = std::source_location::current()) {
  return coro::root_spawner().spawn(std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b),
                                    where);
}
template <class Fn, class A, class B, class C, class... More>
  requires coro::task_callable<Fn, A, B, C, More...>
auto spawn(Fn&& fn, A&& a, B&& b, C&& c, More&&... more) {
  return coro::root_spawner().spawn(std::forward<Fn>(fn), std::forward<A>(a), std::forward<B>(b),
                                    std::forward<C>(c), std::forward<More>(more)...);
}

/// The running task; empty in a posted callback and outside a loop.
[[nodiscard]] inline any_task_handle current_task() {
  auto* loop = coro::scheduler::current();
  auto* task = loop != nullptr ? loop->current_task() : nullptr;
  return task != nullptr ? any_task_handle(*task) : any_task_handle();
}

/// Every unfinished task of this loop, oldest first.
[[nodiscard]] std::vector<any_task_handle> all_tasks();

}  // namespace eddy
