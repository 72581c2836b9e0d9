#include <eddy/wire/uri.hpp>

#include "http1_bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace eddy::wire {
namespace {

/// A reference, taken apart at its delimiters (RFC 3986, appendix B).
struct uri_parts {
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};

/// What stands behind the first `mark` in `text`, which is cut there.
std::optional<std::string_view> cut_behind(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

uri_parts take_apart(std::string_view text) {
  uri_parts parts;
  parts.fragment = cut_behind(text, '#');
  parts.query = cut_behind(text, '?');
  const std::size_t end = text.find_first_of(":/");
  if (end != std::string_view::npos && end > 0 && text[end] == ':') {
    parts.scheme = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  if (text.starts_with("//")) {
    const std::size_t path = std::min(text.find('/', 2), text.size());
    parts.authority = text.substr(2, path - 2);
    text.remove_prefix(path);
  }
  parts.path = text;
  return parts;
}

/// How many dots a segment is: 1 or 2; 0 for any other.
int dots_of(std::string_view segment) {
  int dots = 0;
  while (!segment.empty()) {
    const bool plain = segment.starts_with('.');
    if (!plain && !segment.starts_with("%2e") && !segment.starts_with("%2E")) return 0;
    segment.remove_prefix(plain ? 1 : 3);
    ++dots;
  }
  return dots <= 2 ? dots : 0;
}

/// A path relative to the base's (section 5.2.3).
std::string merged(const uri_parts& base, std::string_view path) {
  if (base.authority && base.path.empty()) return "/" + std::string(path);
  return std::string(base.path.substr(0, base.path.rfind('/') + 1)) + std::string(path);
}

/// Whether `c` may stand in a path, query or fragment as it is (sections 3.3 to 3.5), or separates them.
bool stands_as_is(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~!$&'()*+,;=:@/?").find(c) != std::string_view::npos;
}

/// Where the scheme and authority of `reference` end; 0 when it has no authority.
std::size_t end_of_authority(std::string_view reference) noexcept {
  const std::size_t colon = reference.find(':');
  const bool absolute = colon != std::string_view::npos && colon < reference.find_first_of("/?#");
  const std::size_t begin = absolute ? colon + 1 : 0;
  if (reference.substr(begin, 2) != "//") return 0;
  return std::min(reference.find_first_of("/?#", begin + 2), reference.size());
}

}  // namespace

int escaped_byte(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size() || text[at] != '%') return -1;
  const int high = http1::detail::hex_value(text[at + 1]);
  const int low = http1::detail::hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_escape(std::string& out, char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  out += '%';
  out += digits[value >> 4];
  out += digits[value & 15];
}

std::string escape_stray(std::string_view reference) {
  const std::size_t begin = end_of_authority(reference);
  std::string made(reference.substr(0, begin));
  bool in_fragment = false;
  for (std::size_t i = begin; i < reference.size(); ++i) {
    const char c = reference[i];
    const bool escapes = escaped_byte(reference, i) >= 0;
    const bool opens_fragment = c == '#' && !std::exchange(in_fragment, true);
    if (escapes || opens_fragment || stands_as_is(c)) {
      made += c;
    } else {
      append_escape(made, c);
    }
  }
  return made;
}

std::string remove_dot_segments(std::string_view path) {
  if (!path.starts_with('/')) return std::string(path);
  std::string out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    const int dots = dots_of(segment);
    if (dots == 0) out.append("/").append(segment);
    if (dots == 2) out.resize(out.empty() ? 0 : out.rfind('/'));
    if (dots > 0 && path.empty()) out += '/';
  }
  return out;
}

std::string resolve_reference(std::string_view base, std::string_view reference) {
  const uri_parts from = take_apart(base);
  const uri_parts to = take_apart(reference);
  const bool absolute = to.scheme.has_value();
  const bool own_authority = absolute || to.authority.has_value();
  const bool same_page = !own_authority && to.path.empty();

  std::string made(absolute ? *to.scheme : from.scheme.value_or(""));
  made += ':';
  const auto& authority = own_authority ? to.authority : from.authority;
  if (authority) made.append("//").append(*authority);
  if (same_page) {
    made += from.path;
  } else if (own_authority || to.path.starts_with('/')) {
    made += remove_dot_segments(to.path);
  } else {
    made += remove_dot_segments(merged(from, to.path));
  }
  const auto& query = same_page && !to.query ? from.query : to.query;
  if (query) made.append("?").append(*query);
  if (to.fragment) made.append("#").append(*to.fragment);
  return made;
}

}  // namespace eddy::wire
