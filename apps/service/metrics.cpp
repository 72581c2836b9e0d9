#include "metrics.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/loop.hpp>

namespace service {
namespace {

constexpr auto watch_interval = std::chrono::milliseconds(250);

std::string number(double value) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.9g", value);
  return {text, static_cast<std::size_t>(size)};
}

void describe(std::string& out, const char* name, const char* type, const char* help) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void gauge(std::string& out, const char* name, const char* help, double value) {
  describe(out, name, "gauge", help);
  out += std::string(name) + " " + number(value) + "\n";
}

}  // namespace

metrics::shard& metrics::shard_of_loop() {
  return shards_[eddy::runtime::loop::current().index() % shards_.size()];
}

void metrics::count(const eddy::http::exchange_record& exchange) {
  shard& own = shard_of_loop();
  const std::string route(exchange.route.empty() ? "(none)" : exchange.route);
  const double seconds = std::chrono::duration<double>(exchange.elapsed).count();
  const auto bucket =
      static_cast<std::size_t>(std::ranges::lower_bound(bounds, seconds) - bounds.begin());
  const std::scoped_lock held(own.lock);
  ++own.requests[{route, exchange.status}];
  histogram& latency = own.latency[route];
  ++latency.buckets[bucket];
  ++latency.count;
  latency.sum += seconds;
}

eddy::task<void> metrics::watch_loop() {
  shard& own = shard_of_loop();
  const auto& loop = eddy::runtime::loop::current();
  for (;;) {
    const eddy::time_point expected = eddy::after(eddy::now(), watch_interval);
    co_await eddy::sleep_until(expected);
    own.lag_ns = std::max<std::int64_t>(0, (eddy::now() - expected).count());
    own.tasks = loop.live_tasks();
  }
}

std::size_t metrics::tasks_alive() const noexcept {
  std::size_t sum = 0;
  for (const shard& each : shards_) sum += each.tasks;
  return sum;
}

eddy::duration metrics::loop_lag() const noexcept {
  std::int64_t worst = 0;
  for (const shard& each : shards_) worst = std::max(worst, each.lag_ns.load());
  return eddy::duration(worst);
}

std::string metrics::prometheus(const eddy::http::server_statistics& server) const {
  std::map<std::pair<std::string, int>, std::uint64_t> requests;
  std::map<std::string, histogram> latency;
  for (const shard& each : shards_) {
    const std::scoped_lock held(each.lock);
    for (const auto& [key, count] : each.requests) requests[key] += count;
    for (const auto& [route, part] : each.latency) {
      histogram& whole = latency[route];
      for (std::size_t i = 0; i < whole.buckets.size(); ++i) whole.buckets[i] += part.buckets[i];
      whole.count += part.count;
      whole.sum += part.sum;
    }
  }

  std::string out;
  describe(out, "http_requests_total", "counter", "Requests answered.");
  for (const auto& [key, count] : requests) {
    out += "http_requests_total{route=\"" + key.first + "\",status=\"" +
           std::to_string(key.second) + "\"} " + std::to_string(count) + "\n";
  }
  describe(out, "http_request_duration_seconds", "histogram",
           "From the complete head to the complete answer.");
  for (const auto& [route, times] : latency) {
    const std::string labels = "{route=\"" + route + "\"";
    std::uint64_t up_to = 0;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      up_to += times.buckets[i];
      const std::string bound = i < bounds.size() ? number(bounds[i]) : "+Inf";
      out += "http_request_duration_seconds_bucket" + labels + ",le=\"" + bound + "\"} " +
             std::to_string(up_to) + "\n";
    }
    out += "http_request_duration_seconds_sum" + labels + "} " + number(times.sum) + "\n";
    out +=
        "http_request_duration_seconds_count" + labels + "} " + std::to_string(times.count) + "\n";
  }
  gauge(out, "http_requests_in_flight", "Requests being answered.",
        static_cast<double>(server.requests_running));
  gauge(out, "http_connections_open", "Connections of clients.",
        static_cast<double>(server.connections_open));
  gauge(out, "eddy_tasks", "Tasks alive on all loops.", static_cast<double>(tasks_alive()));
  gauge(out, "eddy_loop_lag_seconds", "How late the slowest loop woke its watcher.",
        std::chrono::duration<double>(loop_lag()).count());
  return out;
}

}  // namespace service
