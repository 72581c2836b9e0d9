// Error codes of HTTP/2 (RFC 9113 section 7): why a stream or a connection ended before its time.
//
// Category "eddy.http2". Across modules a code equals condition::overloaded for enhance_your_calm,
// condition::unsupported for http_1_1_required, condition::disconnected for no_error, refused_stream and cancel, and
// condition::failed for the rest.
#pragma once

#include <cstdint>
#include <system_error>

namespace eddy::http {

/// The numbers are those on the wire but for no_error, which is 0 there: an error_code of 0 is none.
enum class http2_errc : std::uint8_t {
  protocol_error = 0x1,
  internal_error = 0x2,
  flow_control_error = 0x3,
  settings_timeout = 0x4,
  stream_closed = 0x5,
  frame_size_error = 0x6,
  refused_stream = 0x7,  ///< nothing was done: the request may be sent again
  cancel = 0x8,
  compression_error = 0x9,
  connect_error = 0xa,
  enhance_your_calm = 0xb,  ///< the peer does too much of something
  inadequate_security = 0xc,
  http_1_1_required = 0xd,
  no_error = 0x40,  ///< ended in order, but too early for this exchange
  unknown = 0x41    ///< a code that RFC 9113 does not know
};

/// What `code` of a RST_STREAM or GOAWAY frame means.
[[nodiscard]] http2_errc http2_errc_from(std::uint32_t code) noexcept;

[[nodiscard]] const std::error_category& http2_category() noexcept;
[[nodiscard]] std::error_code make_error_code(http2_errc code) noexcept;

}  // namespace eddy::http

template <>
struct std::is_error_code_enum<eddy::http::http2_errc> : std::true_type {};
