#include "scripted_calls.hpp"

#include <functional>
#include <utility>

namespace eddy::runtime {

bool offload::scripted::submit(const std::shared_ptr<thread_job>& job) {
  if (running_count_ < pool_.limit_) return begin(job);
  job->scripted_ = true;
  job->self_ = job;
  queue_.push_back(*job);
  return true;
}

bool offload::scripted::begin(const std::shared_ptr<thread_job>& job) {
  // Both may be called for after the loop: what a network has under way goes with the network.
  std::move_only_function<void()> call = [self = shared_from_this(), job] {
    if (job->stage_ == thread_job::stage::running) self->end(*job);
  };
  if (!pool_.loop_.io().take_call(call)) return false;
  job->scripted_ = true;
  job->stage_ = thread_job::stage::running;
  running_.push_back(*job);
  ++running_count_;
  return true;
}

void offload::scripted::end(thread_job& job) noexcept {
  job.list_hook<>::unlink();
  --running_count_;
  const auto locals = coro::current_locals();
  make_call(job);
  coro::current_locals() = locals;
  job.stage_ = thread_job::stage::ended;
  if (thread_operation* waiter = job.waiter_) {
    pool_.came_back(job);
    waiter->complete();
  } else {
    --abandoned_;
  }
  begin_next();
}

void offload::scripted::begin_next() {
  if (running_count_ == pool_.limit_) return;
  thread_job* next = queue_.pop_front();
  if (next == nullptr) return;
  const std::shared_ptr<thread_job> job = std::move(next->self_);
  if (begin(job)) return;
  // There is no script any more.
  job->scripted_ = false;
  pool_.submit_to_thread(job);
}

offload::withdrawal offload::scripted::withdraw(thread_job& job, bool abandon,
                                                const coro::cancel_info_ptr& why) noexcept {
  if (job.stage_ == thread_job::stage::queued) {
    job.list_hook<>::unlink();
    job.self_.reset();  // the operation has it as well
    return withdrawal::done;
  }
  job.cancellation_.cancel(why);
  if (!abandon) return withdrawal::later;
  job.waiter_ = nullptr;
  ++abandoned_;
  return withdrawal::done;
}

void offload::scripted::stop() noexcept {
  while (thread_job* job = running_.front()) end(*job);
}

}  // namespace eddy::runtime
