#include <eddy/net/serve.hpp>

#include <eddy/coro/scheduler.hpp>

namespace eddy::net::detail {

void report_connection(const address& peer, const std::exception_ptr& failure) noexcept {
  coro::scheduler& loop = coro::scheduler::require();
  const coro::task_state& task = loop.require_task();
  std::string message =
      "the handler of a connection failed, peer " + (peer.empty() ? "unnamed" : peer.to_string());
  loop.report({std::move(message), failure, task.name(), task.spawned_at()});
}

task<void> connection_group::run(promise<void>& ready) {
  auto hold = [this, &ready](task_group& group) -> task<void> {
    group_ = &group;
    ready.set_value();
    co_await finished_.get_future();
  };
  auto inside = [&hold](cancel_scope&) -> task<void> { co_await with_group(hold); };
  static_cast<void>(co_await shield(with_scope(scope_, inside)));
}

void connection_group::finish(duration limit) {
  finished_.set_value();
  if (limit <= duration::zero()) {
    scope_.cancel(cancel_reason::shutdown);
  } else {
    scope_.set_deadline(after(now(), limit));
  }
}

bool is_closed(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const error& thrown) {
    return thrown == errc::closed;
  } catch (...) {
    return false;
  }
}

}  // namespace eddy::net::detail
