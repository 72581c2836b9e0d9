#include "service.hpp"

#include "batch.hpp"
#include "benchmark.hpp"
#include "page.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include <boost/json/object.hpp>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/runtime/loop.hpp>

namespace service {
namespace {

namespace http = eddy::http;

http::response health(http::request&) {
  boost::json::object body;
  body["status"] = "ok";
  return http::response::json(body);
}

bool is_loopback(const eddy::net::address& peer) {
  const std::string host = peer.host();
  return host == "::1" || host.starts_with("127.") || host.starts_with("::ffff:127.");
}

http::response debug_tasks(http::request& request) {
  if (!is_loopback(request.peer()))
    throw http::http_error(http::status::forbidden, "from this machine only");
  return http::response::text(eddy::task_tree());
}

/// Refuses new connections from the beginning of the end, while requests are still being finished.
eddy::task<void> close_when_cancelled(eddy::net::tcp_listener& listener) {
  try {
    co_await eddy::sleep_until(eddy::never);
  } catch (const eddy::cancelled&) {
    listener.close();
    throw;
  }
}

}  // namespace

reference_service::reference_service(const options& how) : options_(how), metrics_(how.loops) {
  server_.observe([this](const http::exchange_record& exchange) { metrics_.count(exchange); });
  add_routes();
}

void reference_service::add_routes() {
  http::route_options batch;
  batch.max_body = largest_batch_body;
  server_.get("/", [](http::request&) { return http::response::html(std::string(page())); });
  server_.get("/api/v1/async-benchmark", async_benchmark);
  server_.post(
      "/api/v1/process-batch", [this](http::request& r) { return process_batch(r, options_); },
      batch);
  server_.get("/api/v1/status", [this](http::request&) { return status(); });
  server_.get("/health", health);
  server_.get("/healthz", health);
  server_.get("/metrics", [this](http::request&) { return metrics_.page(server_.statistics()); });
  server_.get("/debug/tasks", debug_tasks);
}

http::response reference_service::status() const {
  auto& loop = eddy::runtime::loop::current();
  const http::server_statistics figures = server_.statistics();
  boost::json::object body;
  body["uptime_s"] = std::chrono::duration<double>(eddy::now() - started_at_).count();
  body["requests"] = figures.requests;
  body["requests_running"] = figures.requests_running;
  body["connections"] = figures.connections_open;
  body["tasks"] = metrics_.tasks_alive();
  body["loop_lag_ms"] = std::chrono::duration<double, std::milli>(metrics_.loop_lag()).count();
  body["loops"] = options_.loops;
  body["loop"] = loop.index();
  const std::string_view driver = loop.io().name();
  body["driver"] = boost::json::string_view(driver.data(), driver.size());
  http::response answer = http::response::json(body);
  answer.set("Cache-Control", "no-store");
  return answer;
}

eddy::net::tcp_listener reference_service::listen(eddy::net::address where) {
  eddy::net::listen_options how;
  how.reuse_port = options_.loops > 1;
  const std::scoped_lock held(listening_);
  if (port_ != 0) where.set_port(port_);
  auto listener = eddy::net::tcp_listener::listen(where, how);
  if (port_ == 0) {
    port_ = listener.local().port();
    std::printf("listening on http://%s/ (%zu %s)\n", listener.local().to_string().c_str(),
                options_.loops, options_.loops == 1 ? "loop" : "loops");
    std::fflush(stdout);
  }
  return listener;
}

eddy::task<void> reference_service::serve_on_this_loop() {
  std::call_once(started_, [this] { started_at_ = eddy::now(); });
  const auto addresses = co_await eddy::net::resolve(options_.host, options_.port);
  auto listener = listen(addresses.front());
  auto body = [&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(metrics_.watch_loop());
    group.spawn(close_when_cancelled(listener));
    co_await server_.serve(listener);
    group.cancel();
  };
  co_await eddy::with_group(body);
}

}  // namespace service
