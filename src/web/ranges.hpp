// Range and Content-Range (RFC 9110 section 14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::web::detail {

/// Bytes of a representation; never empty.
struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  friend bool operator==(const byte_range&, const byte_range&) = default;
};

/// What a Range field asks of `size` bytes. nullopt: to be ignored - another unit, malformed, more than `most` ranges,
/// or ranges that overlap, of which a few bytes of request could ask for many times the file. Empty: none of them can
/// be satisfied.
[[nodiscard]] std::optional<std::vector<byte_range>> parse_ranges(std::string_view field,
                                                                  std::uint64_t size,
                                                                  std::size_t most);

/// "bytes 0-99/1234".
[[nodiscard]] std::string content_range(const byte_range& range, std::uint64_t size);

}  // namespace eddy::web::detail
