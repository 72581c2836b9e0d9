#include "server_core.hpp"

#include "server_loop.hpp"

namespace eddy::http::detail {

void figures::add_to(server_statistics& sum) const noexcept {
  sum.connections_open += connections_open.get();
  sum.connections_total += connections_total.get();
  sum.connections_refused += connections_refused.get();
  sum.handshakes_failed += handshakes_failed.get();
  sum.requests += requests.get();
  sum.requests_running += requests_running.get();
  sum.client_errors += client_errors.get();
  sum.server_errors += server_errors.get();
  sum.bytes_received += bytes_received.get();
  sum.bytes_sent += bytes_sent.get();
}

void figures::count_answer(int status) noexcept {
  requests.add(1);
  if (is_client_error(status)) client_errors.add(1);
  if (is_server_error(status)) server_errors.add(1);
}

concurrency_slot::concurrency_slot(std::atomic<std::size_t>& running, std::size_t most) noexcept {
  if (most == 0) return;
  running_ = &running;
  granted_ = running.fetch_add(1, std::memory_order_relaxed) < most;
}

void server_core::enter(server_loop& loop) {
  const std::lock_guard guard(lock_);
  loops_.push_back(&loop);
}

void server_core::leave(server_loop& loop) noexcept {
  const std::lock_guard guard(lock_);
  std::erase(loops_, &loop);
  loop.counts().add_to(past_);
}

bool server_core::is_serving() const {
  const std::lock_guard guard(lock_);
  return !loops_.empty();
}

bool server_core::is_shut_down() const {
  const std::lock_guard guard(lock_);
  return shut_down_;
}

bool server_core::is_accepting() const {
  const std::lock_guard guard(lock_);
  return !shut_down_ && loops_.size() > ending_loops_.load(std::memory_order_relaxed);
}

void server_core::shutdown() {
  const std::lock_guard guard(lock_);
  shut_down_ = true;
  for (server_loop* loop : loops_) loop->request_stop();
}

server_statistics server_core::statistics() const {
  const std::lock_guard guard(lock_);
  server_statistics sum = past_;
  for (const server_loop* loop : loops_) loop->counts().add_to(sum);
  return sum;
}

std::shared_ptr<net::connection_spread> server_core::spread_of(const net::address& served) {
  const std::lock_guard guard(lock_);
  std::erase_if(spreads_, [](const auto& one) { return one.second.expired(); });
  for (const auto& [address, spread] : spreads_) {
    if (address != served) continue;
    if (auto known = spread.lock()) return known;
  }
  auto made = std::make_shared<net::connection_spread>();
  spreads_.emplace_back(served, made);
  return made;
}

}  // namespace eddy::http::detail
