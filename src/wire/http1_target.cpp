#include <eddy/wire/http1_target.hpp>

#include "http1_bytes.hpp"

#include <algorithm>
#include <cstddef>

#include <eddy/wire/uri.hpp>

namespace eddy::wire::http1 {
namespace {

using detail::hex_value;
using detail::is;

// Follows a byte sequence and knows whether it is UTF-8 so far (Unicode table 3-7: no over-long
// forms, no surrogates, nothing above U+10FFFF).
class utf8_check {
 public:
  [[nodiscard]] bool take(unsigned char byte) noexcept {
    if (pending_ == 0) return start(byte);
    if (byte < low_ || byte > high_) return false;
    low_ = 0x80;
    high_ = 0xbf;
    --pending_;
    return true;
  }
  [[nodiscard]] bool complete() const noexcept { return pending_ == 0; }

 private:
  [[nodiscard]] bool start(unsigned char byte) noexcept {
    low_ = 0x80;
    high_ = 0xbf;
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    pending_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte == 0xe0) low_ = 0xa0;
    if (byte == 0xed) high_ = 0x9f;
    if (byte == 0xf0) low_ = 0x90;
    if (byte == 0xf4) high_ = 0x8f;
    return true;
  }

  int pending_ = 0;
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xbf;
};

bool is_valid_query(std::string_view query) noexcept {
  utf8_check utf8;
  for (std::size_t i = 0; i < query.size(); ++i) {
    int byte = static_cast<unsigned char>(query[i]);
    if (query[i] == '%') {
      byte = escaped_byte(query, i);
      if (byte <= 0) return false;
      i += 2;
    } else if (!is(query[i], detail::query_byte)) {
      return false;
    }
    if (!utf8.take(static_cast<unsigned char>(byte))) return false;
  }
  return utf8.complete();
}

// Decodes a path into `out`; false for whatever the header says is refused.
bool decode_path(std::string_view raw, std::string& out) {
  utf8_check utf8;
  out.clear();
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    int byte = static_cast<unsigned char>(raw[i]);
    if (raw[i] == '%') {
      byte = escaped_byte(raw, i);
      if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\') return false;
      i += 2;
    } else if (!is(raw[i], detail::path_byte)) {
      return false;
    }
    if (!utf8.take(static_cast<unsigned char>(byte))) return false;
    out.push_back(static_cast<char>(byte));
  }
  return utf8.complete();
}

// Removes "." and ".." segments in place. `path` starts with '/'. A dot segment at the end leaves
// its slash: "/a/b/.." is "/a/".
bool remove_dot_segments(std::string& path) {
  std::size_t write = 1;  // path[0, write) is done and ends with '/'
  std::size_t read = 1;
  for (;;) {
    const std::size_t slash = path.find('/', read);
    const std::size_t end = slash == std::string::npos ? path.size() : slash;
    const std::string_view segment = std::string_view(path).substr(read, end - read);
    const bool last = slash == std::string::npos;
    if (segment == "..") {
      if (write < 2 || path[write - 2] == '/') return false;
      write = path.rfind('/', write - 2) + 1;
    } else if (segment != ".") {
      for (std::size_t i = read; i < end; ++i) path[write++] = path[i];
      if (!last) path[write++] = '/';
    }
    if (last) break;
    read = slash + 1;
  }
  path.resize(write);
  return true;
}

// `raw` starts with '/'. True if nothing in it has to be decoded, removed or refused.
bool is_plain_path(std::string_view raw) noexcept {
  bool after_slash = false;
  for (char c : raw) {
    if (!is(c, detail::path_byte) || (after_slash && c == '.')) return false;
    after_slash = c == '/';
  }
  return true;
}

std::expected<void, errc> read_path_and_query(std::string_view text, std::string& storage,
                                              target_parts& parts) {
  const std::size_t question = text.find('?');
  const std::string_view raw = text.substr(0, question);
  if (question != std::string_view::npos) {
    const std::string_view query = text.substr(question + 1);
    if (!is_valid_query(query)) return std::unexpected(errc::bad_target);
    parts.query = query;
  }
  if (is_plain_path(raw)) {
    parts.path = raw;
    return {};
  }
  if (!decode_path(raw, storage) || !remove_dot_segments(storage)) {
    return std::unexpected(errc::bad_target);
  }
  parts.path = storage;
  return {};
}

std::expected<target_parts, errc> read_absolute(std::string_view text, method request_method,
                                                std::string& storage) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.substr(colon, 3) != "://") {
    return std::unexpected(errc::bad_target);
  }
  target_parts parts;
  parts.form = target_form::absolute;
  parts.scheme = text.substr(0, colon);
  if (!equals_ignoring_case(parts.scheme, "http") && !equals_ignoring_case(parts.scheme, "https")) {
    return std::unexpected(errc::bad_target);
  }
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  parts.authority = rest.substr(0, end);
  if (!is_authority(parts.authority)) return std::unexpected(errc::bad_target);
  const std::string_view tail = rest.substr(end);
  if (tail.empty()) {
    storage = request_method == method::options ? "*" : "/";
    parts.path = storage;
    return parts;
  }
  if (tail.front() == '?') {
    if (!is_valid_query(tail.substr(1))) return std::unexpected(errc::bad_target);
    storage = "/";
    parts.path = storage;
    parts.query = tail.substr(1);
    return parts;
  }
  if (auto read = read_path_and_query(tail, storage, parts); !read) {
    return std::unexpected(read.error());
  }
  return parts;
}

