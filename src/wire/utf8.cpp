#include <eddy/wire/utf8.hpp>

#include <cstring>

namespace eddy::wire {
namespace {

/// How many bytes at the front are ASCII; may give fewer, at most seven.
std::size_t skip_ascii(std::span<const std::byte> bytes) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::size_t at = 0;
  while (bytes.size() - at >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & high_bits) != 0) break;
    at += sizeof word;
  }
  return at;
}

}  // namespace

bool utf8_validator::add(std::span<const std::byte> bytes) noexcept {
  if (missing_ < 0) return false;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (missing_ == 0) {
      at += skip_ascii(bytes.subspan(at));
      if (at == bytes.size()) return true;
    }
    const auto byte = std::to_integer<std::uint8_t>(bytes[at]);
    if (missing_ == 0) {
      if (byte >= 0x80 && !begin_character(byte)) return false;
      continue;
    }
    if (byte < lowest_ || byte > highest_) {
      missing_ = -1;
      return false;
    }
    lowest_ = 0x80;
    highest_ = 0xbf;
    --missing_;
  }
  return true;
}

// The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
bool utf8_validator::begin_character(std::uint8_t byte) noexcept {
  if (byte >= 0xc2 && byte <= 0xdf) {
    missing_ = 1;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    missing_ = 2;
    if (byte == 0xe0) lowest_ = 0xa0;
    if (byte == 0xed) highest_ = 0x9f;
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    missing_ = 3;
    if (byte == 0xf0) lowest_ = 0x90;
    if (byte == 0xf4) highest_ = 0x8f;
  } else {
    missing_ = -1;
    return false;
  }
  return true;
}

}  // namespace eddy::wire
