#include "signal_table.hpp"

#include <cerrno>
#include <string>
#include <thread>

#include <sys/syscall.h>
#include <unistd.h>

#include <eddy/base/error.hpp>

namespace eddy::runtime {

void count_and_wake(int number) noexcept;

namespace {

constexpr std::size_t most_loops = 256;

struct slot {
  std::atomic<loop*> target{nullptr};
  std::atomic<signal_set> wanted{0};
};

// Only what a signal handler may touch: lock-free atomics, and what the first thread writes before it installs one.
struct shared_state {
  std::array<slot, most_loops> slots{};
  std::array<std::atomic<std::uint64_t>, last_signal + 1> counts{};
  std::array<std::atomic<int>, last_signal + 1> claims{};
  std::atomic<int> handlers_running{0};
  std::atomic<pid_t> process{0};
  std::array<struct sigaction, last_signal + 1> previous{};
  std::array<int, last_signal + 1> leases{};
};

constinit shared_state shared;

static_assert(std::atomic<loop*>::is_always_lock_free &&
              std::atomic<std::uint64_t>::is_always_lock_free);

void on_signal(int number) {
  const int saved_errno = errno;
  if (shared.process.load() != ::getpid()) {
    // A forked child shares the parent's eventfds, and has no loop. The signal stays blocked until this returns.
    ::sigaction(number, &shared.previous[static_cast<std::size_t>(number)], nullptr);
    ::raise(number);
  } else {
    count_and_wake(number);
  }
  errno = saved_errno;
}

bool is_ours(const struct sigaction& action) noexcept { return action.sa_handler == on_signal; }

// Faults come back at once when their handler returns.
bool is_fault(int number) noexcept {
  return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
}

/// What a fork has left of the parent's loops and leases is not this process's.
void adopt_process() noexcept {
  if (shared.process.exchange(::getpid()) == ::getpid()) return;
  for (slot& each : shared.slots) each.target = nullptr;
  for (auto& claims : shared.claims) claims = 0;
  shared.leases.fill(0);
}

std::size_t index_of(int number) noexcept { return static_cast<std::size_t>(number); }

}  // namespace

void count_and_wake(int number) noexcept {
  shared.handlers_running.fetch_add(1);
  shared.counts[index_of(number)].fetch_add(1);
  signal_desk::epoch.fetch_add(1);
  for (slot& each : shared.slots) {
    loop* target = each.target.load();
    if (target != nullptr && (each.wanted.load() & signal_bit(number)) != 0) target->interrupt();
  }
  shared.handlers_running.fetch_sub(1);
}

bool on_first_thread() noexcept { return ::getpid() == static_cast<pid_t>(::syscall(SYS_gettid)); }

signal_counts count_signals() noexcept {
  signal_counts now{};
  for (std::size_t i = 0; i < now.size(); ++i) now[i] = shared.counts[i].load();
  return now;
}

// --- signal_lease ---

signal_lease::signal_lease(int number) {
  if (number < 1 || number > last_signal || is_fault(number))
    throw_invalid_input("signal number " + std::to_string(number));
  check(on_first_thread(), "a signal was leased off the first thread");
  adopt_process();
  const std::size_t index = index_of(number);
  if (shared.leases[index] == 0) {
    struct sigaction present = {};
    if (::sigaction(number, nullptr, &present) == 0 && !is_ours(present))
      shared.previous[index] = present;
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    if (::sigaction(number, &action, nullptr) != 0)
      throw_invalid_input("signal number " + std::to_string(number) + " cannot be caught");
  }
  ++shared.leases[index];
  number_ = number;
}

signal_lease signal_lease::if_default(int number) {
  struct sigaction present = {};
  ::sigaction(number, nullptr, &present);
  if (present.sa_handler != SIG_DFL) return {};
  return signal_lease(number);
}

signal_lease::~signal_lease() {
  if (number_ == 0 || shared.process.load() != ::getpid()) return;
  const std::size_t index = index_of(number_);
  if (--shared.leases[index] > 0) return;
  struct sigaction present = {};
  ::sigaction(number_, nullptr, &present);
  if (is_ours(present)) ::sigaction(number_, &shared.previous[index], nullptr);
}

void signal_lease::restore_default() const noexcept {
  if (number_ != 0) std::signal(number_, SIG_DFL);
}

// --- signal_claim ---

signal_claim::signal_claim(signal_set numbers) noexcept : numbers_(numbers) {
  for (int n = 1; n <= last_signal; ++n) {
    if ((numbers_ & signal_bit(n)) != 0) ++shared.claims[index_of(n)];
  }
}

signal_claim::~signal_claim() {
  for (int n = 1; n <= last_signal; ++n) {
    if ((numbers_ & signal_bit(n)) != 0) --shared.claims[index_of(n)];
  }
}

bool signal_claim::claimed(int number) noexcept {
  return shared.claims[index_of(number)].load() > 0;
}

// --- signal_listener, signal_desk ---

signal_listener::signal_listener(loop& on, signal_set wanted, const signal_counts& since)
    : loop_(on), wanted_(wanted), seen_(since) {
  loop_.signals().add(*this);
}

signal_listener::~signal_listener() { loop_.signals().remove(*this); }

void signal_listener::look() {
  for (int n = 1; n <= last_signal; ++n) {
    if ((wanted_ & signal_bit(n)) == 0) continue;
    const std::uint64_t count = shared.counts[index_of(n)].load();
    const std::uint64_t seen = std::exchange(seen_[index_of(n)], count);
    if (count != seen) signal_arrived(n, count - seen);
  }
}

signal_desk::~signal_desk() { check(listeners_.empty(), "a loop ended before a signal listener"); }

void signal_desk::add(signal_listener& listener) {
  for (std::size_t i = 0; i < most_loops && !has_slot_; ++i) {
    loop* expected = nullptr;
    has_slot_ = shared.slots[i].target.compare_exchange_strong(expected, &loop_);
    if (has_slot_) slot_ = i;
  }
  if (!has_slot_) throw_error(errc::limit_exceeded, "signals: more than 256 loops");
  listeners_.push_back(listener);
  publish();
  seen_ = 0;  // something may have been counted before the listener came
}

void signal_desk::remove(signal_listener& listener) noexcept {
  listener.unlink();
  publish();
  if (!listeners_.empty()) return;
  shared.slots[slot_].target.store(nullptr);
  has_slot_ = false;
  // A handler on another thread may have read the slot before.
  while (shared.handlers_running.load() != 0) std::this_thread::yield();
}

void signal_desk::publish() noexcept {
  signal_set all = 0;
  for (auto* l = listeners_.front(); l != nullptr; l = listeners_.next(*l)) all |= l->wanted_;
  shared.slots[slot_].wanted.store(all);
}

void signal_desk::tell() noexcept {
  seen_ = epoch.load();
  for (auto* l = listeners_.front(); l != nullptr; l = listeners_.next(*l)) l->look();
}

}  // namespace eddy::runtime
