// What a server is made of, read by all loops: options, routes, middlewares; and the one way from a request to its
// answer, which every protocol takes.
#pragma once

#include "incoming_request.hpp"
#include "router.hpp"

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <eddy/http/server.hpp>
#include <eddy/net/connection_spread.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {

class server_loop;

/// Written by one loop, read by any thread.
class figure {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n) noexcept { add(~n + 1); }
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct figures {
  figure connections_open;
  figure connections_total;
  figure connections_refused;
  figure handshakes_failed;
  figure requests;
  figure requests_running;
  figure client_errors;
  figure server_errors;
  figure bytes_received;
  figure bytes_sent;

  void add_to(server_statistics& sum) const noexcept;
  void count_answer(int status) noexcept;
};

/// One of at most so many at once, on all loops; none is counted where the limit is 0.
class concurrency_slot {
 public:
  concurrency_slot(std::atomic<std::size_t>& running, std::size_t most) noexcept;
  concurrency_slot(const concurrency_slot&) = delete;
  concurrency_slot& operator=(const concurrency_slot&) = delete;
  ~concurrency_slot() {
    if (running_ != nullptr) running_->fetch_sub(1, std::memory_order_relaxed);
  }
  [[nodiscard]] bool granted() const noexcept { return granted_; }

 private:
  std::atomic<std::size_t>* running_ = nullptr;
  bool granted_ = true;
};

class server_core {
 public:
  explicit server_core(server_options options) : options_(std::move(options)) {}

  // --- from a request to its answer, on the running loop ---
  /// Middlewares, routing, handler, errors: an answer in any case. Throws nothing but `cancelled`. Awaited by a task
  /// that is cancelled when the client hangs up.
  [[nodiscard]] task<response> respond(request& asked) const { return answer_from(0, asked); }
  /// The same from the middleware with that index on.
  [[nodiscard]] task<response> answer_from(std::size_t index, request& asked) const;

  // The parts of it, for a connection that does without a task where nothing waits.
  [[nodiscard]] bool has_middlewares() const noexcept { return !middlewares_.empty(); }
  /// Notes the route in the request, and its body limit. Null: unrouted() answers.
  [[nodiscard]] const route_entry* find_route(request& asked) const;
  /// 404, 405, 413, the server's own OPTIONS, ...
  [[nodiscard]] response unrouted(const request& asked) const;
  /// 503 with Retry-After.
  [[nodiscard]] response unavailable(std::string_view message) const;
  /// Runs a handler that waits, within the route's time.
  [[nodiscard]] task<response> handle(const route_entry& entry, request& asked) const;
  /// Lets a streamed answer be written, until the request's deadline. Throws http_error when it is over.
  [[nodiscard]] static task<void> stream_in_time(const request& asked, task<void> writing);
  /// The answer to what a handler threw, which is not `cancelled`. What nobody else would see goes to the error hook.
  [[nodiscard]] response failed(const request& asked, const std::exception_ptr& failure) const;

  // --- loops that serve now; each enters and leaves on its own thread ---
  void enter(server_loop& loop);
  void leave(server_loop& loop) noexcept;
  [[nodiscard]] bool is_serving() const;
  [[nodiscard]] bool is_shut_down() const;
  [[nodiscard]] bool is_accepting() const;
  void shutdown();
  [[nodiscard]] server_statistics statistics() const;
  /// What the loops that serve this address share.
  [[nodiscard]] std::shared_ptr<net::connection_spread> spread_of(const net::address& served);

  server_options options_;
  router routes_;
  std::vector<any_middleware> middlewares_;
  std::function<void(const exchange_record&)> observer_;
  std::atomic<bool> ready_ = true;  // as far as the program is concerned
  std::atomic<std::size_t> ending_loops_ = 0;

 private:
  /// The value of that field, in whole seconds.
  [[nodiscard]] std::string retry_after() const;

  mutable std::atomic<std::size_t> running_ = 0;
  mutable std::mutex lock_;
  std::vector<server_loop*> loops_;
  std::vector<std::pair<net::address, std::weak_ptr<net::connection_spread>>> spreads_;
  server_statistics past_;
  bool shut_down_ = false;
};

/// What the head says of the body. Of a 304 without one nothing: a length would be that of the answer it stands for.
[[nodiscard]] wire::http1::body_size size_of_body(response& made) noexcept;
/// Sets when the answer has to be complete; zero: leaves it as it is.
void limit_time(incoming_request& asked, duration limit) noexcept;
/// Tells the running loop's error hook what failed in the running task.
void report_failure(std::string what, const std::exception_ptr& failure);
/// "GET /path", for reports.
[[nodiscard]] std::string description_of(const request& asked);

}  // namespace eddy::http::detail
