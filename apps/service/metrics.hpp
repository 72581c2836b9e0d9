// What the service counts, and how Prometheus reads it.
//
// Each loop counts in a shard of its own; reading adds the shards up.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/server.hpp>

namespace service {

class metrics {
 public:
  explicit metrics(std::size_t loops) : shards_(loops) {}

  /// Counts an exchange; on its loop.
  void count(const eddy::http::exchange_record& exchange);
  /// Measures the lag and the tasks of the loop it runs on, for ever.
  [[nodiscard]] eddy::task<void> watch_loop();

  [[nodiscard]] std::size_t tasks_alive() const noexcept;
  /// The worst lag of the loops, as measured last.
  [[nodiscard]] eddy::duration loop_lag() const noexcept;
  /// In the text format of Prometheus, version 0.0.4.
  [[nodiscard]] std::string prometheus(const eddy::http::server_statistics& server) const;

 private:
  static constexpr std::array<double, 11> bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,   0.25,   0.5,   1.0,  5.0};  // seconds
  struct histogram {
    std::array<std::uint64_t, bounds.size() + 1>
        buckets{};  // each its own, the last without a bound
    std::uint64_t count = 0;
    double sum = 0;
  };
  struct shard {
    mutable std::mutex lock;
    std::map<std::pair<std::string, int>, std::uint64_t> requests;  // by route and status
    std::map<std::string, histogram, std::less<>> latency;          // by route
    std::atomic<std::size_t> tasks = 0;
    std::atomic<std::int64_t> lag_ns = 0;
  };
  [[nodiscard]] shard& shard_of_loop();

  std::deque<shard> shards_;
};

}  // namespace service
