// Errors of the HTTP/1.1 codec (RFC 9110, RFC 9112).
//
// Every code says which rule a message broke. A server answers a broken request with
// `suggested_status(code)` and closes the connection: nothing after the refused bytes may be read
// as a request. A client drops the connection.
//
//   syntax of the head     bad_request_line .. obsolete_fold
//   meaning of the head    bad_host .. framing_conflict, unknown_expectation
//   body                   bad_chunk_size .. unexpected_data
//   limits                 target_too_long .. trailers_too_large
//   writing                invalid_output .. body_not_allowed
//
// Category "eddy.http1". Across modules a code equals condition::unsupported where it is valid HTTP
// that this codec does not speak, condition::disconnected for incomplete_message,
// condition::invalid_input for errors of writing, and condition::failed for the rest.
#pragma once

#include <cstdint>
#include <system_error>

namespace eddy::wire::http1 {

enum class errc : std::uint8_t {
  // Syntax of the head.
  bad_request_line = 1,  ///< not "method SP target SP version CRLF"
  bad_status_line,       ///< not "version SP 3DIGIT SP reason CRLF"
  bad_method,            ///< not a token
  bad_target,            ///< request-target: form, characters, escapes, UTF-8, ".." above the root
  bad_version,           ///< not "HTTP/" DIGIT "." DIGIT
  bad_line_end,          ///< bare CR or bare LF
  bad_field_name,        ///< empty, not a token, or whitespace before the colon
  bad_field_value,       ///< NUL or another control byte
  obsolete_fold,         ///< a field line that starts with whitespace

  // Meaning of the head.
  missing_host,                   ///< HTTP/1.1 without Host
  bad_host,                       ///< more than one, not host[:port], or empty
  bad_content_length,             ///< not 1*DIGIT in 64 bits, or given more than once
  bad_transfer_encoding,          ///< not "chunked" alone, given twice, or in HTTP/1.0
  framing_conflict,               ///< Content-Length together with Transfer-Encoding
  unknown_expectation,            ///< Expect with anything but 100-continue
  unsupported_transfer_encoding,  ///< a coding below "chunked", as in "gzip, chunked"
  unsupported_version,            ///< well-formed, but not HTTP/1.0 or HTTP/1.1

  // Body.
  bad_chunk_size,       ///< not 1*HEXDIG in 64 bits
  bad_chunk_extension,  ///< not ";" token ["=" token / quoted-string]
  bad_chunk_end,        ///< chunk data not followed by CRLF
  forbidden_trailer,    ///< a framing, routing, authentication or control field in the trailers
  incomplete_message,   ///< the peer closed in the middle of a message
  unexpected_data,      ///< bytes after the end of a response that answer nothing

  // Limits.
  target_too_long,
  head_too_large,
  too_many_fields,
  chunk_extension_too_long,
  trailers_too_large,

  // Writing.
  invalid_output,   ///< method, target, reason, field name or value that could not be parsed back
  framing_field,    ///< Content-Length or Transfer-Encoding among the fields: the writer makes them
  body_not_allowed  ///< a body for a message that may not have one, or chunks in HTTP/1.0
};

/// The status a server answers before it closes; 500 for errors of writing, which are the server's
/// own. For a gateway any of them on the upstream side is 502.
[[nodiscard]] int suggested_status(errc code) noexcept;

[[nodiscard]] const std::error_category& category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

}  // namespace eddy::wire::http1

template <>
struct std::is_error_code_enum<eddy::wire::http1::errc> : std::true_type {};
