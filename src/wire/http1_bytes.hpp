// Byte classes of HTTP and URIs, as one table lookup per byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace eddy::wire::http1::detail {

enum byte_class : std::uint8_t {
  token_byte = 1,       // tchar
  value_byte = 2,       // HTAB, SP, VCHAR, obs-text
  target_byte = 4,      // VCHAR: what a request-target is cut by
  path_byte = 8,        // accepted raw in a path, '%' excluded
  query_byte = 16,      // accepted raw in a query, '%' excluded
  host_byte = 32,       // accepted in a registered name
  unreserved_byte = 64  // RFC 3986
};

constexpr std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> table{};
  auto mark = [&table](std::string_view bytes, unsigned bit) {
    for (char c : bytes) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | bit);
    }
  };
  constexpr std::string_view alphanumeric =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  mark(alphanumeric, token_byte | path_byte | query_byte | host_byte | unreserved_byte);
  mark("-._~", path_byte | query_byte | host_byte | unreserved_byte);
  mark("!#$%&'*+-.^_`|~", token_byte);
  mark("!$&'()*+,;=:@/[]^|", path_byte | query_byte);
  mark("?{}`", query_byte);
  for (unsigned c = 0; c < 256; ++c) {
    unsigned bits = table[c];
    if (c == '\t' || c == ' ' || (c > ' ' && c != 0x7f)) bits |= value_byte;
    if (c > ' ' && c < 0x7f) bits |= target_byte;
    table[c] = static_cast<std::uint8_t>(bits);
  }
  return table;
}

inline constexpr std::array<std::uint8_t, 256> byte_classes = make_byte_classes();

[[nodiscard]] constexpr bool is(char c, byte_class kind) noexcept {
  return (byte_classes[static_cast<unsigned char>(c)] & kind) != 0;
}

[[nodiscard]] constexpr bool all(std::string_view text, byte_class kind) noexcept {
  for (char c : text) {
    if (!is(c, kind)) return false;
  }
  return true;
}

// The first byte that may not stand in a field value, or `end`; eight bytes at a time.
[[nodiscard]] inline const char* end_of_value(const char* p, const char* end) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t highs = 0x8080808080808080U;
  for (;;) {
    while (end - p >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, p, sizeof word);
      const std::uint64_t below_space = (word - ones * 0x20) & ~word & highs;
      const std::uint64_t is_delete =
          ((word ^ (ones * 0x7f)) - ones) & ~(word ^ (ones * 0x7f)) & highs;
      if ((below_space | is_delete) != 0) break;
      p += 8;
    }
    // A tab, a stop, or the last bytes: walk over up to eight, then try whole words again.
    for (int i = 0; i < 8; ++i, ++p) {
      if (p == end || !is(*p, value_byte)) return p;
    }
  }
}

[[nodiscard]] inline bool is_value_text(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  return end_of_value(text.data(), end) == end;
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// The value of a hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// `text` equals `lowercase` but for case.
[[nodiscard]] constexpr bool matches(std::string_view text, std::string_view lowercase) noexcept {
  if (text.size() != lowercase.size()) return false;
  for (std::size_t i = 0; i < lowercase.size(); ++i) {
    if (lower(text[i]) != lowercase[i]) return false;
  }
  return true;
}

}  // namespace eddy::wire::http1::detail
