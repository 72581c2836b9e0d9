// An HTTP/1.1 client: connections are pooled per origin and used again.
//
//   eddy::http::client client;
//   auto response = co_await client.get("http://example.org/");
//   if (response.ok()) std::string page = co_await response.body();
//
// Limits and timeouts are on by default. A request takes its time from the call until its body has been read; how long
// that may be, and how many connections there are, stand in client_options.
//
// A server may close an idle connection at any time. One that has ended, or on which the server has said something
// unasked, is found out before it is used; if it ends afterwards, before a byte of the response, an idempotent request
// (GET, HEAD, PUT, DELETE, OPTIONS, TRACE) is sent once more on a new connection, and others fail.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/client_error.hpp>
#include <eddy/http/client_response.hpp>
#include <eddy/http/message.hpp>
#include <eddy/http/request_spec.hpp>
#include <eddy/wire/http1_limits.hpp>

namespace eddy::http {

struct client_options {
  std::size_t max_connections = 100;          ///< open at once, idle ones included; at least 1
  std::size_t max_connections_per_host = 32;  ///< to one host and port; at least 1
  /// How long an unused connection is kept. Zero: connections are not used again.
  duration keep_alive = std::chrono::seconds(15);
  /// From the call to the end of the body, with waiting for a connection and redirects. duration::max(): no limit.
  duration total_timeout = std::chrono::seconds(30);
  duration connect_timeout = std::chrono::seconds(10);  ///< resolving and connecting, each time
  /// Redirects followed per request; one more fails with errc::limit_exceeded. Zero: the caller gets the redirect.
  std::size_t max_redirects = 10;
  /// Most bytes of a response that body(), json() and discard() read.
  std::size_t max_body = 64 << 20;
  std::string_view user_agent = "eddy";      ///< copied; empty: no such field
  wire::http1::limits response_limits = {};  ///< of heads, chunk extensions and trailers
};

/// Live figures of a client.
struct client_statistics {
  std::size_t connections = 0;  ///< in use, idle, or being made
  std::size_t idle = 0;
  std::size_t waiting = 0;     ///< requests that wait for a connection
  std::uint64_t connects = 0;  ///< connections made so far
  std::uint64_t requests =
      0;  ///< sent so far, with those to which redirects led and those sent again
};

/// Belongs to the loop on which it was made; all of its use is there. Any number of requests may run at once, each in
/// its caller's task: the client has no tasks of its own. Waiting requests of a host get connections in order of
/// arrival, handed over directly. May be destroyed at any time on its loop; that is close().
///
/// All requests throw request_error, and can be cancelled at any point: the connection is then closed and its place
/// given to the next request. Only http so far: an https URL throws errc::unsupported.
///
/// Redirects 301, 302, 303, 307 and 308 are followed: after 303, and after 301 and 302 of a POST, with GET and without
/// the body; else as the request was. Authorization, Cookie and Proxy-Authorization do not go to another origin.
class client {
 public:
  /// Wrong options throw invalid_input.
  explicit client(const client_options& options = client_options());
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  task<client_response> get(std::string url);
  task<client_response> head(std::string url);
  task<client_response> post(std::string url, std::string body,
                             std::string content_type = std::string(content_type::octets));
  task<client_response> post_json(std::string url, const boost::json::value& body);
  task<client_response> request(request_spec spec);

  /// Sent with every request that does not set them itself. User-Agent and "Accept: */*" to begin with.
  [[nodiscard]] http::fields& default_fields() noexcept;

  /// Closes idle connections. Requests that wait for a connection, and all later ones, throw errc::closed; those under
  /// way go on, and their connections are closed when they have ended. Idempotent; never waits.
  void close() noexcept;

  [[nodiscard]] client_statistics statistics() const noexcept;

 private:
  class core;
  std::shared_ptr<core> core_;  // shared with requests under way
};

}  // namespace eddy::http
