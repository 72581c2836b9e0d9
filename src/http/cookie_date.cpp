// The lenient dates of RFC 6265 section 5.1.1.
#include <algorithm>
#include <array>

#include <eddy/http/cookies.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::http {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_delimiter(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x09 || (byte >= 0x20 && byte <= 0x2F) || (byte >= 0x3B && byte <= 0x40) ||
         (byte >= 0x5B && byte <= 0x60) || (byte >= 0x7B && byte <= 0x7E);
}

/// `least` to `most` digits at the front, taken off; further text must not begin with a digit.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t digits = 0;
  int value = 0;
  while (digits < text.size() && digits < most && is_digit(text[digits])) {
    value = value * 10 + (text[digits++] - '0');
  }
  if (digits < least || (digits < text.size() && is_digit(text[digits]))) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

std::optional<std::chrono::seconds> time_of(std::string_view token) {
  std::array<int, 3> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      if (!token.starts_with(':')) return std::nullopt;
      token.remove_prefix(1);
    }
    const auto part = take_number(token, 1, 2);
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59) return std::nullopt;
  return std::chrono::seconds(parts[0] * 3600 + parts[1] * 60 + parts[2]);
}

std::optional<unsigned> month_of(std::string_view token) {
  constexpr std::array<std::string_view, 12> names{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
  for (unsigned i = 0; i < names.size(); ++i) {
    if (wire::http1::equals_ignoring_case(token.substr(0, 3), names[i])) return i + 1;
  }
  return std::nullopt;
}

std::optional<int> year_of(std::string_view token) {
  const auto year = take_number(token, 2, 4);
  if (!year) return std::nullopt;
  if (*year >= 70 && *year <= 99) return *year + 1900;
  if (*year <= 69) return *year + 2000;
  return year;
}

/// True where the token is this part of the date; each part is the first token that can be it.
template <class T>
bool take(std::optional<T>& part, std::optional<T> token) {
  if (part || !token) return false;
  part = token;
  return true;
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_cookie_date(std::string_view text) {
  std::optional<std::chrono::seconds> time;
  std::optional<int> day;
  std::optional<unsigned> month;
  std::optional<int> year;
  while (!text.empty()) {
    const auto begin = std::ranges::find_if_not(text, is_delimiter);
    text.remove_prefix(static_cast<std::size_t>(begin - text.begin()));
    const auto end = std::ranges::find_if(text, is_delimiter);
    std::string_view token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(token.size());
    std::string_view number = token;
    if (take(time, time_of(token)) || take(day, take_number(number, 1, 2)) ||
        take(month, month_of(token)))
      continue;
    take(year, year_of(token));
  }
  if (!time || !day || !month || !year || *year < 1601) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(*month),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + *time;
}

}  // namespace eddy::http
