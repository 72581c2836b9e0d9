// Waits that another thread ends: the mechanism under cross_loop_channel.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include <eddy/coro/operation.hpp>
#include <eddy/runtime/inbox_node.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::runtime {

/// Somebody who waits at a channel; woken by another thread, which holds the channel's lock.
class cross_loop_waiter {
 public:
  virtual void wake() noexcept = 0;

 protected:
  ~cross_loop_waiter() = default;
};

/// A task that waits at a channel.
class cross_loop_wait : public coro::operation, public cross_loop_waiter, private inbox_node {
 public:
  void wake() noexcept final;

 protected:
  cross_loop_wait() noexcept = default;
  cross_loop_wait(cross_loop_wait&& other) noexcept
      : operation(std::move(other)), cross_loop_waiter(), inbox_node() {}
  ~cross_loop_wait() = default;
  /// Called before anybody can wake it.
  void remember_home();

 private:
  void deliver(class loop&) noexcept final { complete(); }
  loop_ref home_;
};

/// A thread that waits at a channel. Made on a loop's thread, which must not block, it stops the program.
class blocked_thread final : public cross_loop_waiter {
 public:
  blocked_thread();
  void wake() noexcept final;
  void wait(std::unique_lock<std::mutex>& lock);

 private:
  bool woken_ = false;
  std::condition_variable changed_;
};

}  // namespace eddy::runtime
