// promise and future: one value, set once by somebody, awaited by any number of tasks.
#pragma once

#include <exception>
#include <source_location>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/outcome.hpp>
#include <eddy/coro/task.hpp>

namespace eddy {

namespace coro {

/// What promise and futures share. Counted without atomics: one loop only.
class future_state_base : public pooled {
 public:
  future_state_base(const future_state_base&) = delete;
  future_state_base& operator=(const future_state_base&) = delete;

  [[nodiscard]] bool ready() const noexcept { return ready_; }
  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) dispose();
  }
  bool fail(std::exception_ptr failure) noexcept;
  /// The promise is gone without having been set: waiters fail, but nobody has to observe that.
  void abandon() noexcept;
  /// Throws the failure if there is one.
  void rethrow() {
    if (!failure_) return;
    observed_ = true;
    std::rethrow_exception(failure_);
  }

  class wait : public queued_operation {
   public:
    explicit wait(future_state_base& state) noexcept : state_(&state) { state_->retain(); }
    wait(wait&& other) noexcept
        : queued_operation(std::move(other)), state_(std::exchange(other.state_, nullptr)) {}
    [[nodiscard]] wait_info describe() const override { return {"future", state_}; }
    [[nodiscard]] bool try_complete() const noexcept { return state_->ready(); }
    void enqueue() noexcept { state_->waiters_.push_back(*this); }

   protected:
    friend class future_state_base;
    ~wait() {
      if (state_ != nullptr) state_->release();
    }
    [[nodiscard]] future_state_base& state() const noexcept { return *state_; }

   private:
    future_state_base* state_;
  };

 protected:
  explicit future_state_base(std::source_location made_at) noexcept : made_at_(made_at) {}
  virtual ~future_state_base() = default;
  void settle() noexcept;

 private:
  void dispose() noexcept;

  intrusive_list<wait> waiters_;
  std::exception_ptr failure_;
  std::source_location made_at_;
  std::uint32_t references_ = 0;
  bool ready_ = false;
  bool observed_ = false;
};

template <class T>
class future_state final : public future_state_base {
 public:
  explicit future_state(std::source_location made_at) noexcept : future_state_base(made_at) {}

  template <class... Args>
  bool set(Args&&... args) {
    if (ready()) return false;
    value_.set_value(std::forward<Args>(args)...);
    settle();
    return true;
  }
  [[nodiscard]] auto& value() noexcept { return value_.value(); }

 private:
  outcome<T> value_;
};

/// A counted pointer to a future_state.
template <class T>
class future_state_ptr {
 public:
  future_state_ptr() noexcept = default;
  explicit future_state_ptr(future_state<T>* state) noexcept : state_(state) {
    if (state_ != nullptr) state_->retain();
  }
  future_state_ptr(const future_state_ptr& other) noexcept : future_state_ptr(other.state_) {}
  future_state_ptr(future_state_ptr&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  future_state_ptr& operator=(future_state_ptr other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~future_state_ptr() {
    if (state_ != nullptr) state_->release();
  }
  [[nodiscard]] future_state<T>& operator*() const {
    check(state_ != nullptr, "an empty promise or future was used");
    return *state_;
  }
  future_state<T>* operator->() const { return &**this; }
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  future_state<T>* state_ = nullptr;
};

template <class T>
class future_wait final : public future_state_base::wait {
 public:
  using wait::wait;
  decltype(auto) take() {
    state().rethrow();
    auto& value = static_cast<future_state<T>&>(state()).value();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*value);
    } else if constexpr (!std::is_void_v<T>) {
      return static_cast<const T&>(value);
    }
  }
};

}  // namespace coro

/// Waits for a promise's value. Copyable; all copies are equal, any number of tasks may await any of them, any number
/// of times. `co_await f` gives `const T&`, valid while a future or the promise exists, or throws the promise's error,
/// or errc::broken_promise. Cancelling a wait leaves the future alone. Used on its loop only.
template <class T = void>
class future {
 public:
  future() noexcept = default;
  explicit future(coro::future_state_ptr<T> state) noexcept : state_(std::move(state)) {}

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  /// Whether an await would not wait.
  [[nodiscard]] bool ready() const { return state_->ready(); }

  /// For co_await; see promise_base.
  [[nodiscard]] coro::future_wait<T> awaiting() const { return coro::future_wait<T>(*state_); }

 private:
  coro::future_state_ptr<T> state_;
};

/// The side that sets the value. Move-only; destroyed unset, every waiter gets errc::broken_promise. An error that
/// nobody ever observes is reported once, when the last future is gone. Used on its loop only: other threads post.
template <class T = void>
class promise {
 public:
  explicit promise(std::source_location where = std::source_location::current())
      : state_(new coro::future_state<T>(where)) {}
  promise(promise&&) noexcept = default;
  promise& operator=(promise&& other) noexcept {
    abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~promise() { abandon(); }

  [[nodiscard]] future<T> get_future() const { return future<T>(state_); }

  /// Sets the value; the waiting tasks become ready, in order of arrival. Throws errc::already_set the second time.
  template <class... Args>
  void set_value(Args&&... args) {
    if (!try_set_value(std::forward<Args>(args)...)) throw_error(errc::already_set, "promise");
  }
  void set_exception(std::exception_ptr failure) {
    if (!try_set_exception(std::move(failure))) throw_error(errc::already_set, "promise");
  }
  /// False, without effect, when it is set already.
  template <class... Args>
  bool try_set_value(Args&&... args) {
    if constexpr (std::is_reference_v<T>) {
      return state_->set(std::addressof(args)...);
    } else {
      return state_->set(std::forward<Args>(args)...);
    }
  }
  bool try_set_exception(std::exception_ptr failure) { return state_->fail(std::move(failure)); }

 private:
  void abandon() noexcept {
    if (state_) state_->abandon();
  }
  coro::future_state_ptr<T> state_;
};

}  // namespace eddy
