// A server's connection from its making to its end: it is served, rests, is served again.
#pragma once

#include "connection.hpp"
#include "http2_serve.hpp"
#include "proxy_header.hpp"

#include <eddy/net/serve.hpp>

namespace eddy::http::detail {

/// Serves requests until the connection ends: false, or until it has nothing to say for a while: true. `fresh`: this
/// is its first time.
template <io::byte_stream Stream>
task<bool> serve_awake(server_loop& server, Stream& stream, const request_origin& origin,
                       bool fresh) {
  std::optional<std::string> http2;
  {
    connection<Stream> served(server, stream, origin, fresh);
    const bool rests = co_await served.run();
    if (rests) co_return true;
    http2 = served.take_http2();
  }
  if (!http2) co_return false;
  const net::address peer = origin.peer;  // the stream may own the other one
  request_origin moved{.peer = peer, .scheme = origin.scheme, .client = origin.client};
  moved.secure = origin.secure;
  io::any_stream rest(std::move(stream));
  co_await serve_http2(server, std::move(rest), moved, std::move(*http2));
  co_return false;
}

/// The same for an accepted connection: what it comes from is known for as long as it is awake.
template <io::byte_stream Stream>
task<bool> serve_awake(server_loop& server, Stream& stream, const net::address* client,
                       bool fresh) {
  const net::address peer = stream.peer();
  const request_origin origin{.peer = peer, .client = client};
  co_return co_await serve_awake(server, stream, origin, fresh);
}

/// Serves an accepted connection. While it rests this is its only frame. Throws nothing but `cancelled`, at which the
/// stream is closed; other failures go to the error hook.
template <io::byte_stream Stream>
task<void> serve_accepted(server_loop& server, Stream stream,
                          [[maybe_unused]] net::serve_state::admission admitted) {
  const open_connection counted(server.counts());
  std::unique_ptr<net::address> client;
  std::exception_ptr failure;
  try {
    if (server.options().proxy_protocol) {
      const bool good = co_await read_proxy_header(server, stream, client);
      if (!good) {
        stream.abort();
        co_return;
      }
    }
    for (bool fresh = true;; fresh = false) {
      const bool rests = co_await serve_awake(server, stream, client.get(), fresh);
      if (!rests) co_return;
      if constexpr (can_rest<Stream>) {
        const resting_connection resting(server);
        co_await stream.wait_readable();
      }
    }
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  report_failure("serving a connection failed: " + stream.peer().to_string(), failure);
}

}  // namespace eddy::http::detail
