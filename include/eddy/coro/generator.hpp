// async_generator<T>: a function that gives one value after another and may wait in between.
//
//   eddy::async_generator<int> ticks(int n) {
//     for (int i = 0; i < n; ++i) { co_await eddy::sleep(1s); co_yield i; }
//   }
//   auto g = ticks(3);
//   while (auto tick = co_await g.next()) use(*tick);
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <eddy/coro/task.hpp>

namespace eddy {

template <class T>
class async_generator;

namespace coro {

template <class T>
class generator_promise : public promise_base {
 public:
  using item = std::conditional_t<std::is_reference_v<T>,
                                  std::reference_wrapper<std::remove_reference_t<T>>, T>;

  /// Goes back to whoever called next().
  template <transfer Mode>
  struct back_to_consumer {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    auto await_suspend(std::coroutine_handle<generator_promise> self) const noexcept {
      generator_promise& promise = self.promise();
      promise.running_ = false;
      promise.set_ended();
      return transfer_to<Mode>(promise.continuation());
    }
    void await_resume() const noexcept {}
  };
  using handover = back_to_consumer<default_transfer>;

  explicit generator_promise(
      std::source_location made_at = std::source_location::current()) noexcept
      : promise_base(made_at) {}
  async_generator<T> get_return_object() noexcept;
  [[nodiscard]] handover final_suspend() const noexcept { return {}; }
  template <class U = item>
    requires std::is_constructible_v<item, U&&>
  handover yield_value(U&& value) {
    item_.emplace(std::forward<U>(value));
    return {};
  }
  void return_void() noexcept {}
  void unhandled_exception() noexcept { failure_ = unhandled(); }

  void begin_step(std::coroutine_handle<> frame) noexcept {
    running_ = true;
    item_.reset();
    set_awaiting(frame);
  }
  /// The value of the last step; nullopt at the end; throws what the body threw, once.
  std::optional<item> take_step() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return std::move(item_);
  }
  [[nodiscard]] bool running() const noexcept { return running_; }

 private:
  static_assert(alignof(item) <= frame_alignment, "frames are not aligned for this type");
  std::optional<item> item_;
  std::exception_ptr failure_;
  bool running_ = false;
};

}  // namespace coro

/// Move-only; owns its frame. Lazy: the body runs inside next(), in the task that calls it, with that task's scopes and
/// task-local values. next() after the end gives the end again. A failure or `cancelled` of the body leaves next(), and
/// the generator is then at its end. Destroying it at a yield destroys the frame at once, without waiting: cleanup that
/// waits belongs into finally() inside the body, before a yield. Resuming or destroying one that is running stops the
/// program. T may be a value (move-only too) or a reference (next() then gives optional<reference_wrapper>).
template <class T>
class [[nodiscard]] async_generator {
 public:
  using promise_type = coro::generator_promise<T>;
  using item = typename promise_type::item;

  async_generator(async_generator&&) noexcept = default;
  async_generator& operator=(async_generator&& other) noexcept {
    if (this != &other) {
      reset();
      frame_ = std::move(other.frame_);
    }
    return *this;
  }
  ~async_generator() { reset(); }

  /// Awaitable: runs the body up to its next value.
  class step {
   public:
    explicit step(async_generator& generator) noexcept : generator_(&generator) {}
    /// For co_await; see promise_base.
    [[nodiscard]] step inside_awaiter() const noexcept { return *this; }

    [[nodiscard]] bool await_ready() const {
      const auto frame = generator_->frame_.get();
      check(frame == nullptr || !frame.promise().running(),
            "a generator was resumed while it was running");
      return frame == nullptr || frame.done();
    }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> consumer) noexcept {
      const auto frame = generator_->frame_.get();
      frame.promise().begin_step(consumer);
      return coro::transfer_to<coro::default_transfer>(frame);
    }
    std::optional<item> await_resume() {
      const auto frame = generator_->frame_.get();
      if (frame == nullptr) return std::nullopt;
      if (!frame.done()) return frame.promise().take_step();
      const coro::frame_owner<promise_type> ended = std::move(generator_->frame_);
      return ended.get().promise().take_step();
    }

   private:
    async_generator* generator_;
  };

  /// The next value, or nullopt at the end. Not a cancellation point itself: the operations inside the body are.
  [[nodiscard]] step next() noexcept { return step(*this); }

 private:
  friend promise_type;
  explicit async_generator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  void reset() noexcept {
    if (const auto frame = frame_.get())
      check(!frame.promise().running(), "a generator was destroyed while running");
    frame_.reset();
  }

  coro::frame_owner<promise_type> frame_;
};

namespace coro {

template <class T>
async_generator<T> generator_promise<T>::get_return_object() noexcept {
  return async_generator<T>(std::coroutine_handle<generator_promise>::from_promise(*this));
}

}  // namespace coro
}  // namespace eddy
