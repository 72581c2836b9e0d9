#include "child_state.hpp"

#include <cerrno>
#include <csignal>
#include <string>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/runtime/offload.hpp>

namespace eddy::process {
namespace {

class readable final : public runtime::io_operation {
 public:
  explicit readable(runtime::descriptor& on) noexcept
      : io_operation(on, runtime::io_verb::wait_readable) {}
  void take() const { static_cast<void>(take_count("wait")); }
};

/// Returns when the child has ended, which stays uncollected.
void block_until_end(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
}

}  // namespace

void child_state::watch(runtime::driver& io) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  // Linux before 5.3, or a container that forbids it: a thread waits instead.
  if (fd >= 0) pidfd_ = io.adopt(fd);
}

task<void> child_state::wait_for_end() {
  do {
    if (pidfd_ != nullptr) {
      co_await readable(*pidfd_);
    } else {
      co_await to_thread(block_until_end, pid_);
    }
  } while (!collect(WNOHANG));
}

task<void> child_state::reap(std::shared_ptr<child_state> self) {
  try {
    co_await shield(self->wait_for_end());
  } catch (...) {
    // A forced end of the program passes through the shield.
    self->kill_and_collect();
    throw;
  }
}

bool child_state::collect(int flags) noexcept {
  if (status_) return true;
  siginfo_t info{};
  int failed = 0;
  do {
    failed = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | flags);
  } while (failed < 0 && errno == EINTR);
  if (failed < 0) {
    status_ = exit_status::unknown();
  } else if (info.si_pid == 0) {
    return false;
  } else if (info.si_code == CLD_EXITED) {
    status_ = exit_status::exited(info.si_status);
  } else {
    status_ = exit_status::killed_by(info.si_status);
  }
  if (pidfd_ != nullptr) pidfd_->close();
  ended_.set_value(*status_);
  return true;
}

bool child_state::signal(int number) {
  if (status_) return false;
  if (::kill(pid_, number) == 0) return true;
  if (errno == ESRCH) return false;
  if (errno == EINVAL) throw_invalid_input("signal number " + std::to_string(number));
  throw_error(std::error_code(errno, std::system_category()), "kill");
}

void child_state::kill() noexcept {
  if (!status_) ::kill(pid_, SIGKILL);
}

void child_state::kill_and_collect() noexcept {
  kill();
  collect(0);
}

}  // namespace eddy::process
