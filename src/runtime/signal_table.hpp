// The signals that eddy handles in this process, for run() and for signal streams alike.
//
// The handler counts the signal and ends the sleeps of the loops that listen for it; it neither locks nor waits, and
// its eventfd is written once until the loop has looked. Each loop then tells its listeners what was counted
// meanwhile, so that a burst is seen at least once. In a forked child the handler has the effect that the signal had
// before.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::runtime {

inline constexpr int last_signal = 64;  // SIGRTMAX on Linux
static_assert(NSIG > last_signal);

/// A set of signal numbers, 1 to last_signal.
using signal_set = std::uint64_t;
[[nodiscard]] constexpr signal_set signal_bit(int number) noexcept {
  return signal_set{1} << (number - 1);
}

/// How often each signal was handled so far.
using signal_counts = std::array<std::uint64_t, last_signal + 1>;
[[nodiscard]] signal_counts count_signals() noexcept;

/// Whether this is the process's first thread, the only one that may change dispositions here.
[[nodiscard]] bool on_first_thread() noexcept;

/// Keeps eddy's handler in place for one signal. With the last lease the previous disposition comes back, unless
/// somebody has put a handler over eddy's. First thread only.
class signal_lease {
 public:
  signal_lease() noexcept = default;
  /// Throws invalid_input for a number that has no handler.
  explicit signal_lease(int number);
  /// For run(): only where nobody else handles the signal; else holds nothing.
  static signal_lease if_default(int number);
  signal_lease(signal_lease&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  signal_lease& operator=(signal_lease&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~signal_lease();

  /// Gives the signal its default effect, for as long as nobody asks for a handler again.
  void restore_default() const noexcept;

 private:
  int number_ = 0;
};

/// Is told on its loop's thread, between two batches, which of its signals have come.
class signal_listener : public list_hook<> {
 public:
  /// `since`: what counts as seen.
  signal_listener(loop& on, signal_set wanted, const signal_counts& since);
  signal_listener(const signal_listener&) = delete;
  signal_listener& operator=(const signal_listener&) = delete;

 protected:
  ~signal_listener();
  virtual void signal_arrived(int number, std::uint64_t times) noexcept = 0;
  [[nodiscard]] loop& home() const noexcept { return loop_; }

 private:
  friend class signal_desk;
  void look();

  loop& loop_;
  signal_set wanted_;
  signal_counts seen_;
};

/// Says that the program itself takes a signal, so that run() does not act on it.
class signal_claim {
 public:
  explicit signal_claim(signal_set numbers) noexcept;
  signal_claim(const signal_claim&) = delete;
  signal_claim& operator=(const signal_claim&) = delete;
  ~signal_claim();
  [[nodiscard]] static bool claimed(int number) noexcept;

 private:
  signal_set numbers_;
};

/// The listeners of one loop.
class signal_desk {
 public:
  explicit signal_desk(loop& owner) noexcept : loop_(owner) {}
  signal_desk(const signal_desk&) = delete;
  signal_desk& operator=(const signal_desk&) = delete;
  ~signal_desk();

  /// Tells the listeners what has come since the last look.
  void look() noexcept {
    if (epoch.load(std::memory_order_relaxed) != seen_) tell();
  }

 private:
  friend class signal_listener;
  void add(signal_listener& listener);
  void remove(signal_listener& listener) noexcept;
  void publish() noexcept;
  void tell() noexcept;

  friend void count_and_wake(int number) noexcept;
  static inline constinit std::atomic<std::uint64_t> epoch{1};

  loop& loop_;
  intrusive_list<signal_listener> listeners_;
  std::uint64_t seen_ = 0;
  std::size_t slot_ = 0;
  bool has_slot_ = false;
};

}  // namespace eddy::runtime
