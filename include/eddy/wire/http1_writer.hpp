// Writes messages: appends to a string the caller owns. The writer alone decides about framing and
// writes Content-Length, Transfer-Encoding and Connection: close, so no field or text that is passed in
// can change where a message ends. After an error nothing has been appended.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <eddy/wire/http1_body.hpp>
#include <eddy/wire/http1_error.hpp>
#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::wire::http1 {

/// What body a message has, in the eyes of its sender.
struct body_size {
  framing kind = framing::none;
  std::uint64_t length = 0;  ///< counts for framing::length only

  /// `none()` writes no Content-Length, for messages where a body would be a surprise. A response
  /// that could have a body but has none is `sized(0)`.
  [[nodiscard]] static constexpr body_size none() noexcept { return {}; }
  [[nodiscard]] static constexpr body_size sized(std::uint64_t bytes) noexcept {
    return {framing::length, bytes};
  }
  /// Length unknown: chunks.
  [[nodiscard]] static constexpr body_size chunked() noexcept { return {framing::chunked, 0}; }
  /// Length unknown, ended by closing the connection; responses only.
  [[nodiscard]] static constexpr body_size until_close() noexcept {
    return {framing::until_close, 0};
  }
};

struct request_line {
  std::string_view method = {};  ///< a token; to_string(method::get) and so on
  std::string_view target = {};  ///< as it goes out, already encoded: visible ASCII without '#'
  bool keep_alive = true;        ///< false writes "Connection: close"
};

/// A HTTP/1.1 request head. Exactly one Host among the fields is needed (missing_host, bad_host).
/// Further errors: invalid_output, framing_field, body_not_allowed (until_close, or any body with TRACE).
[[nodiscard]] std::expected<void, errc> write_request_head(std::string& out,
                                                           const request_line& line,
                                                           const fields& headers, body_size body);

struct response_line {
  int status = 200;              ///< 100 to 599
  std::string_view reason = {};  ///< empty: the usual phrase
  std::string_view date = {};    ///< IMF-fixdate; written unless empty or there is a Date field
  method answers = method::get;  ///< HEAD has no body, and CONNECT none with 2xx
  int peer_minor_version = 1;    ///< 0: the peer cannot read chunks
  bool keep_alive = true;        ///< what the server would like
};

/// What the response on the wire came to be.
struct response_plan {
  framing body = framing::none;  ///< how to write the body: raw, in chunks, or not at all
  bool keep_alive = true;        ///< false: close after the body
};

/// A response head. Where a body is not allowed none is planned: for 1xx and 204, and 2xx to
/// CONNECT, nothing about a body is written, for HEAD and 304 what it would have been is. A chunked
/// body for a HTTP/1.0 peer becomes until_close; `none` in place of a possible body becomes a length
/// of 0. Interim responses (1xx) get neither Date nor Connection.
/// Errors: invalid_output, framing_field.
[[nodiscard]] std::expected<response_plan, errc> write_response_head(std::string& out,
                                                                     const response_line& line,
                                                                     const fields& headers,
                                                                     body_size body);

/// "HTTP/1.1 100 Continue" and its empty line.
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

/// One chunk. Empty data writes nothing, because an empty chunk would end the body.
void write_chunk(std::string& out, std::string_view data);
/// The two halves of a chunk, for data that is sent from where it lies: header, data, chunk_end.
/// `size` is not 0.
void write_chunk_header(std::string& out, std::uint64_t size);
inline constexpr std::string_view chunk_end = "\r\n";

/// The end of a chunked body.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
/// The same with trailers. Error: forbidden_trailer, for every field a body_decoder would refuse.
[[nodiscard]] std::expected<void, errc> write_last_chunk(std::string& out, const fields& trailers);

/// True for a field that neither the decoder nor the writer lets pass as a trailer.
[[nodiscard]] bool is_forbidden_trailer(std::string_view name) noexcept;

}  // namespace eddy::wire::http1
