#include <eddy/net/serve.hpp>

#include <eddy/coro/scheduler.hpp>

namespace eddy::net {

serve_state::admission::admission(serve_state& state, const address& peer, bool by_peer)
    : state_(&state) {
  if (by_peer && peer.is_ip()) {
    counted_ = &*state.by_peer_.try_emplace(peer.host()).first;
    ++counted_->second;
  }
  ++state.connections_;
  ++state.accepted_;
}

serve_state::admission::~admission() {
  if (state_ == nullptr) return;
  --state_->connections_;
  if (counted_ != nullptr && --counted_->second == 0) {
    state_->by_peer_.erase(state_->by_peer_.find(counted_->first));
  }
  state_->left();
}

serve_state::refusal::~refusal() {
  if (state_ == nullptr) return;
  --state_->refusing_;
  state_->left();
}

void serve_state::left() {
  if (!wants_room_) return;
  wants_room_->set_value();
  wants_room_.reset();
}

bool serve_state::is_full(const serve_options& options) const noexcept {
  return options.max_connections != 0 && connections_ >= options.max_connections &&
         refusing_ >= options.max_refusals;
}

bool serve_state::admits(const address& peer, const serve_options& options) {
  bool within = options.max_connections == 0 || connections_ < options.max_connections;
  if (within && options.max_per_peer != 0 && peer.is_ip()) {
    const auto counted = by_peer_.find(peer.host());
    within = counted == by_peer_.end() || counted->second < options.max_per_peer;
  }
  if (!within) ++refused_;
  return within;
}

future<void> serve_state::one_less() {
  if (!wants_room_) wants_room_.emplace();
  return wants_room_->get_future();
}

namespace detail {

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

}  // namespace detail
}  // namespace eddy::net
