// An HTTP client: a session with pooled connections, cookies, redirects and time limits.
//
//   eddy::http::client client;
//   auto response = co_await client.get("http://example.org/");
//   if (response.ok()) std::string page = co_await response.body();
//
// Limits and timeouts are on by default. A request takes its time from the call until its body has been read; how long
// that may be, and how many connections there are, stand in client_options. How names become addresses, and how long
// these are remembered, is the loop's resolver's matter: net::set_resolver with net::dns_options.
//
// A server may close an idle connection at any time. One that has ended, or on which the server has said something
// unasked, is found out before it is used; if it ends afterwards, before a byte of the response, an idempotent request
// is sent again on a new connection (client_options::retries), and others fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include <eddy/coro/task.hpp>
#include <eddy/http/client_error.hpp>
#include <eddy/http/client_hook.hpp>
#include <eddy/http/client_options.hpp>
#include <eddy/http/client_response.hpp>
#include <eddy/http/message.hpp>
#include <eddy/http/request_spec.hpp>
#include <eddy/io/any_stream.hpp>

namespace eddy::http {

/// Live figures of a client.
struct client_statistics {
  std::size_t connections = 0;  ///< in use, idle, or being made
  std::size_t idle = 0;
  std::size_t waiting = 0;     ///< requests that wait for a connection
  std::uint64_t connects = 0;  ///< connections made so far
  std::uint64_t requests = 0;  ///< sent so far, with redirects and repetitions
};

/// What became of a request to change the protocol.
struct client_upgrade {
  explicit client_upgrade(client_response said) noexcept : response(std::move(said)) {}

  client_response response;
  /// Set when the status is 101: the connection, which now speaks the other protocol and has left the client. Bytes
  /// that came behind the response are read first.
  std::optional<io::any_stream> stream;
};

/// Belongs to the loop on which it was made; all of its use is there. Any number of requests may run at once, each in
/// its caller's task. Waiting requests of a host get connections in order of arrival, handed over directly. May be
/// destroyed at any time on its loop; that is close().
///
/// All requests throw request_error, and can be cancelled at any point: the connection is then closed and its place
/// given to the next request.
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

  /// Asks the server to go over to `protocol` (RFC 9110, section 7.8) on a connection that is not used for anything
  /// else: HTTP/1.1, with Connection and Upgrade set. Redirects are not followed, hooks not called.
  task<client_upgrade> upgrade(request_spec spec, std::string protocol);

  /// Adds a hook around all later requests; the first added is the outermost.
  client& use(client_hook hook);

  /// Sent with every request that does not set them itself. User-Agent and "Accept: */*" to begin with.
  [[nodiscard]] http::fields& default_fields() noexcept;

  /// Closes idle connections. Requests that wait for a connection, and all later ones, throw errc::closed; those under
  /// way go on, and their connections are closed when they have ended. Idempotent; never waits.
  void close() noexcept;

  [[nodiscard]] client_statistics statistics() const noexcept;

 private:
  std::shared_ptr<detail::client_session> session_;  // shared with requests under way
};

}  // namespace eddy::http
