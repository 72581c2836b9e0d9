// The record of a spawned task with its result, and the waits for its end: the mechanism under task_handle and the
// constructs that run members as tasks.
#pragma once

#include <exception>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <eddy/coro/task.hpp>

namespace eddy {

namespace coro {

/// The record of a spawned task<T> and its result.
template <class T>
class spawned_task final : public task_state {
 public:
  static spawned_task& launch(task<T> body, task_owner& owner, std::source_location where) {
    auto frame = std::move(body).release_frame();
    auto* record = new spawned_task(where);
    const auto entry = frame.release();
    record->task_state::start(owner, entry.promise(), entry);
    return *record;
  }

  [[nodiscard]] auto& result() noexcept { return value_; }

 private:
  /// The record knows a failure itself, so of a task<void> there is nothing to keep.
  struct no_value {
    static void set_value(nothing) noexcept {}
    [[nodiscard]] static nothing value() noexcept { return {}; }
    static void take() noexcept {}
  };

  explicit spawned_task(std::source_location where) noexcept : task_state(where) {}
  ~spawned_task() override = default;

  void take_outcome(std::coroutine_handle<> body) noexcept override {
    const auto frame = std::coroutine_handle<task_promise<T>>::from_address(body.address());
    auto& ended = frame.promise().result();
    std::exception_ptr thrown;
    if (!ended.has_value()) {
      thrown = ended.take_exception();
    } else if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
      value_.set_value(ended.value());
    } else {
      try {
        value_.set_value(std::move(ended.value()));
      } catch (...) {
        thrown = std::current_exception();
      }
    }
    frame.destroy();
    if (thrown != nullptr) [[unlikely]]
      ended_by(std::move(thrown));
  }

  [[no_unique_address]] std::conditional_t<std::is_void_v<T>, no_value, outcome<T>> value_;
};

/// Waits for a task to end. Cancelling the wait leaves the task alone.
class join_operation : public operation, private task_watcher {
 public:
  explicit join_operation(task_state& joined) noexcept : joined_(&joined) {}
  join_operation(join_operation&&) noexcept = default;

  [[nodiscard]] wait_info describe() const override {
    return {"task", joined_, joined_, joined_->name()};
  }
  [[nodiscard]] bool try_complete() const {
    check(task() != joined_, "a task awaited its own handle");
    return joined_->done();
  }
  void enqueue() noexcept { joined_->watchers().push_back(*this); }

 protected:
  ~join_operation() = default;
  [[nodiscard]] task_state& joined() const noexcept { return *joined_; }

 private:
  void withdraw() noexcept override {
    task_watcher::unlink();
    withdrawn();
  }
  void task_ended(task_state&) noexcept override { complete(); }

  task_state* joined_;
};

/// For an lvalue handle: the result stays with the task.
template <class T>
class peek_result final : public join_operation {
 public:
  using join_operation::join_operation;
  decltype(auto) take() {
    joined().rethrow_unless_succeeded();
    [[maybe_unused]] auto&& value = static_cast<spawned_task<T>&>(joined()).result().value();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*value);
    } else if constexpr (!std::is_void_v<T>) {
      return static_cast<T&>(value);
    }
  }
};

}  // namespace coro

}  // namespace eddy
