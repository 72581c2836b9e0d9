// One request and the head of its response on one connection of HTTP/1.1.
#pragma once

#include "client_connection.hpp"
#include "client_proxy.hpp"
#include "outgoing_request.hpp"
#include "response_state.hpp"

#include <string>

#include <eddy/http/client_options.hpp>

namespace eddy::http::detail {

/// The head as it goes out; to an HTTP proxy, which `proxy` is or not, the target is the whole URL. Throws error for
/// what cannot be sent.
[[nodiscard]] std::string head_of(const outgoing_request& request, const proxy_address* proxy);

/// Sends `request`, whose head is `head`, and reads the final head into connection.head, which is consumed. False: the
/// connection ended before a byte of a response. Throws error and request_error, and what a streamed body throws.
task<bool> converse(client_connection& connection, const std::string& head,
                    const outgoing_request& request, const client_timeouts& limits,
                    request_progress& at);

}  // namespace eddy::http::detail
