#include "signals.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include <sys/syscall.h>
#include <unistd.h>

namespace eddy::runtime {
namespace {

constexpr std::size_t most_loops = 256;
constexpr std::size_t no_slot = most_loops;

// Only what a signal handler may touch: lock-free atomics.
struct shared_state {
  std::array<std::atomic<loop*>, most_loops> loops{};
  std::atomic<int> handlers_running{0};
  std::atomic<int> end_requests{0};
  std::atomic<int> last_end_signal{0};
  std::atomic<int> dump_requests{0};
};

constinit shared_state shared;
constinit struct sigaction previous_actions[3] = {};
constinit bool installed[3] = {};
constexpr int numbers[3] = {SIGINT, SIGTERM, SIGUSR1};

void on_signal(int number) {
  const int saved_errno = errno;
  shared.handlers_running.fetch_add(1);
  if (number == SIGUSR1) {
    shared.dump_requests.fetch_add(1);
  } else {
    shared.last_end_signal.store(number);
    shared.end_requests.fetch_add(1);
  }
  for (auto& slot : shared.loops) {
    if (loop* l = slot.load()) l->interrupt();
  }
  shared.handlers_running.fetch_sub(1);
  errno = saved_errno;
}

}  // namespace

signal_handlers::signal_handlers(bool end_signals, bool dump_signal) {
  if (getpid() != static_cast<pid_t>(syscall(SYS_gettid))) return;
  shared.end_requests = 0;
  shared.dump_requests = 0;
  if (end_signals) {
    install(0);
    install(1);
  }
  if (dump_signal) install(2);
}

void signal_handlers::install(int index) {
  struct sigaction present = {};
  sigaction(numbers[index], nullptr, &present);
  if (present.sa_handler != SIG_DFL || installed[index]) return;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(numbers[index], &action, &previous_actions[index]);
  installed[index] = true;
}

signal_handlers::~signal_handlers() {
  if (getpid() != static_cast<pid_t>(syscall(SYS_gettid))) return;
  for (int i = 0; i < 3; ++i) {
    if (installed[i]) sigaction(numbers[i], &previous_actions[i], nullptr);
    installed[i] = false;
  }
}

int signal_handlers::end_requests() noexcept { return shared.end_requests.load(); }
int signal_handlers::last_end_signal() noexcept { return shared.last_end_signal.load(); }
int signal_handlers::dump_requests() noexcept { return shared.dump_requests.load(); }

void signal_handlers::restore_default() noexcept {
  for (int i = 0; i < 2; ++i) {
    if (installed[i]) std::signal(numbers[i], SIG_DFL);
  }
}

interruptible::interruptible(loop& l) noexcept : slot_(no_slot) {
  for (std::size_t i = 0; i < most_loops; ++i) {
    loop* expected = nullptr;
    if (shared.loops[i].compare_exchange_strong(expected, &l)) {
      slot_ = i;
      return;
    }
  }
}

interruptible::~interruptible() {
  if (slot_ == no_slot) return;
  shared.loops[slot_].store(nullptr);
  // A handler on another thread may have read the slot before.
  while (shared.handlers_running.load() != 0) std::this_thread::yield();
}

}  // namespace eddy::runtime
