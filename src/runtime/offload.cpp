#include <eddy/runtime/offload.hpp>

#include "inbox.hpp"
#include "scripted_calls.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <eddy/base/intrusive_list.hpp>

namespace eddy::runtime {

/// What the threads share with the loop; outlives both, so that an abandoned call may end after them.
class offload::state : public std::enable_shared_from_this<offload::state> {
 public:
  state(loop& owner, offload& pool, std::size_t limit)
      : returns_(pool), to_(&owner), limit_(limit) {}

  void submit(const std::shared_ptr<thread_job>& job) {
    {
      const std::lock_guard guard(lock_);
      if (queued_ >= idle_ && running_threads_ < limit_) {
        std::thread([self = shared_from_this()] { self->work(); }).detach();
        ++running_threads_;
      }
      job->self_ = job;
      queue_.push_back(*job);
      ++queued_;
    }
    arrived_.notify_one();
  }

  withdrawal withdraw(thread_job& job, bool abandon, const coro::cancel_info_ptr& why) noexcept {
    std::shared_ptr<thread_job> dropped;  // destroyed after the lock is given back
    const std::lock_guard guard(lock_);
    if (job.stage_ == thread_job::stage::queued) {
      job.list_hook<>::unlink();
      --queued_;
      dropped = std::move(job.self_);
      return withdrawal::done;
    }
    if (job.stage_ == thread_job::stage::ended)
      return withdrawal::later;  // its result is on its way
    job.cancellation_.cancel(why);
    if (!abandon) return withdrawal::later;
    job.waiter_ = nullptr;
    ++abandoned_;
    return withdrawal::done;
  }

  [[nodiscard]] std::size_t abandoned() const noexcept {
    const std::lock_guard guard(lock_);
    return abandoned_;
  }

  /// Calls whose tasks may go on, in order of their ends.
  void take_ended(intrusive_list<thread_operation>& into) noexcept {
    const std::lock_guard guard(lock_);
    on_the_way_ = false;
    into.splice(ended_);
  }

  /// True when all threads have ended within `patience`.
  bool stop(duration patience) noexcept {
    std::unique_lock guard(lock_);
    stopping_ = true;
    arrived_.notify_all();
    const bool ended =
        thread_ended_.wait_for(guard, patience, [this] { return running_threads_ == 0; });
    to_ = nullptr;
    return ended;
  }

 private:
  void work() noexcept {
    std::unique_lock guard(lock_);
    for (;;) {
      ++idle_;
      arrived_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
      --idle_;
      thread_job* next = queue_.pop_front();
      if (next == nullptr) break;
      --queued_;
      std::shared_ptr<thread_job> job = std::move(next->self_);
      job->stage_ = thread_job::stage::running;
      guard.unlock();
      make_call(*job);
      guard.lock();
      job->stage_ = thread_job::stage::ended;
      hand_back(*job);
      guard.unlock();
      job.reset();
      guard.lock();
    }
    --running_threads_;
    thread_ended_.notify_all();
  }

  void hand_back(thread_job& job) noexcept {
    if (job.waiter_ == nullptr) {
      --abandoned_;
      return;
    }
    ended_.push_back(*job.waiter_);
    // The loop outlives the calls its tasks wait for, so its inbox is open.
    if (!std::exchange(on_the_way_, true)) to_->inbox_->push_return(returns_);
  }

  /// One inbox node for all calls that have ended since it was last delivered.
  class returns final : public inbox_node {
   public:
    explicit returns(offload& pool) noexcept : pool_(pool) {}
    void deliver(loop&) noexcept override {
      intrusive_list<thread_operation> ended;
      pool_.state_->take_ended(ended);
      while (auto* waiter = ended.pop_front()) {
        pool_.came_back(waiter->job());
        waiter->complete();
      }
    }

   private:
    offload& pool_;
  };

  mutable std::mutex lock_;
  std::condition_variable arrived_;
  std::condition_variable thread_ended_;
  intrusive_list<thread_job> queue_;
  intrusive_list<thread_operation> ended_;
  returns returns_;
  loop* to_;
  std::size_t limit_;
  std::size_t queued_ = 0;
  std::size_t idle_ = 0;
  std::size_t running_threads_ = 0;
  std::size_t abandoned_ = 0;
  bool on_the_way_ = false;
  bool stopping_ = false;
};

offload& thread_operation::pool_of_loop() const {
  auto& home = static_cast<class loop&>(loop());
  return pool_ == pool::blocking ? home.threads() : home.cpu_threads();
}

void thread_operation::enqueue() { pool_of_loop().submit(job_, *this); }

void thread_operation::withdraw() noexcept {
  const coro::cancel_info_ptr why(task()->innermost_scope()->effective());
  if (pool_of_loop().withdraw(*job_, abandon_, why) == offload::withdrawal::done) withdrawn();
}

offload::offload(loop& owner, std::size_t limit)
    : loop_(owner),
      limit_(limit),
      state_(std::make_shared<state>(owner, *this, limit)),
      scripted_(std::make_shared<scripted>(*this)) {}

offload::~offload() = default;

std::size_t offload::abandoned() const noexcept {
  return state_->abandoned() + scripted_->abandoned();
}

void offload::submit(const std::shared_ptr<thread_job>& job, thread_operation& waiter) {
  job->waiter_ = &waiter;
  job->locals_ = coro::current_locals();
  if (!scripted_->submit(job)) submit_to_thread(job);
  ++outstanding_;
}

void offload::submit_to_thread(const std::shared_ptr<thread_job>& job) {
  state_->submit(job);
  if (on_threads_++ == 0) loop_.expect_return(true);
}

offload::withdrawal offload::withdraw(thread_job& job, bool abandon,
                                      const coro::cancel_info_ptr& why) noexcept {
  const withdrawal result =
      job.scripted_ ? scripted_->withdraw(job, abandon, why) : state_->withdraw(job, abandon, why);
  if (result == withdrawal::done) came_back(job);
  return result;
}

void offload::came_back(const thread_job& job) noexcept {
  --outstanding_;
  if (!job.scripted_ && --on_threads_ == 0) loop_.expect_return(false);
}

void offload::make_call(thread_job& job) noexcept {
  coro::current_locals() = std::move(job.locals_);
  const coro::thread_cancellation::scope here(job.cancellation_);
  job.call(job.cancellation_.token());
  coro::current_locals().reset();
}

bool offload::stop(duration patience) noexcept {
  check(outstanding_ == 0, "a loop ended while thread calls were outstanding");
  scripted_->stop();
  return state_->stop(patience);
}

}  // namespace eddy::runtime
