// Errors and close codes of the WebSocket protocol (RFC 6455, RFC 7692).
//
//   framing     reserved_bits .. bad_close_code
//   content     bad_utf8, bad_compressed_data
//   limits      frame_too_big, message_too_big
//   handshake   bad_handshake .. bad_extension
//
// Category "eddy.websocket". All of them equal condition::failed: the peer broke a rule or went beyond a limit, and the
// connection is closed with close_code_for(code).
#pragma once

#include <cstdint>
#include <system_error>

namespace eddy::wire::websocket {

enum class errc : std::uint8_t {
  // Framing.
  reserved_bits = 1,        ///< a reserved bit that no extension gave a meaning
  reserved_opcode,          ///< an opcode without a meaning
  bad_masking,              ///< a client's frame without a mask, or a server's with one
  bad_length,               ///< a length of more bytes than needed, or of 64 bits
  fragmented_control,       ///< a control frame in pieces
  long_control,             ///< a control frame with more than 125 bytes
  unexpected_continuation,  ///< a continuation where no message is open
  interleaved_message,      ///< a message that begins inside another
  bad_close_payload,        ///< a close frame with one byte
  bad_close_code,           ///< a close code that may not be sent

  // Content.
  bad_utf8,             ///< a text or a close reason that is not UTF-8
  bad_compressed_data,  ///< not DEFLATE

  // Limits.
  frame_too_big,
  message_too_big,  ///< counted after decompression

  // Handshake.
  bad_handshake,    ///< Connection, Upgrade or the status: no WebSocket is spoken here
  bad_version,      ///< Sec-WebSocket-Version is not 13
  bad_key,          ///< Sec-WebSocket-Key is not 16 bytes in base64
  bad_accept,       ///< Sec-WebSocket-Accept does not answer the key
  bad_subprotocol,  ///< one that was not offered
  bad_extension,    ///< malformed, not offered, or with parameters that may not be
};

/// Close codes (RFC 6455 section 7.4); a code is a number, and 3000 to 4999 are free for programs.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t no_status =
    1005;  ///< never sent: the peer's close frame had no code
inline constexpr std::uint16_t abnormal =
    1006;  ///< never sent: the connection ended without a close frame
inline constexpr std::uint16_t invalid_payload = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t message_too_big = 1009;
inline constexpr std::uint16_t mandatory_extension = 1010;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t service_restart = 1012;
inline constexpr std::uint16_t try_again_later = 1013;
inline constexpr std::uint16_t bad_gateway = 1014;
}  // namespace close_code

/// Whether a close frame may carry `code`: 1000 to 1003, 1007 to 1014, 3000 to 4999.
[[nodiscard]] constexpr bool is_sendable_close_code(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/// The code with which a connection is closed because of `code`: 1002, 1007, 1009 or 1010.
[[nodiscard]] std::uint16_t close_code_for(errc code) noexcept;

[[nodiscard]] const std::error_category& category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

}  // namespace eddy::wire::websocket

template <>
struct std::is_error_code_enum<eddy::wire::websocket::errc> : std::true_type {};
