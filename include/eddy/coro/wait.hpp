// Waiting for several spawned tasks without taking their results: wait() and as_completed().
//
// Both only look: they never throw what a task failed with, never cancel a task, and leave nothing behind on a task
// when they are left early.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/timer_queue.hpp>

namespace eddy {

/// When wait() returns.
enum class wait_until : std::uint8_t {
  all_completed,
  first_completed,
  first_failed,  ///< as soon as one has failed, or all have ended; a cancelled task is no failure
};

namespace coro {

/// Waits until enough of a list of tasks have ended, or until a deadline.
class wait_operation final : public operation, private timer {
 public:
  wait_operation(std::vector<task_state*> tasks, wait_until when, std::optional<duration> timeout);
  wait_operation(wait_operation&& other) noexcept;
  ~wait_operation();

  [[nodiscard]] wait_info describe() const override { return {"wait", this}; }
  [[nodiscard]] bool try_complete() const noexcept { return enough(); }
  void enqueue();
  void take() const noexcept {}

 private:
  class watch final : public task_watcher {
   public:
    explicit watch(wait_operation& owner) noexcept : owner_(&owner) {}
    void task_ended(task_state& task) noexcept override { owner_->on_end(task); }

   private:
    wait_operation* owner_;
  };

  [[nodiscard]] bool enough() const noexcept;
  void on_end(task_state& task) noexcept;
  void leave() noexcept;
  void withdraw() noexcept override;
  void expired() noexcept override;

  std::vector<task_state*> tasks_;  // each once; kept alive by the caller
  std::vector<watch> watches_;
  std::size_t unfinished_ = 0;
  std::optional<duration> timeout_;
  wait_until when_;
};

/// What as_completed keeps: who has ended, and who waits for that.
class completion_list {
 public:
  explicit completion_list(std::vector<any_task_handle> tasks);
  completion_list(const completion_list&) = delete;
  completion_list& operator=(const completion_list&) = delete;
  ~completion_list();

  /// Index of the next task to have ended; nullopt when all have been given out.
  class next_operation final : public queued_operation {
   public:
    explicit next_operation(completion_list& list) noexcept : list_(&list) {}
    next_operation(next_operation&&) noexcept = default;
    [[nodiscard]] wait_info describe() const override { return {"as_completed", list_}; }
    [[nodiscard]] bool try_complete() noexcept;
    void enqueue() noexcept { list_->waiters_.push_back(*this); }
    [[nodiscard]] std::optional<std::size_t> take() const noexcept { return given_; }

   private:
    friend class completion_list;
    void withdraw() noexcept override;
    completion_list* list_;
    std::optional<std::size_t> given_;
  };

 private:
  class watch final : public task_watcher {
   public:
    watch(completion_list& owner, std::size_t index) noexcept : owner_(&owner), index_(index) {}
    void task_ended(task_state&) noexcept override { owner_->on_end(index_); }

   private:
    completion_list* owner_;
    std::size_t index_;
  };

  void on_end(std::size_t index) noexcept;

  std::vector<any_task_handle> tasks_;
  std::vector<watch> watches_;
  std::vector<std::size_t> ended_;  // in order of ending
  std::size_t given_out_ = 0;
  intrusive_list<next_operation> waiters_;
};

}  // namespace coro

/// What wait() found; handles in the order given, each task once.
template <class T>
struct wait_result {
  std::vector<task_handle<T>> done;
  std::vector<task_handle<T>> pending;
};

/// Waits for spawned tasks. Gives who is done (ended in whatever way) when it returns; awaiting those handles then
/// gives results and failures. With a timeout it returns at the latest then: no error, nobody is cancelled. When the
/// caller is cancelled, `cancelled` is thrown and the tasks run on. The same task twice counts once; an empty range
/// throws invalid_input.
template <std::ranges::input_range Range, class H = std::ranges::range_value_t<Range>>
auto wait(Range handles, wait_until when = wait_until::all_completed,
          std::optional<duration> timeout = std::nullopt)
    -> task<wait_result<typename H::value_type>> {
  using T = typename H::value_type;
  std::vector<task_handle<T>> members;
  std::vector<coro::task_state*> states;
  for (const auto& handle : handles) {
    if (std::ranges::find(states, &handle.state()) != states.end()) continue;
    states.push_back(&handle.state());
    members.push_back(handle);
  }
  if (members.empty()) throw_invalid_input("wait for nothing");
  co_await coro::wait_operation(std::move(states), when, timeout);
  wait_result<T> result;
  for (auto& member : members) {
    (member.done() ? result.done : result.pending).push_back(std::move(member));
  }
  co_return result;
}

/// Gives handles in the order in which their tasks end; see as_completed().
template <class T>
class completions {
 public:
  explicit completions(std::vector<task_handle<T>> handles)
      : handles_(std::move(handles)),
        list_(std::make_unique<coro::completion_list>(
            std::vector<any_task_handle>(handles_.begin(), handles_.end()))) {}

  /// The next handle whose task has ended, waiting for one; nullopt when all have been given. Several tasks may ask;
  /// each completion goes to one of them, in order of arrival. Cancelled, it has taken none.
  [[nodiscard]] task<std::optional<task_handle<T>>> next() {
    const auto index = co_await coro::completion_list::next_operation(*list_);
    if (!index) co_return std::nullopt;
    co_return handles_[*index];
  }

 private:
  std::vector<task_handle<T>> handles_;
  std::unique_ptr<coro::completion_list> list_;
};

/// Iterates over spawned tasks in the order of their completion:
///
///   auto finished = eddy::as_completed(handles);
///   while (auto h = co_await finished.next()) use(co_await *h);
///
/// A failure is thrown when its handle is awaited. May be left at any time and taken up again. Must not be destroyed
/// while a task waits in next().
template <std::ranges::input_range Range, class H = std::ranges::range_value_t<Range>>
[[nodiscard]] completions<typename H::value_type> as_completed(Range&& handles) {
  std::vector<H> members;
  for (const auto& handle : handles) members.push_back(handle);
  return completions<typename H::value_type>(std::move(members));
}

}  // namespace eddy