bool is_port(std::string_view text) noexcept {
  std::uint32_t value = 0;
  for (char c : text) {
    if (!detail::is_digit(c)) return false;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
    if (value > 65535) return false;
  }
  return true;
}

// Four decimal numbers up to 255 without leading zeros.
bool is_ipv4(std::string_view text) noexcept {
  for (int part = 0; part < 4; ++part) {
    std::size_t size = 0;
    unsigned value = 0;
    while (size < text.size() && size < 3 && detail::is_digit(text[size])) {
      value = value * 10 + static_cast<unsigned>(text[size++] - '0');
    }
    if (size == 0 || value > 255 || (size > 1 && text[0] == '0')) return false;
    text.remove_prefix(size);
    if (part < 3) {
      if (text.empty() || text[0] != '.') return false;
      text.remove_prefix(1);
    }
  }
  return text.empty();
}

// RFC 4291: eight groups, at most one "::", perhaps an IPv4 address in place of the last two.
bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool compressed = text.starts_with("::");
  if (compressed) text.remove_prefix(2);
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size() && size < 4 && hex_value(text[size]) >= 0) ++size;
    if (size < text.size() && text[size] == '.') {
      groups += 2;
      if (!is_ipv4(text)) return false;
      break;
    }
    if (size == 0) return false;
    ++groups;
    text.remove_prefix(size);
    if (text.empty()) break;
    if (text[0] != ':') return false;
    text.remove_prefix(1);
    if (text.empty()) return false;  // a single colon at the end
    if (text[0] == ':') {
      if (compressed) return false;
      compressed = true;
      text.remove_prefix(1);
    }
  }
  return compressed ? groups <= 7 : groups == 8;
}

}  // namespace

std::expected<target_parts, errc> parse_target(std::string_view text, method request_method,
                                               std::string& storage) {
  target_parts parts;
  if (request_method == method::connect) {
    const auto split = split_authority(text);
    if (!split || !split->port) return std::unexpected(errc::bad_target);
    parts.form = target_form::authority;
    parts.authority = text;
    return parts;
  }
  if (text == "*") {
    if (request_method != method::options) return std::unexpected(errc::bad_target);
    parts.form = target_form::asterisk;
    parts.path = text;
    return parts;
  }
  if (!text.starts_with('/')) return read_absolute(text, request_method, storage);
  if (auto read = read_path_and_query(text, storage, parts); !read) {
    return std::unexpected(read.error());
  }
  return parts;
}

std::expected<authority_parts, errc> split_authority(std::string_view text) noexcept {
  authority_parts parts;
  std::size_t host_size = 0;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1)) || close == 1) {
      return std::unexpected(errc::bad_host);
    }
    host_size = close + 1;
  } else {
    while (host_size < text.size() && is(text[host_size], detail::host_byte)) ++host_size;
    if (host_size == 0) return std::unexpected(errc::bad_host);
  }
  parts.host = text.substr(0, host_size);
  const std::string_view rest = text.substr(host_size);
  if (rest.empty()) return parts;
  if (rest[0] != ':' || !is_port(rest.substr(1))) return std::unexpected(errc::bad_host);
  std::uint32_t port = 0;
  for (char c : rest.substr(1)) port = port * 10 + static_cast<std::uint32_t>(c - '0');
  if (rest.size() > 1) parts.port = static_cast<std::uint16_t>(port);
  return parts;
}

bool is_authority(std::string_view text) noexcept { return split_authority(text).has_value(); }

bool decode_percent(std::string_view text, plus_sign plus, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int byte = escaped_byte(text, i);
      if (byte < 0) return false;
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i] == '+' && plus == plus_sign::space ? ' ' : text[i]);
    }
  }
  return true;
}

void encode_percent(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (is(c, detail::unreserved_byte)) {
      out.push_back(c);
    } else {
      append_escape(out, c);
    }
  }
}

std::optional<query_parameter> query_parameters::next() noexcept {
  while (!rest_.empty()) {
    const std::size_t end = std::min(rest_.find('&'), rest_.size());
    const std::string_view piece = rest_.substr(0, end);
    rest_.remove_prefix(end < rest_.size() ? end + 1 : end);
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    query_parameter parameter;
    parameter.name = piece.substr(0, equals);
    parameter.has_value = equals != std::string_view::npos;
    if (parameter.has_value) parameter.value = piece.substr(equals + 1);
    return parameter;
  }
  return std::nullopt;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  query_parameters all(query);
  std::string decoded;
  while (const auto parameter = all.next()) {
    decoded.clear();
    if (!decode_percent(parameter->name, plus_sign::space, decoded) || decoded != name) continue;
    decoded.clear();
    if (!decode_percent(parameter->value, plus_sign::space, decoded)) return std::nullopt;
    return decoded;
  }
  return std::nullopt;
}

}  // namespace eddy::wire::http1
