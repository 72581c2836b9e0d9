#include <eddy/runtime/offload.hpp>

#include "inbox.hpp"

namespace eddy::runtime {
namespace {
constexpr std::size_t default_limit =
    32;  // blocking calls sleep; more than asyncio's default brings little
}  // namespace

/// Carries ended calls back to the loop: a list under the pool's lock and one inbox node for all of them.
class offload::returns final : public inbox_node {
 public:
  explicit returns(offload& pool) noexcept : pool_(pool) {}

  /// On a pool thread, with the lock held. True when the node has to be pushed.
  [[nodiscard]] bool add(thread_operation& call) noexcept {
    ended_.push_back(call);
    return !std::exchange(on_the_way_, true);
  }

  void deliver(loop&) noexcept override {
    intrusive_list<thread_operation> ended;
    {
      const std::lock_guard guard(pool_.lock_);
      on_the_way_ = false;
      ended.splice(ended_);
    }
    while (auto* call = ended.pop_front()) {
      pool_.came_back();
      call->complete();
    }
  }

 private:
  offload& pool_;
  intrusive_list<thread_operation> ended_;
  bool on_the_way_ = false;
};

void thread_operation::enqueue() {
  locals_ = coro::current_locals();
  static_cast<class loop&>(loop()).threads().submit(*this);
}

void thread_operation::withdraw() noexcept {
  if (static_cast<class loop&>(loop()).threads().take_back(*this)) withdrawn();
}

offload::offload(loop& owner, std::size_t limit)
    : loop_(owner),
      limit_(limit == 0 ? default_limit : limit),
      returns_(std::make_unique<returns>(*this)) {}

offload::~offload() { stop(); }

void offload::submit(thread_operation& call) {
  {
    const std::lock_guard guard(lock_);
    if (++queued_ > idle_ && threads_.size() < limit_) {
      threads_.emplace_back([this] { work(); });
    }
    queue_.push_back(call);
  }
  if (outstanding_++ == 0) loop_.io().expect_wake(true);
  arrived_.notify_one();
}

bool offload::take_back(thread_operation& call) noexcept {
  {
    const std::lock_guard guard(lock_);
    if (call.stage_ != thread_operation::stage::queued) {
      if (call.stop_ != nullptr) call.stop_->request_stop();
      return false;
    }
    call.unlink();
    --queued_;
  }
  came_back();
  return true;
}

void offload::came_back() noexcept {
  if (--outstanding_ == 0) loop_.io().expect_wake(false);
}

void offload::work() {
  std::unique_lock guard(lock_);
  for (;;) {
    ++idle_;
    arrived_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    thread_operation* call = queue_.pop_front();
    if (call == nullptr) return;
    --queued_;
    std::stop_source stop;
    call->stage_ = thread_operation::stage::running;
    call->stop_ = &stop;
    guard.unlock();
    coro::current_locals() = std::move(call->locals_);
    call->call(stop.get_token());
    coro::current_locals().reset();
    guard.lock();
    call->stage_ = thread_operation::stage::ended;
    call->stop_ = nullptr;
    const bool push = returns_->add(*call);
    if (push) {
      guard.unlock();
      // The loop outlives its outstanding calls, so its inbox is open.
      loop_.inbox_->push(*returns_);
      guard.lock();
    }
  }
}

void offload::stop() noexcept {
  check(outstanding_ == 0, "a loop ended while thread calls were outstanding");
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace eddy::runtime
