#include <eddy/runtime/run.hpp>

#include "signal_table.hpp"
#include "unhandled.hpp"
#include "watchdog.hpp"

#include <algorithm>
#include <csignal>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <sched.h>

#include <eddy/base/error.hpp>
#include <eddy/runtime/dump.hpp>

namespace eddy::runtime {
namespace {

/// What the loops of one run() share: the first failure, which ends the others.
class team {
 public:
  void join(std::size_t index, loop_ref to, std::function<void()> cancel_main) {
    const std::lock_guard guard(lock_);
    if (members_.size() <= index) members_.resize(index + 1);
    members_[index] = {std::move(to), std::move(cancel_main)};
    if (failure_) members_[index].stop();
  }

  void fail(std::exception_ptr failure) {
    const std::lock_guard guard(lock_);
    if (failure_) return;
    failure_ = std::move(failure);
    for (auto& each : members_) each.stop();
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  struct member {
    loop_ref to;
    std::function<void()> cancel_main;
    void stop() const {
      if (cancel_main) to.post(cancel_main);
    }
  };
  std::mutex lock_;
  std::vector<member> members_;
  std::exception_ptr failure_;
};

loop_options options_for(const run_options& from, std::size_t index) {
  loop_options options;
  options.io = from.make_driver ? from.make_driver() : make_driver(from.driver);
  options.seed = from.seed == 0 ? 0 : from.seed + index;
  options.shuffle_ready = from.shuffle_ready;
  options.on_error = from.on_error;
  options.threads = from.threads;
  options.cpu_threads = from.cpu_threads;
  options.thread_shutdown = from.thread_shutdown;
  options.cancel_report_after = from.cancel_report_after;
  return options;
}

/// The handlers of SIGINT, SIGTERM and SIGUSR1 for the time of one run().
class run_signals {
 public:
  explicit run_signals(const run_options& options) {
    if (!on_first_thread()) return;
    if (options.handle_signals) {
      interrupt_ = signal_lease::if_default(SIGINT);
      terminate_ = signal_lease::if_default(SIGTERM);
    }
    if (options.dump_on_sigusr1) dump_ = signal_lease::if_default(SIGUSR1);
    at_start_ = count_signals();
  }

  [[nodiscard]] const signal_counts& at_start() const noexcept { return at_start_; }
  /// The next one of those that end the program has its default effect.
  void restore_default() const noexcept {
    interrupt_.restore_default();
    terminate_.restore_default();
  }

 private:
  signal_lease interrupt_;
  signal_lease terminate_;
  signal_lease dump_;
  signal_counts at_start_{};
};

constexpr signal_set handled_by_run =
    signal_bit(SIGINT) | signal_bit(SIGTERM) | signal_bit(SIGUSR1);

/// One loop from its start to its end.
class session final : private signal_listener {
 public:
  session(loop& on, main_task& main, const run_signals& handlers)
      : signal_listener(on, handled_by_run, handlers.at_start()),
        loop_(on),
        main_(main),
        handlers_(handlers) {}

  void run(team* others) {
    start(others);
    loop_.run_until([this] { return main_state_->done(); });
    end_root_tasks();
    const coro::scheduler::entered here(loop_);
    finish();
  }

 private:
  void start(team* others) {
    const coro::scheduler::entered here(loop_);
    main_state_ = &main_.launch();
    if (others != nullptr) {
      others->join(loop_.index(), loop_.ref(), [this] {
        main_state_->cancel(cancel_reason::sibling_failed, "another loop's main failed",
                            main_state_->spawned_at());
      });
    }
  }

  void signal_arrived(int number, std::uint64_t times) noexcept override {
    if (signal_claim::claimed(number)) return;
    if (number == SIGUSR1) {
      print_task_tree();
      return;
    }
    last_signal_ = number;
    end_requests_ += times;
    const std::string text = signal_text();
    main_state_->cancel(cancel_reason::shutdown, text, main_state_->spawned_at());
    if (end_requests_ < 2) return;
    handlers_.restore_default();
    loop_.root().scope().cancel(cancel_reason::shutdown, text, main_state_->spawned_at(), true);
  }

  [[nodiscard]] std::string signal_text() const { return "signal " + std::to_string(last_signal_); }

  void end_root_tasks() {
    {
      const coro::scheduler::entered here(loop_);
      loop_.root().scope().cancel(cancel_reason::shutdown, "main has ended",
                                  main_state_->spawned_at());
    }
    loop_.run_until([this] { return loop_.live_tasks() == 0; });
    // Callbacks posted before the end still run; what they spawn is refused and awaited like the rest.
    loop_.run_out();
  }

  void finish() {
    const bool cancelled_by_signal =
        end_requests_ > 0 && main_state_->status() == coro::task_status::cancelled;
    try {
      main_.finish();
    } catch (...) {
      note_leaving(std::current_exception(), main_state_->failure_stack());
      main_.release();
      if (cancelled_by_signal) {
        throw error(errc::interrupted, "run (" + signal_text() + ")");
      }
      throw;
    }
    main_.release();
  }

  loop& loop_;
  main_task& main_;
  const run_signals& handlers_;
  coro::task_state* main_state_ = nullptr;
  int last_signal_ = 0;
  std::uint64_t end_requests_ = 0;
};

void run_session(const run_options& options, main_task& main, std::size_t index,
                 const run_signals& handlers, watchdog* guard, team* others) {
  loop here(options_for(options, index));
  here.set_index(index);
  const watchdog::watched observed(guard, here);
  session(here, main, handlers).run(others);
}

void pin_to_processor(std::size_t index) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) == 0) return;
  std::size_t wanted = index % static_cast<std::size_t>(CPU_COUNT(&allowed));
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || wanted-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

}  // namespace

void run_one(const run_options& options, main_task& main) {
  check(coro::scheduler::current() == nullptr, "run was called inside a running loop");
  watch_unhandled();
  const run_signals handlers(options);
  if (options.pin_loops) pin_to_processor(0);
  const auto guard = watchdog::make(options);
  run_session(options, main, 0, handlers, guard.get(), nullptr);
}

void run_many(const run_options& options, const std::function<main_task&(std::size_t)>& make) {
  check(coro::scheduler::current() == nullptr, "run was called inside a running loop");
  watch_unhandled();
  const run_signals handlers(options);
  const auto guard = watchdog::make(options);
  team all;
  const auto run_loop = [&](std::size_t index) {
    try {
      if (options.pin_loops) pin_to_processor(index);
      run_session(options, make(index), index, handlers, guard.get(), &all);
    } catch (...) {
      all.fail(std::current_exception());
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < options.loops; ++i) threads.emplace_back(run_loop, i);
  run_loop(0);
  for (auto& thread : threads) thread.join();
  all.rethrow();
}

}  // namespace eddy::runtime
