// to_thread and to_cpu_thread: work off the loop.
//
//   std::string text = co_await eddy::to_thread(read_whole_file, path);     // blocks: waits for a disk, a library
//   image small = co_await eddy::to_cpu_thread(scale, std::move(picture));  // computes
//
// Each loop has two pools: one for calls that block, whose threads mostly sleep, and one for calls that compute, with
// no more threads than processors.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

#include <eddy/coro/outcome.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/coro/thread_cancellation.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy {

/// to_thread(abandon_on_cancel, fn, ...): a cancelled task does not wait for a call that is running. The call goes on,
/// its result is dropped, and its thread stays taken until it returns.
struct abandon_on_cancel_t {};
inline constexpr abandon_on_cancel_t abandon_on_cancel;

namespace runtime {

class thread_operation;

/// One call: the callable, its arguments and what became of them. Owned by the operation, and by the pool while a
/// thread is at it.
class thread_job : public list_hook<> {
 public:
  thread_job() = default;
  thread_job(const thread_job&) = delete;
  thread_job& operator=(const thread_job&) = delete;
  virtual ~thread_job() = default;

  /// On a pool thread: makes the call and keeps its outcome.
  virtual void call(const std::stop_token& stop) noexcept = 0;

 private:
  friend class offload;
  enum class stage : std::uint8_t { queued, running, ended };
  // Guarded by the pool's lock from submission to the end.
  stage stage_ = stage::queued;
  bool scripted_ =
      false;  // made by the driver, not by a thread; then all of it is the loop's alone
  thread_operation* waiter_ = nullptr;  // null: abandoned
  coro::thread_cancellation cancellation_;
  coro::local_values_ptr locals_;
  std::shared_ptr<thread_job> self_;  // while the pool has it
};

/// A pool of one loop: threads are started as calls need them, at most `limit`; further calls wait in order. In virtual
/// time a script may take the place of the threads: virtual_driver::script_calls.
class offload {
 public:
  offload(loop& owner, std::size_t limit);
  offload(const offload&) = delete;
  offload& operator=(const offload&) = delete;
  ~offload();

  /// Calls that somebody waits for.
  [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }
  /// Calls nobody waits for any more that are still running.
  [[nodiscard]] std::size_t abandoned() const noexcept;
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  /// Ends the threads. No call may be outstanding; abandoned ones are waited for up to `patience`, then reported and
  /// left behind: true when there are none.
  bool stop(duration patience) noexcept;

 private:
  friend class thread_operation;
  class state;
  class scripted;

  void submit(const std::shared_ptr<thread_job>& job, thread_operation& waiter);
  enum class withdrawal : std::uint8_t { done, later };
  withdrawal withdraw(thread_job& job, bool abandon, const coro::cancel_info_ptr& why) noexcept;
  void submit_to_thread(const std::shared_ptr<thread_job>& job);
  void came_back(const thread_job& job) noexcept;
  static void make_call(thread_job& job) noexcept;

  loop& loop_;
  std::size_t limit_;
  // The loop's thread only.
  std::size_t outstanding_ = 0;
  std::size_t on_threads_ = 0;  // of these
  std::shared_ptr<state> state_;
  std::shared_ptr<scripted> scripted_;
};

/// Waits for a call in a pool.
class thread_operation : public coro::operation, public list_hook<> {
 public:
  [[nodiscard]] coro::wait_info describe() const override { return {"to_thread", job_.get()}; }
  [[nodiscard]] bool try_complete() const noexcept { return false; }
  void enqueue();

 protected:
  enum class pool : std::uint8_t { blocking, computing };
  thread_operation(std::shared_ptr<thread_job> job, pool where, bool abandon) noexcept
      : job_(std::move(job)), pool_(where), abandon_(abandon) {}
  thread_operation(thread_operation&& other) noexcept
      : operation(std::move(other)),
        list_hook(other),
        job_(std::move(other.job_)),
        pool_(other.pool_),
        abandon_(other.abandon_) {}
  ~thread_operation() = default;
  [[nodiscard]] thread_job& job() const noexcept { return *job_; }

