// Request targets (RFC 9112 section 3.2): which form, which authority, which path.
//
// The path that comes out is decoded once and normalised, so that a router and a file server see
// the same thing that any other reader of the request sees, or the request is refused:
//
//   - "%xx" is decoded; "." and ".." segments are removed after decoding ("%2e" is a dot)
//   - ".." above the root, or right after an empty segment ("/a//..", which URL rules and file
//     systems read differently), is refused
//   - an encoded slash ("%2F") or backslash ("%5C") is refused: decoded, it would be taken for a
//     separator; left encoded, it could not be told from "%252F". Put such data into the query
//   - refused are control characters (raw or encoded, "%00" among them), raw bytes from 0x80 on, and
//     '\', '#', '"', '<', '>', '{', '}', '`'; '[', ']', '^', '|' are accepted, as browsers send them
//   - invalid escapes and what is not UTF-8 (over-long forms and surrogates too) are refused
//   - empty segments are kept: "//a" is not "/a"
//
// The path is final and must not be decoded again: "%252e" has become "%2e", three characters of
// text.
//
// The query stays raw, but its escapes have been checked too: valid, UTF-8, no "%00". It may hold
// '{', '}' and '`' besides what a path may.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <eddy/wire/http1_error.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::wire::http1 {

enum class target_form : std::uint8_t {
  origin,     ///< "/path?query"
  absolute,   ///< "http://host/path?query"; scheme http or https in any case
  authority,  ///< "host:port", with CONNECT only
  asterisk    ///< "*", with OPTIONS only
};

/// Views into the text that was parsed, but for `path`, which may instead point into the storage
/// given to parse_target.
struct target_parts {
  target_form form = target_form::origin;
  std::string_view scheme;     ///< absolute form only, as written
  std::string_view authority;  ///< absolute and authority form: "host" or "host:port"
  /// Decoded and normalised. "*" in asterisk form, and for OPTIONS with an absolute form that has
  /// neither path nor query; "/" for other absolute forms without a path; empty for CONNECT.
  std::string_view path;
  std::optional<std::string_view> query;  ///< raw, without "?"; nullopt if there was no "?"
};

/// `storage` is written only if the path had to change, and then backs `path`; it can be reused.
/// Errors: bad_target.
[[nodiscard]] std::expected<target_parts, errc> parse_target(std::string_view text,
                                                             method request_method,
                                                             std::string& storage);

/// "host" or "host:port" as in Host and in targets: a name of letters, digits, '-', '.', '_', '~',
/// or an IPv6 address in brackets; a port is digits up to 65535 or empty. No user information, no
/// escapes and no sub-delimiters, although RFC 3986 has them in its grammar.
[[nodiscard]] bool is_authority(std::string_view text) noexcept;

struct authority_parts {
  std::string_view host;              ///< with the brackets of an IPv6 address
  std::optional<std::uint16_t> port;  ///< nullopt if missing or empty
};
/// Splits what is_authority accepts. Error: bad_host.
[[nodiscard]] std::expected<authority_parts, errc> split_authority(std::string_view text) noexcept;

/// One decoding step of "%xx" and, for forms, of '+' to space, appended to `out`. False for an
/// invalid escape; `out` is then unspecified. Bytes are not checked for UTF-8.
enum class plus_sign : std::uint8_t { literal, space };
[[nodiscard]] bool decode_percent(std::string_view text, plus_sign plus, std::string& out);

/// Percent-encodes everything but unreserved characters, for building targets and forms.
void encode_percent(std::string_view text, std::string& out);

struct query_parameter {
  std::string_view name;   ///< raw
  std::string_view value;  ///< raw; empty if there was no "="
  bool has_value = false;  ///< there was a "="
};

/// Walks "a=1&b=2"; empty pieces ("a&&b") are skipped.
class query_parameters {
 public:
  explicit query_parameters(std::string_view query) noexcept : rest_(query) {}

  /// The next parameter as it was sent; nullopt at the end.
  [[nodiscard]] std::optional<query_parameter> next() noexcept;

 private:
  std::string_view rest_;
};

/// The decoded value of the first parameter with that decoded name ('+' is a space in both); nullopt
/// if there is none or its escapes are invalid, which they are not in a parsed target.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace eddy::wire::http1
