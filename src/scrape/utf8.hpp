// UTF-8 (RFC 3629): whether text is that, and how to make it so.
#pragma once

#include <string>
#include <string_view>

namespace eddy::scrape::detail {

inline constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Each longest beginning of a character that does not go on becomes one U+FFFD (Unicode 15, section 3.9).
[[nodiscard]] std::string repaired_utf8(std::string_view text);

/// Appends a code point; U+FFFD for one that is none.
void append_utf8(std::string& out, char32_t code_point);

/// Shortens `text` to at most `size` bytes, not within a character.
void shorten_utf8(std::string& text, std::size_t size);

}  // namespace eddy::scrape::detail
