// run: the bridge from ordinary code into a loop.
//
//   eddy::task<int> async_main(std::string name);
//   int main(int argc, char** argv) { return eddy::run(async_main(argv[1])); }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>

#include <eddy/coro/handle.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy {

/// A task that keeps its loop from everything else.
struct slow_task_report {
  std::string task;                 ///< its name; of a posted callback nothing is known
  std::source_location spawned_at;  ///< where it was spawned
  std::source_location resumed_at;  ///< the await after which it has run since
  duration lasted{};                ///< so far, at least
  std::size_t loop = 0;             ///< index of the loop
};

/// How run() works. Every field has a default.
struct run_options {
  std::size_t loops = 1;   ///< threads with a loop each; more than one needs a callable for main
  bool pin_loops = false;  ///< bind loop n to the n-th processor this process may use
  bool handle_signals =
      true;  ///< SIGINT and SIGTERM end the program in order, unless a signal stream has them; first thread only
  bool dump_on_sigusr1 = false;  ///< SIGUSR1 prints the task tree of all loops
  runtime::driver_kind driver = runtime::driver_kind::automatic;  ///< see make_driver
  std::function<std::unique_ptr<runtime::driver>()> make_driver =
      {};                      ///< replaces `driver`: tests, simulation
  std::uint64_t seed = 0;      ///< of the loops' random sources; 0: the system's
  bool shuffle_ready = false;  ///< random order of ready tasks, from `seed`
  error_hook on_error = {};    ///< null: stderr
  std::size_t threads = 0;     ///< most to_thread calls at once on each loop; 0: 32
  std::size_t cpu_threads =
      0;  ///< most to_cpu_thread calls at once on each loop; 0: one per processor
  duration thread_shutdown =
      std::chrono::seconds(10);  ///< how long the end waits for abandoned calls
  /// A task that has not left a cancelled scope after this time goes to the error hook, once; zero: none does.
  duration cancel_report_after{};
  /// A task that runs for longer without an await that waits is reported, once, while it runs; zero: none is. Never in
  /// virtual time.
  duration watchdog = std::chrono::milliseconds(25);
  /// Receives the reports, on a thread of its own; null: stderr.
  std::function<void(const slow_task_report&)> on_slow_task = {};

  run_options() = default;
};

namespace runtime {

/// The part of run() that does not depend on main's type: one loop's life. `launch` starts main in the loop's root
/// group; `finish` is called after everything on the loop has ended, to take the outcome while the loop still exists.
class main_task {
 public:
  virtual ~main_task() = default;
  virtual coro::task_state& launch() = 0;
  virtual void finish() = 0;
  virtual void release() noexcept = 0;
};

/// Runs one loop on this thread until main and all root tasks have ended.
void run_one(const run_options& options, main_task& main);
/// Runs `count` loops, the first on this thread. `make(i)` gives loop i's main.
void run_many(const run_options& options, const std::function<main_task&(std::size_t)>& make);

template <class T, class Make>
class typed_main final : public main_task {
 public:
  typed_main(Make make, std::source_location where) : make_(std::move(make)), where_(where) {}

  coro::task_state& launch() override {
    handle_ = coro::launch(make_(), coro::scheduler::require().root(), where_, {.name = "main"});
    return handle_.state();
  }
  void finish() override {
    handle_.state().rethrow_unless_succeeded();
    auto& ended = static_cast<coro::spawned_task<T>&>(handle_.state()).result();
    if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
      outcome_.set_value(ended.value());
    } else {
      outcome_.set_value(ended.take());
    }
  }
  void release() noexcept override { handle_ = {}; }
  T take() { return outcome_.take(); }

 private:
  Make make_;
  std::source_location where_;
  task_handle<T> handle_;
  coro::outcome<T> outcome_;
};

}  // namespace runtime

/// Runs `main` on a new loop on this thread and gives its result, or throws its failure. When main has ended, tasks
/// left in the root group are cancelled (reason shutdown) and awaited. SIGINT and SIGTERM cancel main; unless it
/// handles that, run throws errc::interrupted. A second one cancels everything through all shields; a third has its
/// default effect. Not inside a running loop: that stops the program.
template <class T>
T run(task<T> main, const run_options& options = {},
      std::source_location where = std::source_location::current()) {
  if (options.loops > 1)
    throw_invalid_input("run: several loops need a callable that gives each its main");
  auto give = [&main] { return std::move(main); };
  runtime::typed_main<T, decltype(give)> entry(give, where);
  runtime::run_one(options, entry);
  return entry.take();
}

/// The same with a callable, called once on each of `options.loops` loops. The first failure cancels the mains of the
/// others (reason sibling_failed), all are awaited, and it is thrown. Gives the first loop's value.
template <class Fn>
  requires coro::task_callable<Fn>
auto run(Fn main, const run_options& options = {},
         std::source_location where = std::source_location::current()) -> coro::task_result<Fn> {
  using T = coro::task_result<Fn>;
  auto call = [&main] { return std::invoke(main); };
  using entry_type = runtime::typed_main<T, decltype(call)>;
  std::vector<std::unique_ptr<entry_type>> entries;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.loops, 1); ++i) {
    entries.push_back(std::make_unique<entry_type>(call, where));
  }
  if (entries.size() == 1) {
    runtime::run_one(options, *entries.front());
  } else {
    runtime::run_many(options, [&](std::size_t i) -> runtime::main_task& { return *entries[i]; });
  }
  return entries.front()->take();
}

}  // namespace eddy
