// Running coroutines in virtual time: hours of sleep pass at once, the network is in memory, and the same seed gives
// the same sequence of events.
//
//   int answer = eddy::testing::run_virtual([]() -> eddy::task<int> {
//     co_await eddy::sleep(std::chrono::hours(1));
//     co_return 42;
//   });
//
// A run fails when it hangs (deadlock, too much virtual time, too many turns), when it leaves tasks, timers, sockets or
// frames behind, and when a failure went to the error hook unseen. What it says then has the task tree in it and the
// seed that repeats it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include <eddy/coro/scheduler.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/virtual_driver.hpp>

namespace eddy::testing {

class error_recorder;

/// How a virtual run works. Every field has a default.
struct virtual_options {
  std::uint64_t seed = 0;  ///< zero: the environment's EDDY_SEED, else 1
  std::optional<bool>
      shuffle;  ///< random order of ready tasks; unset: whether the environment says EDDY_SHUFFLE=1
  duration time_limit = std::chrono::days(366);  ///< of virtual time; more is a hang
  std::uint64_t turn_limit = 1'000'000;          ///< turns of the loop; more are a hang
  runtime::network_conditions network = {};
  std::size_t threads = 0;  ///< as in run_options

  virtual_options() = default;
};

/// A run that hung or left something behind.
class run_failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One run, for those who bring a test framework of their own: collects what went wrong instead of throwing it. Used on
/// one thread, once.
class virtual_run {
 public:
  explicit virtual_run(const virtual_options& options = {});
  virtual_run(const virtual_run&) = delete;
  virtual_run& operator=(const virtual_run&) = delete;
  ~virtual_run();

  /// The run of this thread; null when there is none.
  [[nodiscard]] static virtual_run* current() noexcept;

  /// Runs `main` to its end as eddy::run does. `frames_before` is how many frames may be alive afterwards.
  void run(runtime::main_task& main, std::int64_t frames_before);

  /// What main threw; null when it gave a value, or hung.
  [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }
  /// What else went wrong, in words.
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }
  void add_problem(std::string problem) { problems_.push_back(std::move(problem)); }
  /// How to repeat the run: "EDDY_SEED=1 EDDY_SHUFFLE=1".
  [[nodiscard]] std::string how_to_repeat() const;

  /// Throws run_failure for a hang; else main's failure; else run_failure for other problems; else returns.
  void rethrow() const;

 private:
  friend class error_recorder;

  void drive(runtime::loop& loop, runtime::main_task& main);
  /// Turns until `done`; false when the limits were exceeded or nothing could happen any more.
  bool turn_until(runtime::loop& loop, const std::function<bool()>& done);
  void end_hang(runtime::loop& loop);
  void finish(runtime::loop& loop, runtime::main_task& main);
  void report(const failure_report& what);

  virtual_options options_;
  std::shared_ptr<runtime::virtual_network> network_;
  std::string hang_;  // the hang that was just noticed
  bool deadlock_ = false;
  bool hung_ = false;
  std::exception_ptr failure_;
  std::vector<std::string> problems_;
  std::vector<error_recorder*> recorders_;  // the innermost last
  virtual_run* previous_;
};

/// Runs `main` in virtual time and gives its value; throws its failure, or run_failure.
template <class T>
T run_virtual(task<T> main, const virtual_options& options = {},
              std::source_location where = std::source_location::current()) {
  auto give = [&main] { return std::move(main); };
  runtime::typed_main<T, decltype(give)> entry(give, where);
  virtual_run run(options);
  run.run(entry, coro::live_frames() - 1);  // main's own frame goes as well
  run.rethrow();
  return entry.take();
}

/// The same with a callable that gives the task; it lives until the run has ended.
template <class Fn>
  requires coro::task_callable<Fn>
auto run_virtual(Fn main, const virtual_options& options = {},
                 std::source_location where = std::source_location::current())
    -> coro::task_result<Fn> {
  auto call = [&main] { return std::invoke(main); };
  runtime::typed_main<coro::task_result<Fn>, decltype(call)> entry(call, where);
  virtual_run run(options);
  run.run(entry, coro::live_frames());
  run.rethrow();
  return entry.take();
}

/// The driver of the running loop, which must be virtual: its network, and the clock to move by hand.
[[nodiscard]] runtime::virtual_driver& virtual_io();

/// Moves the clock. Timers that become due fire at the end of this turn, in order of their deadlines.
inline void advance(duration d) { virtual_io().advance(d); }

/// Waits until every other task is blocked, without moving the clock.
class settle_operation final : public coro::operation,
                               private runtime::virtual_driver::idle_waiter {
 public:
  settle_operation() = default;
  settle_operation(settle_operation&& other) noexcept
      : operation(std::move(other)), idle_waiter() {}
  [[nodiscard]] coro::wait_info describe() const override { return {"settle"}; }
  [[nodiscard]] bool try_complete() const noexcept { return false; }
  void enqueue() { virtual_io().when_idle(*this); }
  void take() const noexcept {}

 private:
  void withdraw() noexcept override {
    unlink();
    withdrawn();
  }
  void became_idle() noexcept override { complete(); }
};

[[nodiscard]] inline settle_operation settle() noexcept { return {}; }

}  // namespace eddy::testing
