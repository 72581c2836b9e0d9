// What a server has answered, as Prometheus reads it.
//
//   eddy::web::request_metrics figures;
//   app.observe([&](const eddy::http::exchange_record& e) { figures.count(e); });
//   app.get("/metrics", [&](eddy::http::request&) { return figures.page(app.statistics()); });
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <eddy/http/response.hpp>
#include <eddy/http/server_statistics.hpp>

namespace eddy::web {

/// Counts by route and status, and a histogram of times by route. Bounded: routes are patterns, of which a server has
/// so many, and not targets. Shared by loops, each of which counts for itself; reading adds up.
class request_metrics {
 public:
  /// Counts an exchange; on its loop.
  void count(const http::exchange_record& exchange);

  /// In Prometheus' text format 0.0.4: http_requests_total, http_request_duration_seconds, and what the server says of
  /// itself. Any thread.
  [[nodiscard]] std::string prometheus(const http::server_statistics& server) const;
  /// The same as an answer.
  [[nodiscard]] http::response page(const http::server_statistics& server) const;

  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  static constexpr std::array<double, 11> bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,   0.25,   0.5,   1.0,  5.0};  // seconds
  struct histogram {
    std::array<std::uint64_t, bounds.size() + 1> buckets{};  // each its own; the last: no bound
    std::uint64_t count = 0;
    double sum = 0;
  };
  struct shard {
    mutable std::mutex lock;  // of one loop and whoever reads
    std::map<std::pair<std::string, int>, std::uint64_t> requests;
    std::map<std::string, histogram, std::less<>> latency;
  };

  std::array<shard, 16> shards_;  // by the loop's index
};

/// One metric without labels, in the same format, for what a program adds to the page.
void append_gauge(std::string& out, std::string_view name, std::string_view help, double value);

}  // namespace eddy::web
