#include <eddy/coro/scheduler.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <thread>
#include <typeinfo>

#include <cxxabi.h>

#include <eddy/base/check.hpp>
#include <eddy/coro/cancelled.hpp>
#include <eddy/coro/promise_base.hpp>

namespace eddy {

namespace {

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

std::size_t name_current_task(char* out, std::size_t size) noexcept {
  const auto* loop = coro::scheduler::current();
  if (loop == nullptr || loop->current_task() == nullptr) return 0;
  const auto& task = *loop->current_task();
  const auto place = task.spawned_at();
  const int n = std::snprintf(out, size, "%s, spawned at %s:%u", task.name().c_str(),
                              place.file_name(), static_cast<unsigned>(place.line()));
  return n < 0 ? 0 : std::min(static_cast<std::size_t>(n), size - 1);
}

std::size_t places_of_current_task(std::source_location* out, std::size_t most) noexcept {
  std::size_t count = 0;
  for (const coro::promise_base* frame = coro::running_frame; frame != nullptr && count < most;
       frame = frame->awaited_by()) {
    out[count++] = frame->await_place();
  }
  return count;
}

void write_report(const failure_report& what) noexcept {
  try {
    std::string text = "eddy: " + what.message;
    if (!what.task.empty()) text += " (" + what.task + ")";
    if (what.where.line() != 0) {
      text += "\n  from " + std::string(what.where.file_name()) + ":" +
              std::to_string(what.where.line());
    }
    if (what.error) text += "\n  " + describe_exception(what.error);
    for (const auto& place : what.stack) {
      text +=
          "\n    awaited at " + std::string(place.file_name()) + ":" + std::to_string(place.line());
    }
    std::fprintf(stderr, "%s\n", text.c_str());
  } catch (...) {
    std::fputs("eddy: a failure could not be reported\n", stderr);
  }
}

}  // namespace

std::string describe_exception(const std::exception_ptr& error) {
  if (!error) return "no exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return demangled(typeid(e).name()) + ": " + e.what();
  } catch (const cancelled& c) {
    std::string text = "cancelled (" + std::string(to_string(c.reason()));
    if (!c.text().empty()) text += ": " + c.text();
    return text + ")";
  } catch (...) {
    const auto* type = abi::__cxa_current_exception_type();
    return "exception of type " +
           (type != nullptr ? demangled(type->name()) : std::string("unknown"));
  }
}

void report_failure(failure_report what) noexcept {
  if (auto* loop = coro::scheduler::current()) {
    loop->report(std::move(what));
  } else {
    write_report(what);
  }
}

time_point now() { return coro::scheduler::require().now(); }

namespace coro {

thread_local constinit scheduler* scheduler::current_ = nullptr;
thread_local constinit void* pumped_frame = nullptr;
thread_local constinit promise_base* running_frame = nullptr;

scheduler::scheduler(clock& time_source, std::uint64_t seed)
    : clock_(&time_source), turn_started_(time_source.now()), random_(seed) {
  set_mistake_context(name_current_task);
  set_async_stack_source(places_of_current_task);
}

void scheduler::resume(ready_node& node) noexcept {
  budget_ = full_budget_;
  if (node.resume_point_) [[likely]] {
    auto& task = static_cast<task_state&>(node);
    if (observer_ != nullptr) [[unlikely]]
      observer_->resuming(task);
    current_task_ = &task;
    const auto frame =
        std::coroutine_handle<promise_base>::from_address(node.resume_point_.address());
    running_frame = &frame.promise();
    progress_.begin(&task, frame.promise().await_place());
    run_frames(frame);
    running_frame = nullptr;
    current_task_ = nullptr;
  } else {
    progress_.begin_callback(&node);
    node.run();
  }
}

void loop_progress::wait_for_inspection() const noexcept {
  while (inspected_.load(std::memory_order_acquire)) std::this_thread::yield();
}

ready_node* scheduler::take_batch() noexcept {
  ready_node* batch = ready_head_;
  ready_head_ = nullptr;
  ready_tail_ = &ready_head_;
  return batch;
}

void scheduler::shuffle(std::size_t from, std::size_t to) noexcept {
  for (std::size_t left = to - from; left > 1; --left) {
    std::swap(shuffled_[from + left - 1], shuffled_[from + random_.below(left)]);
  }
}

void scheduler::run_batch() {
  ready_node* batch = take_batch();
  if (shuffle_) [[unlikely]]
    batch = shuffled(batch);
  while (batch != nullptr) {
    ready_node* node = std::exchange(batch, batch->next_);
    if (batch != nullptr) {
      // With many tasks each step begins outside the caches; meanwhile the next two come closer.
      __builtin_prefetch(batch->next_, 1);
      __builtin_prefetch(batch->resume_point_.address(), 1);
    }
    resume(*node);
  }
  progress_.end_batch();
}

ready_node* scheduler::shuffled(ready_node* batch) {
  shuffled_.clear();
  for (ready_node* node = batch; node != nullptr; node = node->next_) shuffled_.push_back(node);
  std::size_t from = 0;
  auto behind = kept_behind_.begin();
  for (std::size_t i = 0; i < shuffled_.size() && behind != kept_behind_.end(); ++i) {
    if (shuffled_[i] != *behind) continue;
    shuffle(from, i);
    from = i;
    ++behind;
  }
  kept_behind_.clear();
  shuffle(from, shuffled_.size());
  // Callbacks keep their places among themselves: posts of one thread run in the order of posting.
  auto slot = shuffled_.begin();
  for (ready_node* node = batch; node != nullptr; node = node->next_) {
    if (node->resume_point_) continue;
    slot = std::find_if(slot, shuffled_.end(), [](auto* n) { return !n->resume_point_; });
    *slot++ = node;
  }
  ready_node* first = nullptr;
  for (auto node = shuffled_.rbegin(); node != shuffled_.rend(); ++node) {
    (*node)->next_ = first;
    first = *node;
  }
  return first;
}

void scheduler::report(failure_report what) noexcept {
  if (!hook_) {
    write_report(what);
    return;
  }
  try {
    hook_(what);
  } catch (...) {
    write_report(what);
    write_report({"the error hook failed", std::current_exception(), {}, {}});
  }
}

scheduler::entered::entered(scheduler& loop) noexcept : previous_(std::exchange(current_, &loop)) {}

scheduler::entered::~entered() { current_ = previous_; }

}  // namespace coro
}  // namespace eddy
