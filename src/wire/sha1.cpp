#include "sha1.hpp"

#include <bit>
#include <cstddef>
#include <string>

namespace eddy::wire::detail {
namespace {

using state = std::array<std::uint32_t, 5>;

constexpr std::size_t block_size = 64;

struct round_step {
  std::uint32_t mixed;
  std::uint32_t constant;
};

round_step step(std::size_t round, std::uint32_t b, std::uint32_t c, std::uint32_t d) noexcept {
  if (round < 20) return {(b & c) | (~b & d), 0x5a827999};
  if (round < 40) return {b ^ c ^ d, 0x6ed9eba1};
  if (round < 60) return {(b & c) | (b & d) | (c & d), 0x8f1bbcdc};
  return {b ^ c ^ d, 0xca62c1d6};
}

void add_block(state& sum, std::string_view block) noexcept {
  std::array<std::uint32_t, 80> words{};
  for (std::size_t i = 0; i < block_size; ++i) {
    words[i / 4] = words[i / 4] << 8 | static_cast<std::uint8_t>(block[i]);
  }
  for (std::size_t i = 16; i < words.size(); ++i) {
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  auto [a, b, c, d, e] = sum;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto [mixed, constant] = step(i, b, c, d);
    const std::uint32_t next = std::rotl(a, 5) + mixed + e + constant + words[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  sum = {sum[0] + a, sum[1] + b, sum[2] + c, sum[3] + d, sum[4] + e};
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view message) {
  std::string padded(message);
  padded.push_back('\x80');
  padded.resize((padded.size() + 8 + block_size - 1) / block_size * block_size - 8, '\0');
  const std::uint64_t bits = std::uint64_t{message.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) padded.push_back(static_cast<char>(bits >> shift));

  state sum{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  for (std::size_t at = 0; at < padded.size(); at += block_size) {
    add_block(sum, std::string_view(padded).substr(at, block_size));
  }
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(sum[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace eddy::wire::detail
