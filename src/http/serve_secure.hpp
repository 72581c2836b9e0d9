// Connections of a server that begin with a TLS handshake.
#pragma once

#include "server_loop.hpp"

#include <eddy/net/serve.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/tls/context.hpp>

namespace eddy::http::detail {

/// The handshake, within the head's time limit, and then what was agreed upon: HTTP/2 or HTTP/1.1. A handshake that
/// fails ends the connection and is counted. Throws nothing but `cancelled`; other failures go to the error hook.
task<void> serve_secure(server_loop& server, tls::context context, net::tcp_stream stream,
                        net::serve_state::admission admitted);

}  // namespace eddy::http::detail
