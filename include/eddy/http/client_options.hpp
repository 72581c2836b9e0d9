// client_options: limits, time limits and habits of a client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/cookies.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/net/address.hpp>
#include <eddy/tls/context.hpp>
#include <eddy/wire/http1_limits.hpp>

namespace eddy::http {

/// duration::max(): no limit. Passing one is errc::timed_out, with the request's phase and the limit's name.
struct client_timeouts {
  /// From the call to the end of the body, with waiting for a connection, redirects and repetitions.
  duration total = std::chrono::seconds(30);
  duration pool = duration::max();  ///< waiting for a connection, when the limits are reached
  duration connect =
      std::chrono::seconds(10);  ///< resolving and connecting, with a proxy's part, each time
  duration tls = std::chrono::seconds(10);  ///< the handshake
  duration first_byte = duration::
      max();  ///< from the end of a request that is not streamed to its response's first byte
  duration idle_read = std::chrono::seconds(60);   ///< without a byte, once the response has begun
  duration idle_write = std::chrono::seconds(60);  ///< without any progress of sending
};

/// Where a connection goes.
struct connect_target {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case; an IPv6 address without brackets
  std::uint16_t port = 0;
};

/// Makes the connections of a client in place of TCP and TLS: what it gives speaks HTTP/1.1 from the first byte,
/// or HTTP/2 with http2_prior_knowledge. Bounded by client_timeouts::connect, and cancellable. What it throws is the
/// request's failure.
using client_connector = std::function<task<io::any_stream>(connect_target)>;

/// One redirect that is about to be followed. The views live for the call.
struct redirect_step {
  int status = 0;
  std::string_view from;  ///< URLs
  std::string_view to;
  std::size_t number = 0;  ///< redirects followed before
};

struct client_options {
  std::size_t max_connections = 100;          ///< open at once, idle ones included; at least 1
  std::size_t max_connections_per_host = 32;  ///< to one scheme, host and port; at least 1
  /// How long an unused connection is kept: less than common servers keep theirs (nginx 75 s, Node 5 s, Apache 5 s), so
  /// that the client is the one to close. Zero: connections are not used again.
  duration keep_alive = std::chrono::seconds(4);
  client_timeouts timeouts = {};
  /// What the URLs of requests are relative to (RFC 3986, section 5): "https://example.org/api/".
  std::string base_url = {};
  std::string user_agent = "eddy";  ///< empty: no such field
  /// Most bytes of a response that body(), json() and discard() read; counted after decompression.
  std::size_t max_body = 64 << 20;
  /// Asks for compressed responses and decodes them; see client_response. A request with a Range field asks for none.
  bool decompress = true;

  /// Redirects followed per request; one more fails with errc::limit_exceeded. Zero: the caller gets the redirect.
  std::size_t max_redirects = 10;
  /// Whether redirects from https to http are followed; otherwise they fail with request_errc::insecure_redirect.
  bool follow_to_http = false;
  /// Asked before each redirect; false fails with request_errc::redirect_refused.
  std::function<bool(const redirect_step&)> allow_redirect = {};
  /// Asked for each address before the client connects to it; false refuses it, and when none is left the request fails
  /// with request_errc::address_refused. It is the address itself that is connected to afterwards, so no name server
  /// can change it meanwhile. Counts for redirects too. Connections to a proxy are asked for with the proxy's address:
  /// where a proxy connects to is the proxy's matter. Not asked with a connector.
  std::function<bool(const net::address&)> allow_address = {};
  /// How often a request is sent again when its connection ended before a byte of the response, if it is idempotent
  /// (GET, HEAD, PUT, DELETE, OPTIONS, TRACE) and its body can be sent again. Zero: never.
  std::size_t retries = 2;

  /// Kept and sent back; null: cookies are not looked at. Clients of one loop may share a jar.
  std::shared_ptr<cookie_jar> cookies = nullptr;
  /// For https; an empty one: the system's authorities, checked against the host's name.
  tls::context tls = {};
  /// "http://[user:password@]host[:port]" or "socks5://..."; empty: none. https goes through an HTTP proxy by CONNECT,
  /// http is asked of it directly; a SOCKS5 proxy carries both and resolves the names.
  std::string proxy = {};
  /// Where the proxy is not used: names and those below them, addresses and networks ("10.0.0.0/8", "fd00::/8"),
  /// each perhaps with a port ("name:8080", "[::1]:8080"), separated by commas; "*" is all.
  std::string no_proxy = {};
  /// Where `proxy` and `no_proxy` are empty, http_proxy, https_proxy, all_proxy and no_proxy of the environment count,
  /// as they are when the client is made; in capitals too, but for HTTP_PROXY, which a CGI program gets from strangers.
  bool proxy_from_environment = false;
  /// With one, `proxy`, `tls` and `allow_address` count for nothing.
  client_connector connector = {};  ///< empty: TCP, and TLS for https
  /// Offered to https servers: those that take it get all requests on one connection.
  bool http2 = true;
  /// Speaks HTTP/2 from the first byte where no handshake can agree on it: to http URLs without a proxy, and over a
  /// connector's streams.
  bool http2_prior_knowledge = false;
  wire::http1::limits response_limits = {};  ///< of heads, chunk extensions and trailers
};

}  // namespace eddy::http
