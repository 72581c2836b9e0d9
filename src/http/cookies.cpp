#include <eddy/http/cookies.hpp>

#include <algorithm>
#include <charconv>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1_date.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::http {
namespace {

using wire::http1::equals_ignoring_case;
using wire::http1::trim;

constexpr std::size_t longest_pair = 4096;
constexpr std::size_t longest_attribute = 1024;

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

/// The part before `separator`, which is taken off `rest` with it.
std::string_view take_until(std::string_view& rest, char separator) noexcept {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

/// Section 5.2.2: digits with an optional minus; saturated.
std::optional<std::chrono::seconds> parse_max_age(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = negative ? text.substr(1) : text;
  const bool all_digits = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (digits.empty() || !all_digits) return std::nullopt;
  if (negative) return std::chrono::seconds(0);
  constexpr std::int64_t longest = 400LL * 24 * 3600;  // what browsers keep at most
  std::int64_t seconds = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (read.ec != std::errc()) seconds = longest;
  return std::chrono::seconds(std::min(seconds, longest));
}

void apply_attribute(cookie& made, std::string_view name, std::string_view value) {
  if (value.size() > longest_attribute) return;
  if (equals_ignoring_case(name, "expires")) {
    if (const auto date = parse_cookie_date(value)) made.expires = date;
  } else if (equals_ignoring_case(name, "max-age")) {
    if (const auto age = parse_max_age(value)) made.max_age = age;
  } else if (equals_ignoring_case(name, "domain")) {
    made.domain = lower(trim(value.starts_with('.') ? value.substr(1) : value));
  } else if (equals_ignoring_case(name, "path")) {
    made.path = value.starts_with('/') ? std::string(value) : std::string();
  } else if (equals_ignoring_case(name, "secure")) {
    made.secure = true;
  } else if (equals_ignoring_case(name, "httponly")) {
    made.http_only = true;
  } else if (equals_ignoring_case(name, "partitioned")) {
    made.partitioned = true;
  } else if (equals_ignoring_case(name, "samesite")) {
    made.same_site = equals_ignoring_case(value, "strict") ? same_site::strict
                     : equals_ignoring_case(value, "lax")  ? same_site::lax
                     : equals_ignoring_case(value, "none") ? same_site::none
                                                           : same_site::unset;
  }
}

/// cookie-octet: no control bytes, blanks, quotes, commas, semicolons, backslashes.
bool is_cookie_value(std::string_view text) noexcept {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
    text = text.substr(1, text.size() - 2);
  }
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

bool is_attribute_value(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) { return is_control(c) || c == ';'; });
}

void require_consistent(const cookie& made) {
  const std::string_view name = made.name;
  const bool host_prefix = equals_ignoring_case(name.substr(0, 7), "__Host-");
  const bool secure_prefix = equals_ignoring_case(name.substr(0, 9), "__Secure-");
  if ((host_prefix || secure_prefix) && !made.secure) {
    throw_invalid_input("cookie: the name's prefix needs Secure");
  }
  if (host_prefix && (!made.domain.empty() || made.path != "/")) {
    throw_invalid_input("cookie: __Host- needs Path=/ and no Domain");
  }
  if (!made.secure && (made.same_site == same_site::none || made.partitioned)) {
    throw_invalid_input("cookie: SameSite=None and Partitioned need Secure");
  }
}

}  // namespace

std::optional<cookie> parse_set_cookie(std::string_view text) {
  const bool broken = std::ranges::any_of(text, [](char c) { return is_control(c) && c != '\t'; });
  if (broken) return std::nullopt;
  std::string_view pair = take_until(text, ';');
  if (pair.find('=') == std::string_view::npos) return std::nullopt;
  cookie made;
  made.name = trim(take_until(pair, '='));
  made.value = trim(pair);
  if (made.name.empty() || made.name.size() + made.value.size() > longest_pair) return std::nullopt;
  while (!text.empty()) {
    std::string_view attribute = take_until(text, ';');
    const std::string_view name = trim(take_until(attribute, '='));
    apply_attribute(made, name, trim(attribute));
  }
  return made;
}

std::string to_set_cookie(const cookie& made) {
  if (!wire::http1::is_token(made.name)) throw_invalid_input("cookie: the name is not a token");
  if (!is_cookie_value(made.value)) throw_invalid_input("cookie: the value has forbidden bytes");
  if (made.name.size() + made.value.size() > longest_pair) throw_invalid_input("cookie: too long");
  if (!is_attribute_value(made.domain) || !is_attribute_value(made.path)) {
    throw_invalid_input("cookie: the domain or path has forbidden bytes");
  }
  require_consistent(made);
  std::string text = made.name + "=" + made.value;
  if (!made.domain.empty()) text += "; Domain=" + made.domain;
  if (!made.path.empty()) text += "; Path=" + made.path;
  if (made.expires) {
    const wire::http1::date_text date = wire::http1::format_date(*made.expires);
    text.append("; Expires=").append(date.data(), date.size());
  }
  if (made.max_age) text += "; Max-Age=" + std::to_string(made.max_age->count());
  if (made.secure) text += "; Secure";
  if (made.http_only) text += "; HttpOnly";
  switch (made.same_site) {
    case same_site::unset: break;
    case same_site::strict: text += "; SameSite=Strict"; break;
    case same_site::lax: text += "; SameSite=Lax"; break;
    case same_site::none: text += "; SameSite=None"; break;
  }
  if (made.partitioned) text += "; Partitioned";
  return text;
}

// --- Cookie ---

std::optional<cookie_pairs::pair> cookie_pairs::next() noexcept {
  while (!rest_.empty()) {
    std::string_view both = take_until(rest_, ';');
    if (both.find('=') == std::string_view::npos) continue;
    const std::string_view name = trim(take_until(both, '='));
    return pair{name, trim(both)};
  }
  return std::nullopt;
}

std::optional<std::string_view> find_cookie(std::string_view text, std::string_view name) noexcept {
  cookie_pairs all(text);
  while (const auto pair = all.next()) {
    if (pair->name == name) return pair->value;
  }
  return std::nullopt;
}

}  // namespace eddy::http
