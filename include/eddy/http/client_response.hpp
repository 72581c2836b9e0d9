// client_response: what a server answered. The head is there; the body is read from the connection on demand.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <boost/json/value.hpp>

#include <eddy/coro/task.hpp>
#include <eddy/http/message.hpp>
#include <eddy/net/address.hpp>

namespace eddy::http {

namespace detail {
class response_state;
}

/// Owns its connection until the body has been read to its end; the connection then goes back to the client's pool. A
/// response that is destroyed before closes its connection. Move-only, but not while a task reads; one task reads at a
/// time. May outlive the client, not the loop.
///
/// A body in gzip, deflate, br or zstd, or in up to four of these one over the other, comes out decoded when
/// client_options::decompress is on; the fields stay as they were sent, and so does a body in a coding that is not
/// known. One that grows more than 500-fold (beyond 1 MiB) fails with coding_errc::ratio_exceeded.
///
/// All reads throw request_error, with phase `reading`: errc::timed_out when the request's total time is up, a
/// wire::http1 code when the body breaks the protocol or the server closes early. After a failure or a cancelled read
/// of body(), json() or discard() what they had read is lost.
class client_response {
 public:
  explicit client_response(std::unique_ptr<detail::response_state> state) noexcept;
  client_response(client_response&&) noexcept;
  client_response& operator=(client_response&&) noexcept;
  ~client_response();

  /// 200 to 599.
  [[nodiscard]] int status() const noexcept;
  /// Whether the status is one of success: 2xx.
  [[nodiscard]] bool ok() const noexcept { return is_success(status()); }
  [[nodiscard]] const http::fields& fields() const noexcept;
  /// Throws status_error for 400 and above.
  const client_response& raise_for_status() const;
  /// Where the response came from: the last URL after redirects.
  [[nodiscard]] const std::string& url() const noexcept;
  /// Redirects that were followed.
  [[nodiscard]] std::size_t redirects() const noexcept;
  /// The address that was connected to: the proxy's if there is one, empty where a connector made the connection.
  [[nodiscard]] const net::address& peer() const noexcept;
  /// Whether the connection had served an earlier request.
  [[nodiscard]] bool reused_connection() const noexcept;

  /// 1 to into.size() bytes of the body, as soon as there are any; 0 at its end, or when `into` is empty. The memory
  /// needed is bounded, so max_body does not count here. A cancelled read has lost nothing.
  task<std::size_t> read_some(std::span<std::byte> into);

  /// The rest of the body. More than max_body throws errc::limit_exceeded.
  task<std::string> body();

  /// The rest of the body as JSON. Further throws json_error. The Content-Type is not looked at.
  task<boost::json::value> json();

  /// Reads the rest and drops it, so that the connection can be used again. At most max_body bytes, as body().
  task<void> discard();

  /// Whether the body has been read to its end; true at once for one without a body.
  [[nodiscard]] bool finished() const noexcept;
  /// Fields after a chunked body; complete once finished, empty before.
  [[nodiscard]] const http::fields& trailers() const noexcept;

 private:
  std::unique_ptr<detail::response_state> state_;
};

}  // namespace eddy::http
