// to_thread: blocking calls off the loop.
//
//   std::string text = co_await eddy::to_thread(read_whole_file, path);
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/outcome.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy {

namespace runtime {

/// One call on its way through the pool and back. Lives in the awaiting frame; the pool lets go of it before it
/// completes.
class thread_operation : public coro::operation, public list_hook<> {
 public:
  [[nodiscard]] coro::wait_info describe() const override { return {"to_thread", this}; }
  [[nodiscard]] bool try_complete() const noexcept { return false; }
  void enqueue();

 protected:
  thread_operation() noexcept = default;
  thread_operation(thread_operation&& other) noexcept
      : operation(std::move(other)), list_hook(other) {}
  ~thread_operation() = default;
  /// On a pool thread: makes the call and keeps its outcome.
  virtual void call(const std::stop_token& stop) noexcept = 0;

 private:
  friend class offload;
  void withdraw() noexcept override;
  enum class stage : std::uint8_t { queued, running, ended };
  stage stage_ = stage::queued;  // guarded by the pool's lock
  std::stop_source* stop_ = nullptr;
  std::shared_ptr<coro::local_values> locals_;
};

/// The thread pool of one loop: threads are started as calls need them, at most `limit`; further calls wait in order.
class offload {
 public:
  offload(loop& owner, std::size_t limit);
  offload(const offload&) = delete;
  offload& operator=(const offload&) = delete;
  ~offload();

  /// Calls that have been started or queued and have not come back.
  [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  /// Ends the threads; no call may be outstanding.
  void stop() noexcept;

 private:
  friend class thread_operation;
  class returns;

  void submit(thread_operation& call);
  bool take_back(thread_operation& call) noexcept;
  void came_back() noexcept;
  void work();

  loop& loop_;
  std::size_t limit_;
  std::size_t outstanding_ = 0;  // the loop's thread only
  std::unique_ptr<returns> returns_;
  std::mutex lock_;
  std::condition_variable arrived_;
  intrusive_list<thread_operation> queue_;
  std::size_t queued_ = 0;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

template <class Fn, class... Args>
class thread_call final : public thread_operation {
  static constexpr bool takes_stop = std::is_invocable_v<Fn, std::stop_token, Args...>;

 public:
  using value_type =
      typename std::conditional_t<takes_stop, std::invoke_result<Fn, std::stop_token, Args...>,
                                  std::invoke_result<Fn, Args...>>::type;
  static_assert(!coro::is_task<std::remove_cvref_t<value_type>>,
                "a thread cannot run a task: spawn it instead");

  template <class F, class... As>
  explicit thread_call(std::in_place_t, F&& fn, As&&... args)
      : fn_(std::forward<F>(fn)), args_(std::forward<As>(args)...) {}
  thread_call(thread_call&& other) noexcept
      : thread_operation(std::move(other)),
        fn_(std::move(other.fn_)),
        args_(std::move(other.args_)) {}

  value_type take() { return outcome_.take(); }

 private:
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

  Fn fn_;
  std::tuple<Args...> args_;
  coro::outcome<value_type> outcome_;
};

}  // namespace runtime

/// Calls `fn(args...)` on a thread of the loop's pool and gives its result; the loop goes on meanwhile. Callable and
/// arguments are stored. A callable that takes a std::stop_token first gets one that is set when the task is
/// cancelled. Cancelled while the call is queued: it never runs. Cancelled while it runs: the task waits for its end
/// and gets the result; the next operation is refused.
template <class Fn, class... Args>
[[nodiscard]] auto to_thread(Fn&& fn, Args&&... args) {
  return runtime::thread_call<std::decay_t<Fn>, std::decay_t<Args>...>(
      std::in_place, std::forward<Fn>(fn), std::forward<Args>(args)...);
}

}  // namespace eddy
