#include "metrics.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/loop.hpp>

namespace service {

using eddy::web::append_gauge;

eddy::task<void> metrics::watch_loop() {
  constexpr auto interval = std::chrono::milliseconds(250);
  const auto& loop = eddy::runtime::loop::current();
  loop_figures& own = loops_[loop.index() % loops_.size()];
  for (;;) {
    const eddy::time_point expected = eddy::after(eddy::now(), interval);
    co_await eddy::sleep_until(expected);
    own.lag_ns = std::max<std::int64_t>(0, (eddy::now() - expected).count());
    own.tasks = loop.live_tasks();
  }
}

std::size_t metrics::tasks_alive() const noexcept {
  std::size_t sum = 0;
  for (const loop_figures& each : loops_) sum += each.tasks;
  return sum;
}

eddy::duration metrics::loop_lag() const noexcept {
  std::int64_t worst = 0;
  for (const loop_figures& each : loops_) worst = std::max(worst, each.lag_ns.load());
  return eddy::duration(worst);
}

eddy::http::response metrics::page(const eddy::http::server_statistics& server) const {
  std::string text = requests_.prometheus(server);
  append_gauge(text, "eddy_tasks", "Tasks alive on all loops.", static_cast<double>(tasks_alive()));
  append_gauge(text, "eddy_loop_lag_seconds", "How late the slowest loop woke its watcher.",
               std::chrono::duration<double>(loop_lag()).count());
  return eddy::http::response::of(eddy::web::request_metrics::content_type, std::move(text));
}

}  // namespace service
