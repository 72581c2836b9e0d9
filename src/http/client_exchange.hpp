// One request and its final response: acquire a connection, connect, send, read the head; again where that is safe.
#pragma once

#include "client_connection.hpp"
#include "client_proxy.hpp"
#include "connection_pool.hpp"
#include "incoming_response.hpp"
#include "outgoing_request.hpp"
#include "response_state.hpp"

#include <cstdint>
#include <memory>

#include <eddy/http/client_options.hpp>

namespace eddy::http::detail {

struct exchange_counts {
  std::uint64_t connects = 0;
  std::uint64_t requests = 0;
};

/// What a client's requests have in common, and one request's limits. All outlive the exchange.
struct exchange_setting {
  const client_options& options;
  const proxy_settings& proxies;
  connection_pool& pool;
  exchange_counts& counts;
  client_timeouts limits;  // of this request; those that are not below `total` are max()
};

/// The limits of `asked` over those of `usual`.
[[nodiscard]] client_timeouts limits_of(const client_timeouts& usual,
                                        const request_timeouts& asked);

/// Notes in `at` how far it has come, for the caller's errors. Throws error, std::system_error (fields, heads that
/// cannot be written) and request_error.
task<std::unique_ptr<incoming_response>> exchange(const exchange_setting& setting,
                                                  const outgoing_request& request,
                                                  request_progress& at);

/// The same on a connection of its own that may become another protocol's: when the response is 101, `taken` has it.
task<std::unique_ptr<incoming_response>> exchange_upgrade(
    const exchange_setting& setting, const outgoing_request& request, request_progress& at,
    std::unique_ptr<client_connection>& taken);

/// What is left of a connection that has changed its protocol: early bytes come first.
[[nodiscard]] io::any_stream stream_of(std::unique_ptr<client_connection> connection);

}  // namespace eddy::http::detail
