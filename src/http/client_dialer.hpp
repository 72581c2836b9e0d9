// Makes the connections of a client.
#pragma once

#include "client_connection.hpp"
#include "client_proxy.hpp"
#include "client_url.hpp"
#include "response_state.hpp"

#include <eddy/http/client_options.hpp>
#include <eddy/net/address.hpp>

namespace eddy::http::detail {

/// A new connection to an origin.
struct dialed {
  client_stream stream;
  net::address peer;         // empty where a connector made it
  bool multiplexed = false;  // HTTP/2 was agreed upon
};

/// Connects to the origin of `to`, through `proxy` if there is one, within `limits`. `plain` asks for HTTP/1.1 alone.
/// options.tls is there when it is needed. Notes in `at` how far it has come. Throws error and what a connector throws.
task<dialed> dial(const client_options& options, const proxy_address* proxy, const client_url& to,
                  const client_timeouts& limits, bool plain, request_progress& at);

/// Whether a connection to `to` may turn out to be HTTP/2.
[[nodiscard]] bool may_multiplex(const client_options& options, const client_url& to) noexcept;

}  // namespace eddy::http::detail
