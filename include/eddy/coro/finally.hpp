// Cleanup that may wait. C++ allows no co_await in a destructor or handler: this is the place for it.
#pragma once

#include <functional>
#include <optional>
#include <source_location>

#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>

namespace eddy {

namespace coro {

/// Runs `cleanup` shielded, under a deadline of its own; gives its failure, null when it has none.
template <class Cleanup>
task<std::exception_ptr> run_cleanup(Cleanup& cleanup, duration grace, std::source_location where) {
  const shielded inside(where);
  cancel_scope limit(grace == duration::max() ? never : after(now(), grace));
  auto body = [&cleanup](cancel_scope&) -> task<void> { co_await std::invoke(cleanup); };
  const auto ended = co_await as_result(with_scope(limit, body));
  if (limit.cancelled_caught()) {
    task_state& task = scheduler::require().require_task();
    task.loop().report({"a cleanup was cancelled at the end of its grace", nullptr, task.name(),
                        task.spawned_at()});
  }
  co_return ended.error();
}

}  // namespace coro

/// Awaits `op`, then `cleanup()`, a callable that gives an awaitable; the outcome of `op` goes on when the cleanup has
/// ended. The cleanup runs exactly once, however `op` ended, shielded from all cancellation outside it. When `grace`
/// ends before the cleanup, it is cancelled, awaited and reported. A cleanup that throws replaces a value or a
/// `cancelled`, and joins a failure in an exception_group.
template <coro::awaitable A, class Cleanup>
  requires coro::awaitable<std::invoke_result_t<Cleanup&>>
task<coro::await_result<A>> finally(A op, Cleanup cleanup, duration grace = duration::max()) {
  const std::source_location where = co_await coro::caller_place();
  // The operation goes into the inner coroutine's frame, which is gone before the cleanup starts.
  auto outcome = co_await as_result(std::move(op));
  const std::exception_ptr failure = co_await coro::run_cleanup(cleanup, grace, where);
  if (failure) {
    if (!outcome.has_error()) std::rethrow_exception(failure);
    std::rethrow_exception(combine_failures({outcome.error(), failure}));
  }
  co_return std::move(outcome).value();
}

}  // namespace eddy
