#include "watchdog.hpp"

#include "system_clock.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace eddy::runtime {
namespace {

std::string place_text(std::source_location place) {
  if (place.line() == 0) return "?";
  return std::string(place.file_name()) + ":" + std::to_string(place.line());
}

bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

std::unique_ptr<watchdog> watchdog::make(const run_options& options) {
  if (options.watchdog <= duration::zero()) return nullptr;
  return std::make_unique<watchdog>(options.watchdog, options.on_slow_task);
}

watchdog::watchdog(duration limit, std::function<void(const slow_task_report&)> hook)
    : limit_(limit),
      hook_(std::move(hook)),
      has_barrier_(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
  // Signals go to the program's own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

watchdog::~watchdog() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

watchdog::watched::watched(watchdog* by, loop& observed)
    : by_(observed.io().name() == "virtual" ? nullptr : by), loop_(observed) {
  if (by_ == nullptr) return;
  const std::lock_guard guard(by_->lock_);
  by_->observations_.push_back({.observed = &loop_});
}

watchdog::watched::~watched() {
  if (by_ == nullptr) return;
  const std::lock_guard guard(by_->lock_);
  std::erase_if(by_->observations_, [this](const auto& o) { return o.observed == &loop_; });
}

void watchdog::work() noexcept {
  detail::system_clock clock;
  const duration pause = std::max<duration>(limit_ / 2, std::chrono::milliseconds(1));
  std::vector<slow_task_report> reports;
  std::unique_lock guard(lock_);
  while (!stopped_.wait_for(guard, pause, [this] { return stopping_; })) {
    for (observation& each : observations_) {
      if (auto found = look(each, clock.now())) reports.push_back(*std::move(found));
    }
    guard.unlock();
    for (const auto& report : reports) tell(report);
    reports.clear();
    guard.lock();
  }
}

std::optional<slow_task_report> watchdog::look(observation& at, time_point now) {
  coro::loop_progress& progress = at.observed->progress();
  const auto step = progress.sample();
  if (step.what == 0 || step != at.last) {
    at.last = step;
    at.since = now;
    at.reported = false;
    return std::nullopt;
  }
  if (at.reported || now - at.since < limit_) return std::nullopt;
  slow_task_report report;
  report.lasted = now - at.since;
  report.loop = at.observed->index();
  if ((step.what & 1) != 0) {
    report.task = "a posted callback";
  } else if (!inspect(progress, step, report)) {
    return std::nullopt;
  }
  at.reported = true;
  return report;
}

bool watchdog::inspect(coro::loop_progress& progress, const coro::loop_progress::step& step,
                       slow_task_report& report) const {
  report.task = "a task";
  if (!has_barrier_) return true;
  progress.begin_inspection();
  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  const bool still_there = progress.sample() == step;
  if (still_there) {
    const auto* task = reinterpret_cast<const coro::task_state*>(step.what);
    report.task = task->name();
    report.spawned_at = task->spawned_at();
    report.resumed_at = progress.place();
  }
  progress.end_inspection();
  return still_there;
}

void watchdog::tell(const slow_task_report& report) const noexcept {
  try {
    if (hook_) {
      hook_(report);
      return;
    }
    const double milliseconds = std::chrono::duration<double, std::milli>(report.lasted).count();
    std::fprintf(stderr,
                 "eddy: %s keeps loop %zu from everything else, for %.0f ms so far\n"
                 "    running since the await at %s\n    spawned at %s\n",
                 report.task.c_str(), report.loop, milliseconds,
                 place_text(report.resumed_at).c_str(), place_text(report.spawned_at).c_str());
  } catch (...) {
    std::fputs("eddy: a slow task could not be reported\n", stderr);
  }
}

}  // namespace eddy::runtime
