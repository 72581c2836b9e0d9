// Time limits on anything that can be awaited.
//
// The operation is cancelled when the time is up, and awaited: a time limit returns after the operation has really
// ended, cleanup included. An operation that finishes all the same gives its value. A limit of zero or less, or a
// deadline in the past, refuses the operation at its first suspension point.
#pragma once

#include <eddy/base/error.hpp>
#include <eddy/coro/scope.hpp>

namespace eddy {

/// The value of `op`, or nullopt (false for void) when `deadline` passed first. Time spent in shields and cleanups
/// comes on top. Other cancellations pass.
template <coro::awaitable A>
task<coro::unless_cancelled<coro::await_result<A>>> move_on_at(
    time_point deadline, A op, std::source_location where = std::source_location::current()) {
  using R = coro::await_result<A>;
  cancel_scope scope(deadline, where);
  auto body = [&op](cancel_scope&) -> task<R> { co_return co_await std::move(op); };
  co_return co_await with_scope(scope, body);
}

/// As move_on_at, `limit` from now.
template <class Rep, class Period, coro::awaitable A>
task<coro::unless_cancelled<coro::await_result<A>>> move_on_after(
    std::chrono::duration<Rep, Period> limit, A op,
    std::source_location where = std::source_location::current()) {
  co_return co_await move_on_at(after(now(), to_duration(limit)), std::move(op), where);
}

/// The value of `op`; throws timeout_error when `deadline` passed first.
template <coro::awaitable A>
task<coro::await_result<A>> with_deadline(
    time_point deadline, A op, std::source_location where = std::source_location::current()) {
  using R = coro::await_result<A>;
  auto finished = co_await move_on_at(deadline, std::move(op), where);
  if (!finished) throw timeout_error();
  if constexpr (!std::is_void_v<R>) co_return *std::move(finished);
}

/// The value of `op`; throws timeout_error when it takes longer than `limit`.
template <class Rep, class Period, coro::awaitable A>
task<coro::await_result<A>> with_timeout(
    std::chrono::duration<Rep, Period> limit, A op,
    std::source_location where = std::source_location::current()) {
  co_return co_await with_deadline(after(now(), to_duration(limit)), std::move(op), where);
}

}  // namespace eddy
