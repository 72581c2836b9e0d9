// WebSocket frames: opcodes, masking, and writing them (RFC 6455 section 5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/wire/websocket_error.hpp>

namespace eddy::wire::websocket {

/// Which end of the connection one is: a client masks what it sends, a server does not.
enum class role : std::uint8_t { client, server };

enum class opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa
};

[[nodiscard]] constexpr bool is_control(opcode code) noexcept {
  return (static_cast<std::uint8_t>(code) & 0x8) != 0;
}

/// Four bytes in the order in which they are sent.
using masking_key = std::array<std::byte, 4>;

/// A key out of the low 32 bits of a random number.
[[nodiscard]] masking_key make_masking_key(std::uint64_t random) noexcept;

/// Masks or unmasks `payload`, whose first byte is the `offset`th of its frame.
void apply_mask(std::span<std::byte> payload, masking_key key, std::uint64_t offset = 0) noexcept;

struct frame_header {
  opcode code = opcode::text;
  bool final = true;
  bool compressed = false;  ///< RSV1, as permessage-deflate uses it
  std::uint64_t length = 0;
  std::optional<masking_key> mask = std::nullopt;
};

inline constexpr std::size_t largest_frame_header = 14;
inline constexpr std::size_t largest_control_payload = 125;

/// Appends a header. Nothing is checked: a control frame must be final and at most 125 bytes long.
void write_frame_header(std::string& out, const frame_header& header);
/// Appends header and payload, masked where the header has a key; `header.length` is set from the payload.
void write_frame(std::string& out, frame_header header, std::span<const std::byte> payload);

/// The payload of a close frame. `code` no_status gives none. A reason is cut to what fits, at the end of a character.
[[nodiscard]] std::string close_payload(std::uint16_t code, std::string_view reason);

}  // namespace eddy::wire::websocket
