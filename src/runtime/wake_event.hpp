// What ends a driver's sleep from another thread or a signal handler.
#pragma once

#include "unique_fd.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

#include <eddy/base/error.hpp>

namespace eddy::runtime::detail {

/// An eventfd that is written at most once between two rearm() calls.
class wake_event {
 public:
  wake_event() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!fd_) throw_error(std::error_code(errno, std::system_category()), "eventfd");
  }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Any thread and signal handlers.
  void signal() noexcept {
    if (signalled_.exchange(true, std::memory_order_acq_rel)) return;
    const int saved = errno;
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the sleeper is awake.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof(one));
    errno = saved;
  }

  /// On the sleeper's thread, after the event was seen: from here on signal() writes again. What other threads did
  /// before a signal() that did not write is visible to the caller.
  void rearm() noexcept { signalled_.exchange(false, std::memory_order_acq_rel); }
  /// rearm(), for those who are told the level instead of edges.
  void drain() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto bytes = ::read(fd_.get(), &count, sizeof(count));
    rearm();
  }

 private:
  static_assert(std::atomic<bool>::is_always_lock_free);

  unique_fd fd_;
  std::atomic<bool> signalled_ = false;
};

}  // namespace eddy::runtime::detail
