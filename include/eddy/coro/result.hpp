// result<T>: how an operation or a task ended, as a value: with its value, with a failure, or cancelled.
#pragma once

#include <exception>
#include <utility>
#include <variant>

#include <eddy/base/check.hpp>
#include <eddy/coro/cancelled.hpp>
#include <eddy/coro/outcome.hpp>
#include <eddy/coro/task.hpp>

namespace eddy {

/// Exactly one of value, failure (an exception of any type) and cancelled. A value type as T is; T may be void or a
/// reference. Not bound to a loop.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  /// With a value made from `args`.
  template <class... Args>
  explicit result(std::in_place_t, Args&&... args)
      : state_(std::in_place_index<0>, std::forward<Args>(args)...) {}
  explicit result(std::exception_ptr failure)
      : state_(std::in_place_index<1>, std::move(failure)) {}
  explicit result(cancelled stop) : state_(std::in_place_index<2>, std::move(stop)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  [[nodiscard]] bool has_error() const noexcept { return state_.index() == 1; }
  [[nodiscard]] bool is_cancelled() const noexcept { return state_.index() == 2; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

  /// The value; throws the failure or the `cancelled` if there is none.
  decltype(auto) value() & {
    rethrow();
    return get(*this);
  }
  decltype(auto) value() const& {
    rethrow();
    return get(*this);
  }
  T value() && {
    rethrow();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*std::get<0>(state_));
    } else if constexpr (!std::is_void_v<T>) {
      return std::get<0>(std::move(state_));
    }
  }
  decltype(auto) operator*() & { return value(); }
  decltype(auto) operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  auto* operator->()
    requires(!std::is_void_v<T>)
  {
    return std::addressof(value());
  }

  template <class U>
  [[nodiscard]] T value_or(U&& otherwise) && {
    return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(otherwise));
  }

  /// The failure; null unless has_error().
  [[nodiscard]] std::exception_ptr error() const {
    return has_error() ? std::get<1>(state_) : nullptr;
  }
  /// The cancellation; only when is_cancelled().
  [[nodiscard]] const cancelled& cancellation() const {
    check(is_cancelled(), "asked a result that was not cancelled for its cancellation");
    return std::get<2>(state_);
  }

 private:
  void rethrow() const {
    if (has_error()) std::rethrow_exception(std::get<1>(state_));
    if (is_cancelled()) throw std::get<2>(state_);
  }

  template <class Self>
  static decltype(auto) get(Self& self) {
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*std::get<0>(self.state_));
    } else if constexpr (!std::is_void_v<T>) {
      return (std::get<0>(self.state_));
    }
  }

  std::variant<coro::stored<T>, std::exception_ptr, cancelled> state_;
};

namespace coro {

/// Runs `make()` and turns what it throws into a result.
template <class T, class Make>
result<T> result_of(Make&& make) {
  try {
    if constexpr (std::is_void_v<T>) {
      make();
      return result<T>(std::in_place);
    } else if constexpr (std::is_reference_v<T>) {
      return result<T>(std::in_place, std::addressof(make()));
    } else {
      return result<T>(std::in_place, make());
    }
  } catch (const cancelled& stop) {
    return result<T>(stop);
  } catch (...) {
    return result<T>(std::current_exception());
  }
}

}  // namespace coro

/// Awaits `op` and gives what it ended with, without a throw: value, failure or cancelled. In a cancelled scope the
/// operations in `op` are refused as always, so the result is cancelled; it does not end the cancellation.
template <coro::awaitable A>
task<result<coro::await_result<A>>> as_result(A op) {
  using T = coro::await_result<A>;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(op);
      co_return result<T>(std::in_place);
    } else if constexpr (std::is_reference_v<T>) {
      co_return result<T>(std::in_place, std::addressof(co_await std::move(op)));
    } else {
      co_return result<T>(std::in_place, co_await std::move(op));
    }
  } catch (const cancelled& stop) {
    co_return result<T>(stop);
  } catch (...) {
    co_return result<T>(std::current_exception());
  }
}

}  // namespace eddy
