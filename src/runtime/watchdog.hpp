// The thread that notices a task which keeps its loop.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <eddy/runtime/run.hpp>

namespace eddy::runtime {

/// Watches the loops of one run(). Looks at them twice per limit.
class watchdog {
 public:
  /// Null where the options ask for none.
  static std::unique_ptr<watchdog> make(const run_options& options);

  watchdog(duration limit, std::function<void(const slow_task_report&)> hook);
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog();

  /// Has a loop watched while it lives; not in virtual time.
  class watched {
   public:
    watched(watchdog* by, loop& observed);
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;
    ~watched();

   private:
    watchdog* by_;
    loop& loop_;
  };

 private:
  struct observation {
    loop* observed = nullptr;
    coro::loop_progress::step last{};
    time_point since{};
    bool reported = false;
  };

  void work() noexcept;
  std::optional<slow_task_report> look(observation& at, time_point now);
  /// Writes down which task is in the step; false where the step has ended.
  bool inspect(coro::loop_progress& progress, const coro::loop_progress::step& step,
               slow_task_report& report) const;
  void tell(const slow_task_report& report) const noexcept;

  duration limit_;
  std::function<void(const slow_task_report&)> hook_;
  bool has_barrier_;  // without it (a sandbox may forbid membarrier) a slow task has no name
  std::mutex lock_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::vector<observation> observations_;
  std::thread thread_;
};

}  // namespace eddy::runtime
