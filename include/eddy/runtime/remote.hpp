// Work on another loop: submit() from any thread, run_on() from a task of another loop.
//
//   eddy::runtime::loop_ref loop = ...;                              // current_loop() of the loop that is to work
//   auto reply = eddy::submit(loop, [] { return count_users(); });   // on any thread
//   int users = reply.get();                                         // blocks this thread
//
//   int users = co_await eddy::run_on(loop, [] { return count_users(); });   // in a task of another loop
//
// The callable moves to that loop, and gives a task there, which belongs to the loop's root group. What it gives or
// throws comes back.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/outcome.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/runtime/inbox_node.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy {

namespace runtime {

class remote_operation;

/// One call on another loop: made by the caller, then the target loop's, then the caller's again. The one who waits
/// is either an operation on a loop or a thread.
class remote_call : public std::enable_shared_from_this<remote_call>,
                    private inbox_node,
                    private coro::task_watcher {
 public:
  remote_call(loop_ref target, std::source_location where);
  remote_call(const remote_call&) = delete;
  remote_call& operator=(const remote_call&) = delete;
  /// Reports a failure that nobody has asked for.
  virtual ~remote_call();

  /// Sends the call off. False when the target has ended: nothing happens then.
  [[nodiscard]] bool submit(remote_operation* waiter);
  /// Asks for the task's cancellation; the first request counts. Any thread.
  void cancel(cancel_reason reason, std::string text, std::source_location where) noexcept;

  /// For a thread: waits until the call has ended, or until `deadline` of the steady clock: false.
  void wait();
  [[nodiscard]] bool wait_for(duration limit);
  [[nodiscard]] bool done() const;
  /// After the end: throws the failure, or errc::task_cancelled; returns when there is a value.
  void rethrow_unless_succeeded();
  [[nodiscard]] bool was_cancelled() const noexcept { return ended_ == end::cancelled; }

 protected:
  /// On the target loop: starts the task in its root group.
  virtual coro::task_state& launch(loop& on, std::source_location where) = 0;
  virtual void keep_value(coro::task_state& from) = 0;

 private:
  class cancel_request final : public inbox_node {
   public:
    explicit cancel_request(remote_call& call) noexcept : call_(call) {}
    void deliver(loop& on) noexcept override;
    std::shared_ptr<remote_call> on_the_way;
    cancel_reason reason = cancel_reason::requested;
    std::string text;
    std::source_location where;

   private:
    remote_call& call_;
  };
  enum class end : std::uint8_t { not_yet, value, failure, cancelled };

  void deliver(loop& on) noexcept override;
  void task_ended(coro::task_state& ended) noexcept override;
  void hand_back(end how) noexcept;
  void check_thread() const;

  loop_ref target_;
  std::source_location where_;
  coro::local_values_ptr locals_;
  std::shared_ptr<remote_call> self_;  // while the target has it
  coro::task_state* task_ = nullptr;   // the target's thread only
  remote_operation* waiter_ = nullptr;
  std::atomic<bool> cancel_sent_{false};
  cancel_request cancel_request_{*this};
  mutable std::mutex lock_;
  std::condition_variable ended_here_;
  end ended_ = end::not_yet;
  std::exception_ptr failure_;
  bool observed_ = false;
};

template <class T>
class typed_remote_call final : public remote_call {
 public:
  template <class Fn>
  typed_remote_call(loop_ref target, std::source_location where, Fn&& make)
      : remote_call(std::move(target), where), make_(std::forward<Fn>(make)) {}
  [[nodiscard]] T take() {
    rethrow_unless_succeeded();
    return value_.take();
  }

 private:
  coro::task_state& launch(loop& on, std::source_location where) override {
    auto make = std::exchange(make_, nullptr);  // to be destroyed here, on the loop
    return coro::launch(make(), on.root(), where).state();
  }
  void keep_value(coro::task_state& from) override {
    auto& result = static_cast<coro::spawned_task<T>&>(from).result();
    if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
      value_.set_value(result.value());
    } else {
      value_.set_value(result.take());
    }
  }

  std::move_only_function<task<T>()> make_;
  coro::outcome<T> value_;
};

/// Makes the call's task on the target, with the callable and its arguments inside.
template <class Fn, class... Args>
auto remote_call_of(loop_ref target, std::source_location where, Fn&& fn, Args&&... args) {
  using T = coro::task_result<Fn, Args...>;
  auto make = [fn = std::decay_t<Fn>(std::forward<Fn>(fn)),
               ... args = std::decay_t<Args>(std::forward<Args>(args))]() mutable {
    return coro::call<std::decay_t<Fn>, std::decay_t<Args>...>(std::move(fn), std::move(args)...);
  };
  return std::make_shared<typed_remote_call<T>>(std::move(target), where, std::move(make));
}

