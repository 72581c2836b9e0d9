#include <eddy/web/request_metrics.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <eddy/runtime/loop.hpp>

namespace eddy::web {
namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.9g", value);
  return {text.data(), static_cast<std::size_t>(size)};
}

void describe(std::string& out, std::string_view name, std::string_view type,
              std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  out.append(name).append(" ").append(type).append("\n");
}

std::string label_value(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made;
}

}  // namespace

void request_metrics::count(const http::exchange_record& exchange) {
  shard& own = shards_[runtime::loop::current().index() % shards_.size()];
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

std::string request_metrics::prometheus(const http::server_statistics& server) const {
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
    out += "http_requests_total{route=\"" + label_value(key.first) + "\",status=\"" +
           std::to_string(key.second) + "\"} " + std::to_string(count) + "\n";
  }
  const std::string histogram_name = "http_request_duration_seconds";
  describe(out, histogram_name, "histogram", "From the complete head to the complete answer.");
  for (const auto& [route, times] : latency) {
    const std::string labels = "{route=\"" + label_value(route) + "\"";
    std::uint64_t up_to = 0;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      up_to += times.buckets[i];
      const std::string bound = i < bounds.size() ? number(bounds[i]) : "+Inf";
      out += histogram_name + "_bucket" + labels + ",le=\"" + bound + "\"} " +
             std::to_string(up_to) + "\n";
    }
    out += histogram_name + "_sum" + labels + "} " + number(times.sum) + "\n";
    out += histogram_name + "_count" + labels + "} " + std::to_string(times.count) + "\n";
  }
  append_gauge(out, "http_requests_in_flight", "Requests being answered.",
               static_cast<double>(server.requests_running));
  append_gauge(out, "http_connections_open", "Connections of clients.",
               static_cast<double>(server.connections_open));
  return out;
}

http::response request_metrics::page(const http::server_statistics& server) const {
  return http::response::of(content_type, prometheus(server));
}

void append_gauge(std::string& out, std::string_view name, std::string_view help, double value) {
  describe(out, name, "gauge", help);
  out.append(name).append(" ").append(number(value)).append("\n");
}

}  // namespace eddy::web
