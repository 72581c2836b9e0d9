#include <eddy/wire/websocket_frame.hpp>

#include <bit>
#include <cstring>

namespace eddy::wire::websocket {
namespace {

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace

masking_key make_masking_key(std::uint64_t random) noexcept {
  return std::bit_cast<masking_key>(static_cast<std::uint32_t>(random));
}

void apply_mask(std::span<std::byte> payload, masking_key key, std::uint64_t offset) noexcept {
  masking_key turned;
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(offset + i) % key.size()];
  // Eight bytes at a time, in memory order, whatever the byte order is; compilers make wider steps of it.
  const auto half = std::uint64_t{std::bit_cast<std::uint32_t>(turned)};
  const std::uint64_t word_key = half | half << 32;
  std::byte* at = payload.data();
  std::size_t left = payload.size();
  for (; left >= sizeof word_key; left -= sizeof word_key, at += sizeof word_key) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= word_key;
    std::memcpy(at, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= turned[i % turned.size()];
}

void write_frame_header(std::string& out, const frame_header& header) {
  const unsigned first = (header.final ? 0x80U : 0U) | (header.compressed ? 0x40U : 0U) |
                         static_cast<unsigned>(header.code);
  out.push_back(static_cast<char>(first));
  const unsigned masked = header.mask ? 0x80U : 0U;
  if (header.length < 126) {
    out.push_back(static_cast<char>(masked | static_cast<unsigned>(header.length)));
  } else if (header.length <= 0xffff) {
    out.push_back(static_cast<char>(masked | 126U));
    append_big_endian(out, header.length, 2);
  } else {
    out.push_back(static_cast<char>(masked | 127U));
    append_big_endian(out, header.length, 8);
  }
  if (header.mask) out.append(reinterpret_cast<const char*>(header.mask->data()), 4);
}

void write_frame(std::string& out, frame_header header, std::span<const std::byte> payload) {
  header.length = payload.size();
  write_frame_header(out, header);
  const std::size_t begin = out.size();
  out.append(reinterpret_cast<const char*>(payload.data()), payload.size());
  if (header.mask) apply_mask(std::as_writable_bytes(std::span(out)).subspan(begin), *header.mask);
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload;
  if (code == close_code::no_status) return payload;
  append_big_endian(payload, code, 2);
  std::size_t size = reason.size();
  if (size > largest_control_payload - 2) {
    size = largest_control_payload - 2;
    while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xc0U) == 0x80U) --size;
  }
  payload.append(reason.substr(0, size));
  return payload;
}

}  // namespace eddy::wire::websocket
