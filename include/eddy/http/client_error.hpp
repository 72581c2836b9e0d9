// request_error: why a client's request has no response, and how far it had come; status_error: a response that says
// no.
//
//   eddy::error
//   ├── request_error   no response, or not all of it
//   └── status_error    from client_response::raise_for_status()
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <eddy/base/error.hpp>

namespace eddy::http {

/// Codes of the client's own.
enum class request_errc {
  insecure_redirect = 1,  ///< from https to http; condition::invalid_input
  redirect_refused,       ///< client_options::allow_redirect said no
  address_refused,        ///< client_options::allow_address said no to every address
  body_not_repeatable,    ///< a redirect asks for a streamed body a second time
  proxy_refused,          ///< the proxy does not connect, or wants other credentials
  not_processed,          ///< the server has done nothing with the request: it may be sent again
};
[[nodiscard]] std::error_code make_error_code(request_errc code) noexcept;

/// What a request was doing.
enum class request_phase : std::uint8_t {
  preparing,   ///< reading the URL and the fields; nothing has been sent
  queued,      ///< waiting for a connection, because the client's limits are reached
  connecting,  ///< resolving the name and connecting
  sending,     ///< writing the request
  waiting,     ///< until the head of the response is complete
  reading      ///< the body of the response
};

[[nodiscard]] std::string_view to_string(request_phase phase) noexcept;

/// A failed request. Its code is the cause: the system's or the resolver's; errc::timed_out for the client's own time
/// limits; errc::limit_exceeded for a body or a chain of redirects that is too long; errc::closed after
/// client::close(); errc::unsupported and errc::invalid_input for URLs; one of wire::http1::errc for a response that
/// breaks the protocol, of coding_errc for a body that cannot be decoded; request_errc. So `e ==
/// condition::disconnected` and the like tell what to do. A value, usable on any thread.
class request_error final : public error {
 public:
  /// `detail` explains the cause in words; empty: the code's own message does.
  request_error(std::error_code cause, request_phase phase, const std::string& verb,
                std::string url, std::string peer, std::string_view detail = {});

  /// "GET http://example.org/: connecting to 192.0.2.1:80: Connection refused".
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] request_phase phase() const noexcept { return phase_; }
  /// The URL of the request that failed: after a redirect, the new one.
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

 private:
  request_phase phase_;
  std::string url_;
  std::string text_;
};

/// A response whose status is 400 or above. Equals condition::timed_out for 408 and 504, overloaded for 429 and 503,
/// unsupported for 501 and 505, invalid_input for other 4xx, failed for other 5xx.
class status_error final : public error {
 public:
  status_error(int status, const std::string& verb, const std::string& url);

  /// "GET http://example.org/: 404 Not Found".
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] int status() const noexcept { return code().value(); }

 private:
  std::string text_;
};

}  // namespace eddy::http

template <>
struct std::is_error_code_enum<eddy::http::request_errc> : std::true_type {};
