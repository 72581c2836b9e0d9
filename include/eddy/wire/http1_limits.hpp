// Bounds on what a peer can make the codec hold or scan. All sizes are bytes on the wire.
#pragma once

#include <cstdint>

namespace eddy::wire::http1 {

/// Parsers keep a pointer to the limits they are given, so one object serves all connections of a
/// server or client and has to outlive their parsers.
struct limits {
  /// Start line and fields with all line ends, a leading empty line included. Beyond: 431.
  std::uint32_t max_head = 32 * 1024;
  /// Field lines in a head. Beyond: 431.
  std::uint32_t max_fields = 100;
  /// Request-target. Beyond: 414. A start line without end may grow 64 bytes longer than this.
  std::uint32_t max_target = 8 * 1024;
  /// Extensions of one chunk, from the first ";" to the CR. They are checked and ignored.
  std::uint32_t max_chunk_extension = 256;
  /// Extensions of all chunks of one message, so that they cannot outweigh the data.
  std::uint32_t max_chunk_extensions_total = 16 * 1024;
  /// Trailer section with all line ends, the last empty line included.
  std::uint32_t max_trailers = 8 * 1024;
  /// Field lines in a trailer section.
  std::uint32_t max_trailer_fields = 32;
};

/// The defaults, with static lifetime.
inline constexpr limits default_limits{};

}  // namespace eddy::wire::http1
