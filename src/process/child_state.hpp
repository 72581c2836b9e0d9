// One child as its loop knows it: shared by the object the user has and the task that waits for the child's end.
#pragma once

#include <memory>
#include <optional>

#include <sys/types.h>

#include <eddy/coro/future.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/process/options.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::process {

class child_state {
 public:
  explicit child_state(pid_t pid) noexcept : pid_(pid) {}

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] const std::optional<exit_status>& status() const noexcept { return status_; }
  [[nodiscard]] future<exit_status> ended() const { return ended_.get_future(); }

  /// Opens the descriptor that tells of the child's end, where the system has such.
  void watch(runtime::driver& io);
  /// Waits for the end, collects the child and tells those who wait.
  static task<void> reap(std::shared_ptr<child_state> self);

  /// False when the child has been collected: its number may be another process's by now. Until then it is a
  /// zombie's at worst, which takes no signals.
  bool signal(int number);
  void kill() noexcept;
  /// Kills the child and waits for its end on this thread; for when nothing else can.
  void kill_and_collect() noexcept;

 private:
  task<void> wait_for_end();
  bool collect(int flags) noexcept;

  pid_t pid_;
  std::unique_ptr<runtime::descriptor> pidfd_;
  std::optional<exit_status> status_;
  promise<exit_status> ended_;
};

}  // namespace eddy::process
