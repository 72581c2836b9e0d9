// Incremental check that bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace eddy::wire {

/// A value. Text may come in any pieces; a wrong byte is found when it is given, not later.
class utf8_validator {
 public:
  /// Whether `bytes` may follow what was given before. Once false, it stays false until reset().
  [[nodiscard]] bool add(std::span<const std::byte> bytes) noexcept;
  /// Whether no character has been begun and not ended.
  [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }
  void reset() noexcept { *this = utf8_validator(); }

 private:
  [[nodiscard]] bool begin_character(std::uint8_t byte) noexcept;

  // What the next byte of a character must lie between, and how many are missing; -1: a wrong byte was found.
  std::int8_t missing_ = 0;
  std::uint8_t lowest_ = 0x80;
  std::uint8_t highest_ = 0xbf;
};

/// Whether all of `text` is UTF-8.
[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept {
  utf8_validator check;
  return check.add(std::as_bytes(std::span(text))) && check.complete();
}

}  // namespace eddy::wire
