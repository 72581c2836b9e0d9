// Signals as values: a task waits for the next one.
//
//   auto reloads = eddy::signals({SIGHUP});
//   for (;;) {
//     const int number = co_await reloads.next();
//     reload_configuration();
//   }
//
// Signals are the process's: streams are made on its first thread, on a loop that runs there. While a stream for SIGINT
// or SIGTERM exists, run() leaves that signal to it.
#pragma once

#include <initializer_list>
#include <memory>

#include <eddy/coro/operation.hpp>

namespace eddy {

namespace runtime {
class signal_receiver;

/// What signal_stream::next returns, for co_await.
class next_signal final : public coro::queued_operation {
 public:
  explicit next_signal(signal_receiver& from) noexcept : receiver_(&from) {}

  [[nodiscard]] coro::wait_info describe() const override { return {"signal", receiver_}; }
  [[nodiscard]] bool try_complete() noexcept;
  void enqueue() noexcept;
  [[nodiscard]] int take() const noexcept { return number_; }

 private:
  friend class signal_receiver;
  signal_receiver* receiver_;
  int number_ = 0;
};
}  // namespace runtime

/// Receives some signals for as long as it lives; then their previous dispositions come back. A signal that comes
/// several times before it is asked for is given at least once; of several that have come, each is given in turn. Any
/// number of streams may receive the same signal: each gets it. Move-only; used on its loop; no task may wait on it
/// when it is destroyed.
class signal_stream {
 public:
  signal_stream(signal_stream&&) noexcept;
  signal_stream& operator=(signal_stream&&) noexcept;
  ~signal_stream();

  /// Waits for one of the signals and gives its number. Several tasks may wait: served in order, one signal each.
  [[nodiscard]] runtime::next_signal next() { return runtime::next_signal(*receiver_); }

 private:
  friend signal_stream signals(std::initializer_list<int> numbers);
  explicit signal_stream(std::unique_ptr<runtime::signal_receiver> receiver) noexcept;
  std::unique_ptr<runtime::signal_receiver> receiver_;
};

/// Starts receiving `numbers`. Throws invalid_input for a number that is none, that cannot be caught, or that reports
/// a fault of the program itself, and for an empty list; errc::unsupported off the process's first thread. Nothing has
/// changed then.
[[nodiscard]] signal_stream signals(std::initializer_list<int> numbers);

}  // namespace eddy
