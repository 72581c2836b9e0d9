// request_error: why a client's request has no response, and how far it had come.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/base/error.hpp>

namespace eddy::http {

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

/// A failed request. Its code is the cause: the system's or the resolver's; errc::timed_out for the client's own
/// time limits; errc::limit_exceeded for a body or a chain of redirects that is too long; errc::closed after
/// client::close(); errc::unsupported and errc::invalid_input for URLs; one of wire::http1::errc for a response that
/// breaks the protocol. So `e == condition::disconnected` and the like tell what to do. A value, usable on any thread.
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

}  // namespace eddy::http
