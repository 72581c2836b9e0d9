// The service: its routes, and what they share.
#pragma once

#include "metrics.hpp"
#include "options.hpp"

#include <cstdint>
#include <mutex>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/server.hpp>

namespace service {

/// Made before the loops and shared by them.
class reference_service {
 public:
  explicit reference_service(const options& how);

  /// One loop's main: serves until cancelled. On every loop, the same address.
  [[nodiscard]] eddy::task<void> serve_on_this_loop();

 private:
  void add_routes();
  [[nodiscard]] eddy::http::response status() const;
  /// Where this loop is to listen; the first loop to ask decides which free port, and says so on stdout.
  [[nodiscard]] eddy::net::tcp_listener listen(eddy::net::address where);

  options options_;
  metrics metrics_;
  eddy::http::server server_;
  std::mutex listening_;
  std::uint16_t port_ = 0;  // once the first loop listens
  std::once_flag started_;
  eddy::time_point started_at_{};
};

}  // namespace service