 private:
  friend class offload;
  void withdraw() noexcept override;
  [[nodiscard]] offload& pool_of_loop() const;

  std::shared_ptr<thread_job> job_;
  pool pool_;
  bool abandon_;
};

template <class Fn, class... Args>
class typed_job final : public thread_job {
  static constexpr bool takes_stop = std::is_invocable_v<Fn, std::stop_token, Args...>;

 public:
  using value_type =
      typename std::conditional_t<takes_stop, std::invoke_result<Fn, std::stop_token, Args...>,
                                  std::invoke_result<Fn, Args...>>::type;
  static_assert(!coro::is_task<std::remove_cvref_t<value_type>>,
                "a thread cannot run a task: spawn it instead");

  template <class F, class... As>
  explicit typed_job(std::in_place_t, F&& fn, As&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<As>(args)...) {}

  void call(const std::stop_token& stop) noexcept override {
    try {
      const auto invoke = [&](Args&... args) -> value_type {
        if constexpr (takes_stop) {
          return std::invoke(std::move(fn_), stop, std::move(args)...);
        } else {
          return std::invoke(std::move(fn_), std::move(args)...);
        }
      };
      if constexpr (std::is_void_v<value_type>) {
        std::apply(invoke, args_);
        outcome_.set_value();
      } else if constexpr (std::is_reference_v<value_type>) {
        outcome_.set_value(std::addressof(std::apply(invoke, args_)));
      } else {
        outcome_.set_value(std::apply(invoke, args_));
      }
    } catch (...) {
      outcome_.set_exception(std::current_exception());
    }
  }
  value_type take() { return outcome_.take(); }

 private:
  Fn fn_;
  std::tuple<Args...> args_;
  coro::outcome<value_type> outcome_;
};

template <class Job>
class thread_call final : public thread_operation {
 public:
  template <class... Args>
  static thread_call blocking(bool abandon, Args&&... args) {
    return thread_call(std::make_shared<Job>(std::in_place, std::forward<Args>(args)...),
                       pool::blocking, abandon);
  }
  template <class... Args>
  static thread_call computing(Args&&... args) {
    return thread_call(std::make_shared<Job>(std::in_place, std::forward<Args>(args)...),
                       pool::computing, false);
  }
  typename Job::value_type take() { return static_cast<Job&>(job()).take(); }

 private:
  using thread_operation::thread_operation;
};

template <class Fn, class... Args>
using thread_call_of = thread_call<typed_job<std::decay_t<Fn>, std::decay_t<Args>...>>;

}  // namespace runtime

/// Calls `fn(args...)` on a thread of the loop's pool for blocking calls and gives its result; the loop goes on
/// meanwhile. Callable and arguments are stored; the callable sees the task-local values of now. One that takes a
/// std::stop_token first gets one that is set when the task is cancelled; eddy::is_cancelled() and
/// throw_if_cancelled() work in it, too. Cancelled while the call is queued: it never runs. Cancelled while it runs:
/// the task waits for its end and gets the result; the next operation is refused.
template <class Fn, class... Args>
[[nodiscard]] auto to_thread(Fn&& fn, Args&&... args) {
  return runtime::thread_call_of<Fn, Args...>::blocking(false, std::forward<Fn>(fn),
                                                        std::forward<Args>(args)...);
}

/// The same, but a cancelled task leaves a running call behind; see abandon_on_cancel.
template <class Fn, class... Args>
[[nodiscard]] auto to_thread(abandon_on_cancel_t, Fn&& fn, Args&&... args) {
  return runtime::thread_call_of<Fn, Args...>::blocking(true, std::forward<Fn>(fn),
                                                        std::forward<Args>(args)...);
}

/// As to_thread, in the loop's pool for calls that compute.
template <class Fn, class... Args>
[[nodiscard]] auto to_cpu_thread(Fn&& fn, Args&&... args) {
  return runtime::thread_call_of<Fn, Args...>::computing(std::forward<Fn>(fn),
                                                         std::forward<Args>(args)...);
}

}  // namespace eddy
