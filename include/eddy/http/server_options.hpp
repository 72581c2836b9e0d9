// The bounds of a server and of its routes, all on from the start. Times are counted by the loop's clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/net/network.hpp>
#include <eddy/wire/http1_limits.hpp>

namespace eddy::http {

/// Which fields of a trusted proxy are believed. Those of the other kind are the client's own words.
enum class forwarding : std::uint8_t {
  x_forwarded,  ///< X-Forwarded-For, X-Forwarded-Proto
  forwarded     ///< Forwarded (RFC 7239)
};

struct server_options {
  wire::http1::limits wire = {};  ///< head 32 KiB and 100 fields (431), target 8 KiB (414), ...
  duration head_timeout = std::chrono::seconds(
      10);  ///< from accept, or a later request's first byte, to its head's end
  duration idle_timeout =
      std::chrono::seconds(75);  ///< from an answer to the next request's first byte
  duration body_timeout =
      std::chrono::seconds(30);  ///< without any progress of a body that is being read
  duration write_timeout = std::chrono::seconds(30);  ///< without any progress of an answer
  /// Bytes per second that a client has to send of a body and to take of an answer, on average over the time in which
  /// the server waits for it; counted after rate_grace. Slower ones are answered 408, or cut off. 0: no limit.
  std::uint64_t min_rate = 240;
  duration rate_grace = std::chrono::seconds(10);
  /// For a handler, from the complete head to its response (a streamed body's writing does not count); 503 when it is
  /// over. Routes may have their own. Zero: none.
  duration handler_timeout = std::chrono::minutes(5);
  /// From the complete head to the end of the answer, also of a streamed one, which is then broken off; 503 where none
  /// has begun. Routes may have their own. Zero: none.
  duration request_timeout = duration::zero();
  std::size_t max_concurrent = 0;  ///< handlers that wait, on all loops; more are 503. 0: no limit
  /// On one loop. Some further ones are told 503 with Retry-After, at most max_refusals at a time (over TLS
  /// after a handshake, in HTTP/1.1); with more than those, accepting waits.
  std::size_t max_connections = 40'000;
  std::size_t max_per_peer = 20'000;  ///< from one IP address, on one loop; as above. 0: no limit
  std::size_t max_refusals = 64;  ///< 0: none is told; accepting waits, a peer's excess is reset
  duration retry_after = std::chrono::seconds(1);   ///< Retry-After of 503s, in whole seconds
  duration drain_limit = std::chrono::seconds(10);  ///< for requests that run when serving ends
  /// Where other listeners share the port (listen_options::reuse_port): how long connections that have begun are still
  /// accepted when serving ends. Those who try to connect to this one meanwhile reach another, a second later.
  duration handover = std::chrono::milliseconds(500);
  /// Proxies whose word on the client is taken: request::client() and scheme() are what they say.
  std::vector<net::network> trusted_proxies = {};
  forwarding proxy_fields = forwarding::x_forwarded;
  /// Every connection (but of serve_connection) begins with a PROXY header, version 1 or 2, and comes from one of
  /// trusted_proxies; others are reset.
  bool proxy_protocol = false;
  bool http2_cleartext = true;  ///< clients may speak HTTP/2 from the first byte, without TLS
  std::uint32_t http2_streams =
      100;  ///< requests at once on one HTTP/2 connection; more are refused
  duration hang_up_delay = std::chrono::milliseconds(20);  ///< see server.hpp
};

struct route_options {
  std::uint64_t max_body = 1024 * 1024;  ///< bytes; more is answered 413
  duration timeout = duration::zero();   ///< for the handler; zero: the server's handler_timeout
  duration request_timeout = duration::zero();  ///< zero: the server's
  std::size_t max_concurrent =
      0;  ///< runs of a handler that waits, on all loops; more are 503. 0: no limit
};

}  // namespace eddy::http
