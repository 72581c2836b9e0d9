// The part of a loop that coroutines see: ready queue, timers, clock, the current task, failures nobody observed.
//
// One per thread that runs a loop; runtime::loop derives from it and adds I/O, threads and signals. Everything here is
// used on the loop's own thread only.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <eddy/base/check.hpp>
#include <eddy/base/random.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/loop_progress.hpp>
#include <eddy/coro/task_state.hpp>
#include <eddy/coro/timer_queue.hpp>

namespace eddy {

/// A failure that no code can observe: a dropped handle's, a posted callback's, a cleanup's that ran out of its grace.
struct failure_report {
  std::string message;         ///< what happened, in words
  std::exception_ptr error;    ///< the failure; null where there is none
  std::string task;            ///< the task's name; empty outside tasks
  std::source_location where;  ///< where the task was spawned or the callback posted
  std::vector<std::source_location> stack =
      {};  ///< the awaits that the failure passed, innermost first
};

/// Receives them, on the loop's thread, outside any operation. If it throws, both failures are written to stderr.
using error_hook = std::function<void(const failure_report&)>;

/// Reports to this thread's loop; to stderr where none runs.
void report_failure(failure_report what) noexcept;

/// Describes any exception: type and what() for standard ones.
[[nodiscard]] std::string describe_exception(const std::exception_ptr& error);

namespace coro {

/// Sees the operations of a loop that can be cancelled: for tools that test what a cancellation does at each point.
class operation_observer {
 public:
  /// `task` begins an operation. May cancel scopes. What it throws leaves the operation, which has then done nothing.
  virtual void entering(task_state& task) = 0;
  /// `task` is suspended in the operation. May cancel scopes.
  virtual void suspended(task_state& task) noexcept = 0;
  /// `task` is about to run its next step. May cancel scopes.
  virtual void resuming(task_state& task) noexcept = 0;

 protected:
  ~operation_observer() = default;
};

class scheduler {
 public:
  scheduler(clock& time_source, std::uint64_t seed);
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// The loop running on this thread; null when none is.
  [[nodiscard]] static scheduler* current() noexcept { return current_; }
  /// The loop running on this thread; stops the program when none is.
  [[nodiscard]] static scheduler& require() {
    check(current_ != nullptr, "used outside a running loop");
    return *current_;
  }

  // --- time ---
  [[nodiscard]] time_point now() noexcept { return clock_->now(); }
  [[nodiscard]] clock& time_source() noexcept { return *clock_; }
  [[nodiscard]] timer_queue& timers() noexcept { return timers_; }
  /// The time this turn began: cheap, and exact enough for diagnostics.
  [[nodiscard]] time_point turn_started() const noexcept { return turn_started_; }
  [[nodiscard]] random_source& random() noexcept { return random_; }

  // --- ready queue ---
  /// Queues `node` behind what is ready already; it runs in the next batch.
  void make_ready(ready_node& node) noexcept {
    node.next_ = nullptr;
    *ready_tail_ = &node;
    ready_tail_ = &node.next_;
  }
  [[nodiscard]] bool anything_ready() const noexcept { return ready_head_ != nullptr; }
  /// Runs everything that is ready now, and nothing that becomes ready meanwhile.
  void run_batch();
  /// Shuffles each batch with this loop's random source instead of running it in order of arrival.
  void shuffle_ready(bool on) noexcept { shuffle_ = on; }
  /// `node`, which is made ready next, runs after what is ready already even where batches are shuffled.
  void keep_behind(ready_node& node) {
    if (shuffle_) kept_behind_.push_back(&node);
  }
  /// Turns begun so far.
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

  /// Uses up one inline completion; false when the task has had its share and must let others run.
  [[nodiscard]] bool spend_budget() noexcept { return budget_ > 0 && --budget_ >= 0; }
  void set_completion_budget(int completions) noexcept { full_budget_ = completions; }

  // --- tasks ---
  [[nodiscard]] task_state* current_task() const noexcept { return current_task_; }
  /// The running task; stops the program outside of one.
  [[nodiscard]] task_state& require_task() const {
    check(current_task_ != nullptr, "awaited outside a task");
    return *current_task_;
  }
  [[nodiscard]] intrusive_list<task_state, all_tasks_tag>& tasks() noexcept { return tasks_; }
  [[nodiscard]] std::size_t live_tasks() const noexcept { return live_tasks_; }
  /// Owner of what spawn() starts.
  [[nodiscard]] task_owner& root() noexcept { return root_; }

  /// The task-local values of the running callback.
  [[nodiscard]] local_values_ptr& callback_locals() noexcept { return callback_locals_; }

  /// Where the loop stands, for other threads.
  [[nodiscard]] loop_progress& progress() noexcept { return progress_; }

  /// Null on ordinary loops. The observer outlives its registration.
  [[nodiscard]] operation_observer* observer() const noexcept { return observer_; }
  void set_observer(operation_observer* observer) noexcept { observer_ = observer; }

  /// Null where nobody watches. The observer outlives its registration.
  [[nodiscard]] cancellation_observer* cancellations() const noexcept { return cancellations_; }
  void set_cancellation_observer(cancellation_observer* o) noexcept { cancellations_ = o; }

  // --- failures ---
  void set_error_hook(error_hook hook) { hook_ = std::move(hook); }
  void report(failure_report what) noexcept;

  /// Makes this the thread's loop while the guard lives.
  class entered {
   public:
    explicit entered(scheduler& loop) noexcept;
    entered(const entered&) = delete;
    entered& operator=(const entered&) = delete;
    ~entered();

   private:
    scheduler* previous_;
  };

 protected:
  virtual ~scheduler() = default;
  void begin_turn() noexcept {
    turn_started_ = clock_->now();
    ++turns_;
  }
  /// A turn that looked at nothing outside.
  void count_turn() noexcept { ++turns_; }

 private:
  friend class task_state;

  struct root_owner final : task_owner {
    void child_ended(task_state&) noexcept override {}
    friend class scheduler;
  };

  void resume(ready_node& node) noexcept;
  ready_node* take_batch() noexcept;
  ready_node* shuffled(ready_node* batch);

  // Accessed on every operation, so first. `initial-exec` keeps it one load in position-independent code as well.
  static thread_local constinit scheduler* current_ [[gnu::tls_model("initial-exec")]];

  ready_node* ready_head_ = nullptr;
  ready_node** ready_tail_ = &ready_head_;
  task_state* current_task_ = nullptr;
  int budget_ = 0;
  int full_budget_ = 128;
  bool shuffle_ = false;
  loop_progress progress_;
  operation_observer* observer_ = nullptr;
  cancellation_observer* cancellations_ = nullptr;
  std::uint64_t turns_ = 0;
  std::uint64_t next_task_id_ = 1;
  std::size_t live_tasks_ = 0;
  clock* clock_;
  time_point turn_started_{};
  timer_queue timers_;
  random_source random_;
  intrusive_list<task_state, all_tasks_tag> tasks_;
  root_owner root_;
  error_hook hook_;
  local_values_ptr callback_locals_;
  std::vector<ready_node*> shuffled_;
  std::vector<ready_node*> kept_behind_;  // in order of becoming ready

  void shuffle(std::size_t from, std::size_t to) noexcept;
};

}  // namespace coro

/// The current loop's time. Stops the program outside a loop.
[[nodiscard]] time_point now();

}  // namespace eddy
