#include "http1_bytes.hpp"

#include <utility>
#include <vector>

#include <eddy/wire/http1_syntax.hpp>
#include <eddy/wire/http1_target.hpp>
#include <eddy/wire/multipart.hpp>

namespace eddy::wire::multipart {
namespace {

using http1::equals_ignoring_case;

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && http1::detail::is_blank(text.front())) text.remove_prefix(1);
}

std::string_view take_token(std::string_view& text) noexcept {
  std::size_t size = 0;
  while (size < text.size() && http1::detail::is(text[size], http1::detail::token_byte)) ++size;
  const std::string_view token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

/// What stands in quotes. A backslash escapes a quote and itself; before anything else it is a character, as in the
/// Windows paths that some clients send.
std::optional<std::string> take_quoted(std::string_view& text) {
  text.remove_prefix(1);
  std::string value;
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return value;
    const bool escapes = c == '\\' && (text.starts_with('"') || text.starts_with('\\'));
    if (escapes) {
      c = text.front();
      text.remove_prefix(1);
    }
    value += c;
  }
  return std::nullopt;
}

/// What browsers escape in names, and nothing else: any other "%" is the sender's.
std::string without_browser_escapes(std::string_view text) {
  constexpr std::pair<std::string_view, char> escapes[] = {
      {"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}};
  std::string plain;
  while (!text.empty()) {
    bool found = false;
    for (const auto& [escape, character] : escapes) {
      if (!equals_ignoring_case(text.substr(0, escape.size()), escape)) continue;
      plain += character;
      text.remove_prefix(escape.size());
      found = true;
      break;
    }
    if (found) continue;
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

/// charset'language'escaped (RFC 8187); UTF-8 only.
std::optional<std::string> decode_extended(std::string_view text) {
  const std::size_t first = text.find('\'');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (!equals_ignoring_case(text.substr(0, first), "utf-8")) return std::nullopt;
  std::string value;
  const bool valid =
      http1::decode_percent(text.substr(second + 1), http1::plus_sign::literal, value);
  return valid ? std::optional(std::move(value)) : std::nullopt;
}

}  // namespace

std::optional<disposition> parse_disposition(std::string_view value) {
  disposition made;
  std::optional<std::string> extended;
  made.type = take_token(value);
  if (made.type.empty()) return std::nullopt;
  for (;;) {
    skip_blanks(value);
    if (value.empty()) break;
    if (value.front() != ';') return std::nullopt;
    value.remove_prefix(1);
    skip_blanks(value);
    if (value.empty()) break;  // "; " at the end is met
    const std::string_view key = take_token(value);
    if (key.empty() || !value.starts_with('=')) return std::nullopt;
    value.remove_prefix(1);
    const auto text =
        value.starts_with('"') ? take_quoted(value) : std::optional(std::string(take_token(value)));
    if (!text) return std::nullopt;
    std::optional<std::string>* into = nullptr;
    if (equals_ignoring_case(key, "name")) into = &made.name;
    if (equals_ignoring_case(key, "filename")) into = &made.filename;
    if (equals_ignoring_case(key, "filename*")) into = &extended;
    if (into == nullptr) continue;
    if (into->has_value()) return std::nullopt;
    *into = into == &extended ? decode_extended(*text) : without_browser_escapes(*text);
    if (!into->has_value()) return std::nullopt;
  }
  if (extended) made.filename = std::move(extended);
  return made;
}

}  // namespace eddy::wire::multipart
