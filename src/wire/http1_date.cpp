#include <eddy/wire/http1_date.hpp>

#include "http1_bytes.hpp"

#include <algorithm>

namespace eddy::wire::http1 {
namespace {

using namespace std::chrono;

constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::array<std::string_view, 7> long_day_names = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

void put_digits(char* at, int count, unsigned value) noexcept {
  for (int i = count - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

// Reads a date from left to right; `ok` stays false after the first thing that does not fit.
struct reader {
  std::string_view rest;
  bool ok = true;

  void literal(std::string_view text) noexcept {
    ok = ok && rest.starts_with(text);
    if (ok) rest.remove_prefix(text.size());
  }
  int number(std::size_t digits) noexcept {
    int value = 0;
    ok = ok && rest.size() >= digits;
    for (std::size_t i = 0; ok && i < digits; ++i) {
      ok = detail::is_digit(rest[i]);
      value = value * 10 + (rest[i] - '0');
    }
    if (ok) rest.remove_prefix(digits);
    return value;
  }
  // The index of a three-letter name in `names`.
  unsigned name(std::string_view names) noexcept {
    ok = ok && rest.size() >= 3;
    for (std::size_t i = 0; ok && i < names.size(); i += 3) {
      if (rest.substr(0, 3) != names.substr(i, 3)) continue;
      rest.remove_prefix(3);
      return static_cast<unsigned>(i / 3);
    }
    ok = false;
    return 0;
  }
};

struct date_fields {
  unsigned weekday = 0;
  int year = 0;
  unsigned month = 0;  // from 0
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void read_time(reader& in, date_fields& out) noexcept {
  out.hour = in.number(2);
  in.literal(":");
  out.minute = in.number(2);
  in.literal(":");
  out.second = in.number(2);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
bool read_fixdate(std::string_view text, date_fields& out) noexcept {
  reader in{text};
  out.weekday = in.name(day_names);
  in.literal(", ");
  out.day = in.number(2);
  in.literal(" ");
  out.month = in.name(month_names);
  in.literal(" ");
  out.year = in.number(4);
  in.literal(" ");
  read_time(in, out);
  in.literal(" GMT");
  return in.ok && in.rest.empty();
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
bool read_rfc850(std::string_view text, date_fields& out) noexcept {
  const auto day = std::ranges::find_if(
      long_day_names, [text](std::string_view name) { return text.starts_with(name); });
  if (day == long_day_names.end()) return false;
  out.weekday = static_cast<unsigned>(day - long_day_names.begin());
  reader in{text.substr(day->size())};
  in.literal(", ");
  out.day = in.number(2);
  in.literal("-");
  out.month = in.name(month_names);
  in.literal("-");
  out.year = in.number(2);
  in.literal(" ");
  read_time(in, out);
  in.literal(" GMT");
  return in.ok && in.rest.empty();
}

// "Sun Nov  6 08:49:37 1994"
bool read_asctime(std::string_view text, date_fields& out) noexcept {
  reader in{text};
  out.weekday = in.name(day_names);
  in.literal(" ");
  out.month = in.name(month_names);
  in.literal(" ");
  if (in.rest.starts_with(' ')) {
    in.literal(" ");
    out.day = in.number(1);
  } else {
    out.day = in.number(2);
  }
  in.literal(" ");
  read_time(in, out);
  in.literal(" ");
  out.year = in.number(4);
  return in.ok && in.rest.empty();
}

std::optional<sys_seconds> to_time(const date_fields& from) noexcept {
  const year_month_day date{year{from.year}, month{from.month + 1},
                            day{static_cast<unsigned>(from.day)}};
  if (!date.ok() || from.hour > 23 || from.minute > 59 || from.second > 60) return std::nullopt;
  const sys_days days{date};
  if (weekday{days}.c_encoding() != from.weekday) return std::nullopt;
  return days + hours{from.hour} + minutes{from.minute} + seconds{std::min(from.second, 59)};
}

}  // namespace

date_text format_date(sys_seconds time) noexcept {
  constexpr sys_seconds first = sys_days{year{0} / January / 1};
  constexpr sys_seconds last = sys_days{year{10000} / January / 1} - seconds{1};
  time = std::clamp(time, first, last);
  const sys_days days = floor<std::chrono::days>(time);
  const year_month_day date{days};
  const auto of_day = static_cast<unsigned>((time - days).count());

  date_text text{};
  std::ranges::copy(std::string_view("Sun, 06 Nov 1994 08:49:37 GMT"), text.begin());
  std::ranges::copy(day_names.substr(std::size_t{weekday{days}.c_encoding()} * 3, 3), text.begin());
  put_digits(&text[5], 2, static_cast<unsigned>(date.day()));
  std::ranges::copy(
      month_names.substr((std::size_t{static_cast<unsigned>(date.month())} - 1) * 3, 3),
      text.begin() + 8);
  put_digits(&text[12], 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put_digits(&text[17], 2, of_day / 3600);
  put_digits(&text[20], 2, of_day / 60 % 60);
  put_digits(&text[23], 2, of_day % 60);
  return text;
}

std::optional<sys_seconds> parse_date(std::string_view text, sys_seconds now) noexcept {
  date_fields found;
  if (read_fixdate(text, found) || read_asctime(text, found)) return to_time(found);
  if (!read_rfc850(text, found)) return std::nullopt;
  const int this_year = static_cast<int>(year_month_day{floor<days>(now)}.year());
  int full_year = this_year - this_year % 100 + found.year + 100;
  while (full_year > this_year + 50) full_year -= 100;
  found.year = full_year;
  return to_time(found);
}

}  // namespace eddy::wire::http1
