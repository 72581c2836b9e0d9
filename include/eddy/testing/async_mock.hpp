// async_mock: a stand-in for an asynchronous function that does what a test says and writes down its calls.
//
//   eddy::testing::async_mock<std::string(int)> fetch;
//   fetch.then_throws(eddy::error(eddy::errc::closed)).returns("page").delays(10ms);
//   const auto first = co_await eddy::as_result(fetch(1));   // fails
//   const auto second = co_await fetch(2);                   // "page", 10 ms later
//   EXPECT_THAT(fetch.calls(), ElementsAre(FieldsAre(1), FieldsAre(2)));
//   EXPECT_EQ(fetch.completed(), 1u);
//
// Needs no test framework; calls() works with GoogleMock's matchers. Give it where a callable is taken by
// std::ref(mock). Must outlive the tasks that its calls give. Used on one loop.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/cancelled.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/testing/requirement.hpp>

namespace eddy::testing {

/// What async_mock does. R may be void or move-only; arguments are copied into the record, so they have to be copyable.
template <class R, class... Args>
class scripted_function {
  static_assert(!std::is_reference_v<R>, "a mock keeps its results, so that they are values");

 public:
  using arguments = std::tuple<std::decay_t<Args>...>;

  scripted_function() = default;
  scripted_function(const scripted_function&) = delete;
  scripted_function& operator=(const scripted_function&) = delete;

  /// Writes the call down at once; the rest happens when the task is awaited. A call of a non-void mock that nobody
  /// gave a result for fails the test.
  task<R> operator()(Args... args) {
    calls_.emplace_back(args...);
    return run(next_action(), delay_, std::forward<Args>(args)...);
  }

  // --- what calls do: then_* for the next call without an order yet, the others for all calls beyond those ---

  /// Gives a copy of `value`.
  template <class V = R>
  scripted_function& returns(V value)
    requires(!std::is_void_v<R>)
  {
    otherwise_ = giving<R>(std::move(value), false);
    return *this;
  }
  template <class V = R>
  scripted_function& then_returns(V value)
    requires(!std::is_void_v<R>)
  {
    return add(giving<R>(std::move(value), true));
  }
  scripted_function& then_returns()
    requires std::is_void_v<R>
  {
    return add(nullptr);
  }
  template <class E>
  scripted_function& throws(E failure) {
    otherwise_ = throwing(std::move(failure));
    return *this;
  }
  template <class E>
  scripted_function& then_throws(E failure) {
    return add(throwing(std::move(failure)));
  }
  /// Calls `fn` with the arguments; it gives an R or a task<R>.
  template <class Fn>
  scripted_function& does(Fn fn) {
    otherwise_ = doing(std::move(fn));
    return *this;
  }
  template <class Fn>
  scripted_function& then_does(Fn fn) {
    return add(doing(std::move(fn)));
  }
  /// Calls made from now on sleep this long first.
  scripted_function& delays(duration d) {
    delay_ = d;
    return *this;
  }

  // --- what happened ---

  /// The arguments of all calls, in order.
  [[nodiscard]] const std::vector<arguments>& calls() const noexcept { return calls_; }
  /// Calls that were awaited.
  [[nodiscard]] std::size_t awaited() const noexcept { return awaited_; }
  /// Awaited calls that are not over.
  [[nodiscard]] std::size_t running() const noexcept {
    return awaited_ - completed_ - failed_ - cancelled_;
  }
  /// Of those: how many ended with a value, with a failure, cancelled.
  [[nodiscard]] std::size_t completed() const noexcept { return completed_; }
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }
  [[nodiscard]] std::size_t cancelled() const noexcept { return cancelled_; }
  /// Orders given by then_* and not used.
  [[nodiscard]] std::size_t left() const noexcept { return script_.size(); }
  /// Forgets calls and counts, not the orders. Not while calls are running.
  void forget() noexcept {
    calls_.clear();
    awaited_ = completed_ = failed_ = cancelled_ = 0;
  }

 private:
  // Null: a void call that does nothing.
  using action = std::shared_ptr<std::move_only_function<task<R>(Args...)>>;

  template <class Fn>
  static action make(Fn fn) {
    return std::make_shared<typename action::element_type>(std::move(fn));
  }
  template <class T, class V>
  static action giving(V value, bool once) {
    auto kept = std::make_shared<T>(std::move(value));
    return make([kept, once](Args...) { return give(kept, once); });
  }
  // Members of the coroutine's frame, because the closure may be gone before the task starts.
  template <class T>
  static task<T> give(std::shared_ptr<T> kept, bool once) {
    if constexpr (std::is_copy_constructible_v<T>) {
      if (!once) co_return *kept;
    } else {
      require(once, "a move-only result is for one call: use then_returns");
    }
    co_return std::move(*kept);
  }
  template <class E>
  static action throwing(E failure) {
    std::exception_ptr thrown;
    if constexpr (std::is_same_v<E, std::exception_ptr>) {
      thrown = std::move(failure);
    } else {
      thrown = std::make_exception_ptr(std::move(failure));
    }
    return make([thrown](Args...) { return fail(thrown); });
  }
  static task<R> fail(std::exception_ptr thrown) {
    std::rethrow_exception(thrown);
    if constexpr (std::is_void_v<R>) {
      co_return;
    } else {
      co_return fail_value();
    }
  }
  [[noreturn]] static R fail_value() { std::terminate(); }
  template <class Fn>
  static action doing(Fn fn) {
    if constexpr (coro::is_task<std::invoke_result_t<Fn&, Args...>>) {
      return make(std::move(fn));
    } else {
      auto kept = std::make_shared<Fn>(std::move(fn));
      return make([kept](Args... args) { return call(kept, std::forward<Args>(args)...); });
    }
  }
  template <class Fn>
  static task<R> call(std::shared_ptr<Fn> fn, Args... args) {
    co_return std::invoke(*fn, std::forward<Args>(args)...);
  }

  scripted_function& add(action step) {
    script_.push_back(std::move(step));
    return *this;
  }
  action next_action() {
    if (!script_.empty()) {
      action step = std::move(script_.front());
      script_.pop_front();
      return step;
    }
    require(otherwise_ != nullptr || std::is_void_v<R>,
            "a mock was called for which the test gave no result");
    return otherwise_;
  }

  task<R> run(action step, duration delay, Args... args) {
    ++awaited_;
    try {
      if (delay > duration::zero()) co_await sleep(delay);
      if constexpr (std::is_void_v<R>) {
        if (step != nullptr) co_await (*step)(std::forward<Args>(args)...);
        ++completed_;
      } else {
        R value = co_await (*step)(std::forward<Args>(args)...);
        ++completed_;
        co_return value;
      }
    } catch (const eddy::cancelled&) {
      ++cancelled_;
      throw;
    } catch (...) {
      ++failed_;
      throw;
    }
  }

  std::deque<action> script_;
  action otherwise_;
  duration delay_{};
  std::vector<arguments> calls_;
  std::size_t awaited_ = 0;
  std::size_t completed_ = 0;
  std::size_t failed_ = 0;
  std::size_t cancelled_ = 0;
};

template <class Signature>
class async_mock;

/// async_mock<R(Args...)>: written as the function it stands for.
template <class R, class... Args>
class async_mock<R(Args...)> final : public scripted_function<R, Args...> {};

}  // namespace eddy::testing
