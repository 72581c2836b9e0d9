// HTTP/2 frames made by hand, also wrong ones, and what can be read from those that come back. HPACK as far as it is
// needed: fields go out as literals that are not indexed, and of what comes in only the status is read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eddy::http::test {

/// Frame types and flags (RFC 9113 section 6).
namespace h2 {
enum type : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9
};
inline constexpr std::uint8_t end_stream = 0x1;
inline constexpr std::uint8_t ack = 0x1;
inline constexpr std::uint8_t end_headers = 0x4;
inline constexpr std::uint8_t padded = 0x8;
inline constexpr std::uint8_t with_priority = 0x20;

enum code : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  flow_control_error = 3,
  settings_timeout = 4,
  stream_closed = 5,
  frame_size_error = 6,
  refused_stream = 7,
  cancel = 8,
  compression_error = 9,
  connect_error = 10,
  enhance_your_calm = 11
};

inline constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
}  // namespace h2

class h2_frame {
 public:
  h2_frame() {}
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;

  /// The 32 bits at `at` of the payload.
  [[nodiscard]] std::uint32_t word(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4 && i < payload.size(); ++i) {
      value = value << 8 | static_cast<std::uint8_t>(payload[i]);
    }
    return value;
  }
  [[nodiscard]] bool ends_stream() const { return (flags & h2::end_stream) != 0; }
};

inline std::string h2_number(std::uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text.push_back(static_cast<char>(value >> shift));
  }
  return text;
}

/// A frame whose length field may lie.
inline std::string h2_frame_of_length(std::size_t length, std::uint8_t type, std::uint8_t flags,
                                      std::uint32_t stream, std::string_view payload) {
  std::string text = h2_number(length, 3);
  text.push_back(static_cast<char>(type));
  text.push_back(static_cast<char>(flags));
  text.append(h2_number(stream, 4)).append(payload);
  return text;
}

inline std::string h2_bytes(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                            std::string_view payload = {}) {
  return h2_frame_of_length(payload.size(), type, flags, stream, payload);
}

using h2_field = std::pair<std::string_view, std::string_view>;
using h2_fields = std::vector<h2_field>;

/// An integer with a prefix of 7 bits (RFC 7541 section 5.1) that are all of the first byte's meaning.
inline std::string hpack_length(std::size_t size) {
  std::string text;
  if (size < 127) {
    text.push_back(static_cast<char>(size));
    return text;
  }
  text.push_back(127);
  for (size -= 127; size >= 128; size /= 128) text.push_back(static_cast<char>(size % 128 + 128));
  text.push_back(static_cast<char>(size));
  return text;
}

inline std::string hpack(const h2_fields& all) {
  std::string text;
  for (const auto& [name, value] : all) {
    text.push_back(0);
    text.append(hpack_length(name.size())).append(name);
    text.append(hpack_length(value.size())).append(value);
  }
  return text;
}

/// The fields of a plain request, and `more`.
inline h2_fields h2_request(std::string_view method, std::string_view path, h2_fields more = {}) {
  h2_fields all{{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "h"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

inline std::string h2_get(std::uint32_t stream, std::string_view path = "/") {
  return h2_bytes(h2::headers, h2::end_stream | h2::end_headers, stream,
                  hpack(h2_request("GET", path)));
}
/// The head of a request with a body.
inline std::string h2_post(std::uint32_t stream, std::string_view path = "/echo",
                           h2_fields more = {}) {
  return h2_bytes(h2::headers, h2::end_headers, stream,
                  hpack(h2_request("POST", path, std::move(more))));
}
inline std::string h2_data(std::uint32_t stream, std::string_view bytes, bool last = true) {
  return h2_bytes(h2::data, last ? h2::end_stream : std::uint8_t{0}, stream, bytes);
}
inline std::string h2_reset(std::uint32_t stream, std::uint32_t code = h2::cancel) {
  return h2_bytes(h2::rst_stream, 0, stream, h2_number(code, 4));
}
inline std::string h2_update(std::uint32_t stream, std::uint32_t more) {
  return h2_bytes(h2::window_update, 0, stream, h2_number(more, 4));
}
inline std::string h2_setting(std::uint16_t id, std::uint32_t value) {
  return h2_number(id, 2) + h2_number(value, 4);
}
inline std::string h2_settings(std::string_view entries = {}) {
  return h2_bytes(h2::settings, 0, 0, entries);
}
inline std::string h2_ping(std::string_view eight = "12345678") {
  return h2_bytes(h2::ping, 0, 0, eight);
}

/// The status in a block of response fields, which begins with it; 0 if it is not readable.
inline int h2_status(std::string_view block) {
  constexpr std::array<int, 7> indexed{200, 204, 206, 304, 400, 404, 500};
  if (block.starts_with(' ')) block.remove_prefix(1);  // the table's size becomes 0
  if (block.size() < 2) return 0;
  const auto first = static_cast<std::uint8_t>(block[0]);
  if (first >= 0x88 && first <= 0x8e) return indexed[first - 0x88u];
  const auto size = static_cast<std::uint8_t>(block[1]);
  const std::string_view value = block.substr(2, size & 0x7fu);
  if ((size & 0x80) == 0) return std::stoi(std::string(value));
  std::uint32_t bits = 0;  // Huffman: 0 to 2 have five bits, the other digits six
  for (std::size_t i = 0; i < 4; ++i) {
    bits = bits << 8 | (i < value.size() ? static_cast<std::uint8_t>(value[i]) : 0xffu);
  }
  int status = 0;
  for (int digit = 0; digit < 3; ++digit) {
    const std::uint32_t five = bits >> 27;
    const bool is_short = five < 3;
    status = status * 10 + static_cast<int>(is_short ? five : (bits >> 26) - 0x19 + 3);
    bits <<= is_short ? 5 : 6;
  }
  return status;
}

}  // namespace eddy::http::test
