// The way into a loop from other threads: a lock-free stack of nodes, taken as a whole and turned round by the loop.
#pragma once

#include <atomic>
#include <memory>

#include <eddy/runtime/inbox_node.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::runtime {

struct loop_ref::inbox {
  explicit inbox(driver& io) noexcept : io_(&io) {}

  /// Any thread. False when the loop takes no more posts; the node is then still the caller's.
  bool push(inbox_node& node) noexcept;
  /// For work that the loop waits for: it is still open, and stays so until that has come back.
  void push_return(inbox_node& node) noexcept;
  /// The loop's thread: delivers everything pushed so far, in order of arrival. Returns whether there was anything.
  bool deliver_all(loop& to) noexcept;
  [[nodiscard]] bool empty() const noexcept {
    const inbox_node* newest = posts_.load(std::memory_order_acquire);
    return (newest == nullptr || newest == closed_mark()) &&
           returns_.load(std::memory_order_acquire) == nullptr;
  }

  /// The loop is about to sleep: from now on pushes wake it. False when something has arrived already.
  [[nodiscard]] bool prepare_sleep() noexcept;
  void awake() noexcept { sleeping_.store(false, std::memory_order_relaxed); }
  /// From a signal handler.
  void interrupt() noexcept { io_->wake(); }

  /// Delivers what has arrived; no push succeeds afterwards, and none still touches the driver when this returns.
  void close(loop& from) noexcept;

 private:
  using stack = std::atomic<inbox_node*>;

  static inbox_node* closed_mark() noexcept;
  static bool add(stack& to, inbox_node& node) noexcept;
  static inbox_node* take(stack& from, inbox_node* leave) noexcept;
  static bool deliver(inbox_node* newest, loop& to) noexcept;
  void wake_sleeper() noexcept;

  stack posts_{nullptr};
  stack returns_{nullptr};
  std::atomic<bool> sleeping_{false};
  std::atomic<std::uint32_t> pushing_{0};
  driver* io_;
};

}  // namespace eddy::runtime