/// Waits for a call on another loop. Cancelled: the task there is, and is waited for.
class remote_operation : public coro::operation, private inbox_node {
 public:
  [[nodiscard]] coro::wait_info describe() const override { return {"run_on", call_.get()}; }
  [[nodiscard]] bool try_complete() const noexcept { return false; }
  void enqueue();

 protected:
  explicit remote_operation(std::shared_ptr<remote_call> call) noexcept : call_(std::move(call)) {}
  remote_operation(remote_operation&& other) noexcept
      : operation(std::move(other)), inbox_node(), call_(std::move(other.call_)) {}
  ~remote_operation() = default;
  /// Throws errc::closed when the call could not be sent.
  [[nodiscard]] remote_call& call() const;

 private:
  friend class remote_call;
  void withdraw() noexcept override;
  void deliver(class loop& home) noexcept override;
  void hand_back() noexcept;

  std::shared_ptr<remote_call> call_;
  loop_ref home_;
};

template <class T>
class typed_remote_operation final : public remote_operation {
 public:
  explicit typed_remote_operation(std::shared_ptr<typed_remote_call<T>> call) noexcept
      : remote_operation(std::move(call)) {}
  T take() { return static_cast<typed_remote_call<T>&>(call()).take(); }
};

}  // namespace runtime

/// A thread's view of a task on a loop. Move-only; dropping it leaves the task alone, and a failure that nobody asked
/// for is reported. Any thread, one at a time.
template <class T>
class thread_handle {
 public:
  /// Blocks until the task has ended and gives its value, once; throws its failure, or errc::task_cancelled. On the
  /// loop's own thread it would never end: that stops the program.
  T get() {
    call_->wait();
    return call_->take();
  }
  /// Blocks until the task has ended, at most for `limit`; false when it runs on. Not on the loop's own thread.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> limit) const {
    return call_->wait_for(to_duration(limit));
  }
  [[nodiscard]] bool done() const { return call_->done(); }
  /// Asks the loop to cancel the task; it ends later.
  void cancel(cancel_reason reason = cancel_reason::requested, std::string text = {},
              std::source_location where = std::source_location::current()) const {
    call_->cancel(reason, std::move(text), where);
  }

  explicit thread_handle(std::shared_ptr<runtime::typed_remote_call<T>> call) noexcept
      : call_(std::move(call)) {}
  thread_handle(thread_handle&&) noexcept = default;
  thread_handle& operator=(thread_handle&&) noexcept = default;

 private:
  std::shared_ptr<runtime::typed_remote_call<T>> call_;
};

namespace runtime {
template <class T>
thread_handle<T> sent(std::shared_ptr<typed_remote_call<T>> call) {
  if (!call->submit(nullptr)) throw_error(errc::closed, "submit");
  return thread_handle<T>(std::move(call));
}
}  // namespace runtime

/// Runs `fn(args...)`, which gives a task, on the loop `to`, with the task-local values of now. Callable from any
/// thread, loops included. Throws errc::closed when the loop has ended; the callable is destroyed here then, else
/// there.
template <coro::task_callable Fn>
[[nodiscard]] auto submit(const runtime::loop_ref& to, Fn&& fn,
                          std::source_location where = std::source_location::current()) {
  return runtime::sent(runtime::remote_call_of(to, where, std::forward<Fn>(fn)));
}
template <class Fn, class Arg, class... Args>
  requires coro::task_callable<Fn, Arg, Args...>
[[nodiscard]] auto submit(const runtime::loop_ref& to, Fn&& fn, Arg&& arg, Args&&... args) {
  return runtime::sent(runtime::remote_call_of(to, std::source_location(), std::forward<Fn>(fn),
                                               std::forward<Arg>(arg),
                                               std::forward<Args>(args)...));
}

/// The same, awaited by a task of this loop: gives the value, or throws the failure, or errc::task_cancelled when
/// the task was cancelled over there. When the awaiting task is cancelled, so is that one, and the await ends when
/// it has.
template <coro::task_callable Fn>
[[nodiscard]] auto run_on(const runtime::loop_ref& to, Fn&& fn,
                          std::source_location where = std::source_location::current()) {
  return runtime::typed_remote_operation<coro::task_result<Fn>>(
      runtime::remote_call_of(to, where, std::forward<Fn>(fn)));
}
template <class Fn, class Arg, class... Args>
  requires coro::task_callable<Fn, Arg, Args...>
[[nodiscard]] auto run_on(const runtime::loop_ref& to, Fn&& fn, Arg&& arg, Args&&... args) {
  return runtime::typed_remote_operation<coro::task_result<Fn, Arg, Args...>>(
      runtime::remote_call_of(to, std::source_location(), std::forward<Fn>(fn),
                              std::forward<Arg>(arg), std::forward<Args>(args)...));
}

}  // namespace eddy
