#include "http1_section.hpp"

#include "http1_bytes.hpp"

#include <limits>

#include <eddy/wire/http1_syntax.hpp>

namespace eddy::wire::http1::detail {
namespace {

// Judges one complete line and appends it; `line` includes its LF.
std::expected<void, errc> read_field_line(std::string_view line, std::uint32_t offset,
                                          std::vector<field_slot>& slots) {
  const char* const begin = line.data();
  const char* const last = begin + line.size() - 1;  // the LF
  if (is_blank(*begin)) return std::unexpected(errc::obsolete_fold);
  const char* p = begin;
  while (is(*p, token_byte)) ++p;
  if (p == begin || *p != ':') {
    const bool misplaced_end = p == last || (*p == '\r' && p != last - 1);
    return std::unexpected(misplaced_end ? errc::bad_line_end : errc::bad_field_name);
  }
  const auto name_size = static_cast<std::uint32_t>(p - begin);
  ++p;
  while (is_blank(*p)) ++p;
  const char* const value = p;
  p = end_of_value(p, last);
  if (p != last - 1 || *p != '\r') {
    const bool misplaced_end = p == last || *p == '\r';
    return std::unexpected(misplaced_end ? errc::bad_line_end : errc::bad_field_value);
  }
  while (p != value && is_blank(p[-1])) --p;
  slots.push_back({offset, name_size, offset + static_cast<std::uint32_t>(value - begin),
                   static_cast<std::uint32_t>(p - value)});
  return {};
}

}  // namespace

std::expected<bool, errc> read_fields(std::string_view bytes, section_scan& scan,
                                      std::vector<field_slot>& slots, std::uint32_t max_fields,
                                      errc too_many) {
  std::size_t size = 0;
  while (find_line(bytes, scan, size)) {
    const std::string_view line = bytes.substr(scan.position, size);
    const std::uint32_t offset = scan.position;
    scan.position += static_cast<std::uint32_t>(size);
    scan.seen = 0;
    if (line == "\r\n") return true;
    if (slots.size() >= max_fields) return std::unexpected(too_many);
    if (auto read = read_field_line(line, offset, slots); !read) {
      return std::unexpected(read.error());
    }
  }
  return false;
}

std::expected<void, errc> framing_fields::take_length(std::string_view value) noexcept {
  // A second one is refused even if it is the same: nobody has to decide which one counts.
  if (has_length || value.empty()) return std::unexpected(errc::bad_content_length);
  constexpr std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t total = 0;
  for (char c : value) {
    if (!is_digit(c)) return std::unexpected(errc::bad_content_length);
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (total > (max - digit) / 10) return std::unexpected(errc::bad_content_length);
    total = total * 10 + digit;
  }
  has_length = true;
  length = total;
  return {};
}

std::expected<void, errc> framing_fields::take_coding(std::string_view value,
                                                      int minor_version) noexcept {
  if (has_coding || minor_version == 0) return std::unexpected(errc::bad_transfer_encoding);
  if (equals_ignoring_case(value, "chunked")) {
    has_coding = true;
    return {};
  }
  // "gzip, chunked" is right and merely not spoken here; whatever else is wrong.
  bool chunked_last = false;
  int elements = 0;
  list_elements list(value);
  for (auto e = list.next(); !e.empty(); e = list.next(), ++elements) {
    if (chunked_last || !is_token(e) || equals_ignoring_case(e, "identity")) {
      return std::unexpected(errc::bad_transfer_encoding);
    }
    chunked_last = equals_ignoring_case(e, "chunked");
  }
  return std::unexpected(chunked_last && elements > 1 ? errc::unsupported_transfer_encoding
                                                      : errc::bad_transfer_encoding);
}

void connection_options::take(std::string_view value) noexcept {
  list_elements list(value);
  for (auto e = list.next(); !e.empty(); e = list.next()) {
    if (equals_ignoring_case(e, "close")) {
      close = true;
    } else if (equals_ignoring_case(e, "keep-alive")) {
      keep_alive = true;
    } else if (equals_ignoring_case(e, "upgrade")) {
      upgrade = true;
    } else if (!is_token(e)) {
      unreadable = true;
    }
  }
}

std::expected<std::uint8_t, errc> read_version(std::string_view text) noexcept {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return std::unexpected(errc::bad_version);
  }
  if (text[5] != '1' || text[7] > '1') return std::unexpected(errc::unsupported_version);
  return static_cast<std::uint8_t>(text[7] - '0');
}

}  // namespace eddy::wire::http1::detail
