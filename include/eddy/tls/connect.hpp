// A TLS connection to a host, in one call.
//
//   auto stream = co_await eddy::tls::connect("example.org", 443, eddy::tls::context::client());
#pragma once

#include <cstdint>
#include <string>

#include <eddy/net/tcp.hpp>
#include <eddy/tls/stream.hpp>

namespace eddy::tls {

/// net::tcp_stream::connect, then stream::connect with `host` as the server's name; each with its own time limit.
/// Throws what they throw.
[[nodiscard]] task<stream> connect(std::string host, std::uint16_t port, context client,
                                   net::connect_options connecting = net::connect_options(),
                                   handshake_options shaking = handshake_options());

}  // namespace eddy::tls
