#include <eddy/runtime/cross_loop_channel.hpp>

#include "inbox.hpp"

namespace eddy::runtime {

void cross_loop_wait::remember_home() { home_ = static_cast<class loop&>(loop()).ref(); }

// The loop outlives its tasks, and this one waits.
void cross_loop_wait::wake() noexcept { home_.inbox_->push_return(*this); }

blocked_thread::blocked_thread() {
  check(coro::scheduler::current() == nullptr,
        "a loop's thread was to block in send_from_thread: await send instead");
}

void blocked_thread::wake() noexcept {
  woken_ = true;
  changed_.notify_one();
}

void blocked_thread::wait(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return woken_; });
}

}  // namespace eddy::runtime
