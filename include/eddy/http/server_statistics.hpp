// What a server tells about itself: figures, and a record of each exchange. Values.
#pragma once

#include <cstdint>
#include <string_view>

#include <eddy/base/time.hpp>

namespace eddy::http {

/// Sums over all loops that serve, as far as they have come.
struct server_statistics {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused = 0;  ///< beyond a limit, and told 503
  std::uint64_t handshakes_failed = 0;    ///< of TLS
  std::uint64_t requests = 0;             ///< answered, whatever the status
  std::uint64_t requests_running = 0;
  std::uint64_t client_errors = 0;  ///< answered 4xx
  std::uint64_t server_errors = 0;  ///< answered 5xx
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
};

/// One exchange that has ended, as an observer sees it. The views live for the call.
struct exchange_record {
  std::string_view method;
  std::string_view route;  ///< the pattern; empty when no route was chosen
  std::string_view target;
  int status = 0;
  duration elapsed{};  ///< from the complete head to the complete answer
};

}  // namespace eddy::http
