// The event loop: one per thread that runs one.
//
// A turn runs the batch that was ready at its start, then polls the driver, which completes I/O, then takes posts from
// other threads, then fires due timers. What these make ready belongs to the next batch.
//
// Programs meet the loop through run(), spawn(), sleep() and the like; this header is for those who embed a loop, write
// operations, or post from other threads.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <typeindex>
#include <utility>
#include <vector>

#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy {

namespace runtime {

class loop;
class cancellation_watch;
class offload;
class remote_call;
class remote_operation;
class signal_desk;

/// What a loop is made with; everything the outside world reaches it through.
struct loop_options {
  std::unique_ptr<driver> io = nullptr;  ///< null: make_driver()
  std::uint64_t seed = 0;                ///< of the loop's random source; zero: from the system
  bool shuffle_ready = false;            ///< run each batch in random order, from `seed`
  error_hook on_error = nullptr;         ///< null: stderr
  std::size_t threads = 0;               ///< most to_thread calls at once; zero: 32
  std::size_t cpu_threads = 0;  ///< most to_cpu_thread calls at once; zero: one per processor
  duration thread_shutdown =
      std::chrono::seconds(10);  ///< how long the end waits for abandoned calls
  duration
      cancel_report_after{};  ///< a task still in a cancelled scope after this is reported; zero: none
};

/// The way into a loop for other threads. Copyable; outlives the loop (posting then fails).
class loop_ref {
 public:
  loop_ref() noexcept = default;

  /// Queues `callback` to run on the loop, outside any task, with the task-local values of now. Callable from any
  /// thread. False, and `callback` destroyed here, when the loop has ended. Posts of one thread run in order. An
  /// exception goes to the loop's error hook. A callable that returns a task does not compile: spawn it instead.
  template <class Fn>
    requires coro::callback<Fn>
  bool post(Fn&& callback, std::source_location where = std::source_location::current()) const {
    return post_callback(std::move_only_function<void()>(std::forward<Fn>(callback)), where);
  }

  friend bool operator==(const loop_ref&, const loop_ref&) noexcept = default;

 private:
  friend class loop;
  friend class offload;
  friend class remote_call;
  friend class remote_operation;
  friend class cross_loop_wait;
  struct inbox;
  explicit loop_ref(std::shared_ptr<inbox> box) noexcept : inbox_(std::move(box)) {}
  bool post_callback(std::move_only_function<void()> callback, std::source_location where) const;
  std::shared_ptr<inbox> inbox_;
};

class loop final : public coro::scheduler {
 public:
  explicit loop(loop_options options = {});
  ~loop() override;

  /// The loop of this thread; stops the program when none runs.
  [[nodiscard]] static loop& current();

  /// Runs turns until `done` returns true, which is asked after each batch, before the loop polls or sleeps. Makes this
  /// the thread's loop meanwhile.
  template <std::predicate Done>
  void run_until(Done done) {
    check(scheduler::current() == nullptr, "a loop was run inside a running loop");
    const entered here(*this);
    for (;;) {
      run_batch();
      if (done()) return;
      look_outside();
    }
  }
  /// Takes no more posts, and runs those that have arrived and the tasks they spawn to their end.
  void run_out();
  /// Runs callbacks posted so far, and what they make ready, without polling.
  void drain_posts();

  [[nodiscard]] driver& io() noexcept { return *driver_; }
  [[nodiscard]] loop_ref ref() const noexcept;
  /// The pools of to_thread and to_cpu_thread.
  [[nodiscard]] offload& threads() noexcept { return *threads_; }
  [[nodiscard]] offload& cpu_threads() noexcept { return *cpu_threads_; }

  /// An object of type T that belongs to this loop: made by T(loop&) at first use, destroyed before the driver, in the
  /// reverse order of making. For resolvers, pools and the like.
  template <class T>
  [[nodiscard]] T& service();

  /// Who listens for signals on this loop.
  [[nodiscard]] signal_desk& signals() noexcept { return *signals_; }

  /// Ends a sleep of the loop; also from signal handlers. Any thread, while the loop exists.
  void interrupt() noexcept;

  /// Position among the loops of one run(), for reports and the task tree.
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  void set_index(std::size_t index) noexcept { index_ = index; }

 private:
  friend class offload;
  friend class remote_operation;

  loop(std::unique_ptr<driver> io, loop_options& options);
  void look_outside();
  void look_at_everything();
  void expect_return(bool expected) noexcept;
  void stop_threads() noexcept;
  void poll();

  std::unique_ptr<driver> driver_;
  std::shared_ptr<loop_ref::inbox> inbox_;
  std::unique_ptr<offload> threads_;
  std::unique_ptr<offload> cpu_threads_;
  std::unique_ptr<signal_desk> signals_;
  std::unique_ptr<cancellation_watch> cancellation_watch_;
  duration thread_shutdown_;
  int pools_expecting_ = 0;
  std::vector<std::pair<std::type_index, std::shared_ptr<void>>> services_;
  std::size_t index_ = 0;
  std::uint32_t turns_since_poll_ = 0;
};

template <class T>
T& loop::service() {
  for (auto& [type, object] : services_) {
    if (type == typeid(T)) return *static_cast<T*>(object.get());
  }
  auto made = std::make_shared<T>(*this);
  T& object = *made;
  services_.emplace_back(typeid(T), std::move(made));
  return object;
}

}  // namespace runtime

/// Queues `callback` on this thread's loop; see loop_ref::post.
template <class Fn>
  requires coro::callback<Fn>
void post(Fn&& callback, std::source_location where = std::source_location::current()) {
  runtime::loop::current().ref().post(std::forward<Fn>(callback), where);
}

/// The way into this thread's loop from other threads.
[[nodiscard]] inline runtime::loop_ref current_loop() { return runtime::loop::current().ref(); }

}  // namespace eddy
