// What the service counts, and how Prometheus reads it: the requests, and how the loops fare.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/server.hpp>
#include <eddy/web/request_metrics.hpp>

namespace service {

/// Each loop writes figures of its own; reading puts them together.
class metrics {
 public:
  explicit metrics(std::size_t loops) : loops_(loops) {}

  /// Counts an exchange; on its loop.
  void count(const eddy::http::exchange_record& exchange) { requests_.count(exchange); }
  /// Measures the lag and the tasks of the loop it runs on, for ever.
  [[nodiscard]] eddy::task<void> watch_loop();

  [[nodiscard]] std::size_t tasks_alive() const noexcept;
  /// The worst lag of the loops, as measured last.
  [[nodiscard]] eddy::duration loop_lag() const noexcept;
  [[nodiscard]] eddy::http::response page(const eddy::http::server_statistics& server) const;

 private:
  struct loop_figures {
    std::atomic<std::size_t> tasks = 0;
    std::atomic<std::int64_t> lag_ns = 0;
  };

  eddy::web::request_metrics requests_;
  std::deque<loop_figures> loops_;
};

}  // namespace service
