#include <eddy/wire/proxy_protocol.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace eddy::wire {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view signature_1 = "PROXY ";
constexpr std::string_view signature_2 = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t largest_line = 107;  // of version 1, with its line end
constexpr std::size_t fixed_part = 16;     // of version 2

using parsed = std::expected<proxy_header, proxy_errc>;

std::unexpected<proxy_errc> failed(proxy_errc why) { return std::unexpected(why); }

std::uint8_t octet(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t two_octets(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(octet(bytes, at) << 8U | octet(bytes, at + 1));
}

// Decimal, without sign and leading zeros.
bool read_port(std::string_view text, std::uint16_t& port) noexcept {
  const bool plain = !text.empty() && (text == "0" || text.front() != '0');
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  return plain && read.ec == std::errc() && read.ptr == text.data() + text.size();
}

bool is_v4(std::string_view text) noexcept {
  int groups = 0;
  for (;;) {
    const std::size_t end = std::min(text.find('.'), text.size());
    std::uint16_t value = 0;
    if (!read_port(text.substr(0, end), value) || value > 255) return false;
    ++groups;
    if (end == text.size()) return groups == 4;
    text.remove_prefix(end + 1);
  }
}

// Whether all characters can stand in one; its meaning is judged by whoever makes an address of it.
bool looks_like_v6(std::string_view text) noexcept {
  constexpr std::string_view allowed = "0123456789abcdefABCDEF:.";
  return text.find(':') != std::string_view::npos &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string_view next_word(std::string_view& rest) noexcept {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

parsed parse_1(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, largest_line).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= largest_line) return failed(proxy_errc::malformed);
    return proxy_header();
  }
  proxy_header header;
  header.size = end + 2;
  std::string_view line = bytes.substr(signature_1.size(), end - signature_1.size());
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return header;
  if (std::ranges::count(line, ' ') != 3) return failed(proxy_errc::malformed);
  const std::string_view source = next_word(line);
  const std::string_view target = next_word(line);
  const bool addresses = family == "TCP4"   ? is_v4(source) && is_v4(target)
                         : family == "TCP6" ? looks_like_v6(source) && looks_like_v6(target)
                                            : false;
  std::uint16_t target_port = 0;
  const std::string_view port = next_word(line);
  if (!addresses || !read_port(port, header.source_port) || !read_port(line, target_port)) {
    return failed(proxy_errc::malformed);
  }
  header.local = false;
  header.source = source;
  return header;
}

std::string text_of_v4(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) text += '.';
    text += std::to_string(octet(bytes, i));
  }
  return text;
}

// All groups written out: a numeric address like any other.
std::string text_of_v6(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < 16; i += 2) {
    if (i > 0) text += ':';
    std::array<char, 4> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), two_octets(bytes, i), 16).ptr;
    text.append(digits.begin(), end);
  }
  return text;
}

parsed parse_2(std::string_view bytes) {
  if (bytes.size() < fixed_part) return proxy_header();
  const std::uint8_t command = octet(bytes, 12);
  const std::uint8_t family = octet(bytes, 13);
  const std::size_t length = two_octets(bytes, 14);
  if ((command & 0xf0U) != 0x20 || (command & 0x0fU) > 1) return failed(proxy_errc::malformed);
  if (fixed_part + length > largest_proxy_header) return failed(proxy_errc::too_long);
  if (bytes.size() < fixed_part + length) return proxy_header();
  proxy_header header;
  header.size = fixed_part + length;
  const bool local = (command & 0x0fU) == 0;
  const bool v4 = family == 0x11;
  if (local || (!v4 && family != 0x21)) return header;
  const std::size_t address = v4 ? 4 : 16;
  if (length < 2 * address + 4) return failed(proxy_errc::malformed);
  const std::string_view addresses = bytes.substr(fixed_part);
  header.local = false;
  header.source = v4 ? text_of_v4(addresses) : text_of_v6(addresses);
  header.source_port = two_octets(addresses, 2 * address);
  return header;
}

bool begins_as(std::string_view bytes, std::string_view signature) noexcept {
  const std::size_t known = std::min(bytes.size(), signature.size());
  return bytes.substr(0, known) == signature.substr(0, known);
}

}  // namespace

std::expected<proxy_header, proxy_errc> parse_proxy_header(std::string_view bytes) {
  const bool first = begins_as(bytes, signature_1);
  const bool second = begins_as(bytes, signature_2);
  if (!first && !second) return failed(proxy_errc::not_proxy);
  if (bytes.size() < (first ? signature_1.size() : signature_2.size())) return proxy_header();
  return first ? parse_1(bytes) : parse_2(bytes);
}

}  // namespace eddy::wire
