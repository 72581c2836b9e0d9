// The signals run() handles: SIGINT, SIGTERM and, where asked for, SIGUSR1. Process-wide by nature; the handlers only
// set flags and end the loops' sleeps.
#pragma once

#include <cstddef>
#include <source_location>

#include <eddy/runtime/loop.hpp>

namespace eddy::runtime {

/// Installs handlers for as long as it lives, for signals whose disposition is the default one, and only on the
/// process's first thread; else does nothing.
class signal_handlers {
 public:
  signal_handlers(bool end_signals, bool dump_signal);
  signal_handlers(const signal_handlers&) = delete;
  signal_handlers& operator=(const signal_handlers&) = delete;
  ~signal_handlers();

  /// How many SIGINT and SIGTERM have arrived since the first handlers were installed, and the last one's number.
  [[nodiscard]] static int end_requests() noexcept;
  [[nodiscard]] static int last_end_signal() noexcept;
  /// How many SIGUSR1.
  [[nodiscard]] static int dump_requests() noexcept;
  /// Gives SIGINT and SIGTERM their default effect again.
  static void restore_default() noexcept;

 private:
  void install(int number);
};

/// Makes signals end the sleeps of `l` while it lives.
class interruptible {
 public:
  explicit interruptible(loop& l) noexcept;
  interruptible(const interruptible&) = delete;
  interruptible& operator=(const interruptible&) = delete;
  ~interruptible();

 private:
  std::size_t slot_;
};

}  // namespace eddy::runtime
