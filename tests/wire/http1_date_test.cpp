#include <eddy/wire/http1_date.hpp>

#include <chrono>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace eddy::wire::http1 {
namespace {

using namespace std::chrono;

constexpr sys_seconds example = sys_days{year{1994} / November / 6} + 8h + 49min + 37s;
constexpr sys_seconds now = sys_days{year{2026} / June / 1};

std::string text_of(sys_seconds time) {
  const auto text = format_date(time);
  return {text.data(), text.size()};
}

TEST(http1_date, formats_imf_fixdate) {
  EXPECT_EQ(text_of(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(text_of(sys_seconds{}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text_of(sys_days{year{2000} / February / 29} + 23h + 59min + 59s),
            "Tue, 29 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(text_of(sys_seconds{seconds{-1}}), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(http1_date, stays_within_four_digits_of_year) {
  EXPECT_EQ(text_of(sys_seconds::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(text_of(sys_seconds::min()).substr(5, 11), "01 Jan 0000");
}

TEST(http1_date, reads_all_three_forms) {
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT", now), example);
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", now), example);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994", now), example);
  EXPECT_EQ(parse_date("Wed Nov 16 08:49:37 1994", now), example + days{10});
}

TEST(http1_date, puts_two_digit_years_within_fifty_years) {
  const sys_seconds in_2076 = sys_days{year{2076} / January / 1};
  const sys_seconds in_1977 = sys_days{year{1977} / January / 1};
  EXPECT_EQ(parse_date("Wednesday, 01-Jan-76 00:00:00 GMT", now), in_2076);
  EXPECT_EQ(parse_date("Saturday, 01-Jan-77 00:00:00 GMT", now), in_1977);
}

TEST(http1_date, reads_back_what_it_writes) {
  for (int day = 0; day < 60000; day += 17) {
    const sys_seconds time = sys_days{days{day}} + seconds{day * 7 % 86400};
    EXPECT_EQ(parse_date(text_of(time), now), time);
  }
}

TEST(http1_date, refuses_anything_else) {
  for (const char* text : {"",
                           "Sun",
                           "Mon, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:00 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Tue, 30 Feb 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "sun, 06 nov 1994 08:49:37 gmt",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "1994-11-06T08:49:37Z",
                           "Sun, 06 Nov 1994 8:49:37 GMT",
                           "784111777",
                           "Monday, 06-Nov-94 08:49:37 GMT",
                           "-1",
                           "0",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun, 06 Xxx 1994 08:49:37 GMT"}) {
    EXPECT_EQ(parse_date(text, now), std::nullopt) << text;
  }
}

TEST(http1_date, reads_a_leap_second_as_the_second_before) {
  EXPECT_EQ(parse_date("Sat, 31 Dec 2016 23:59:60 GMT", now),
            sys_days{year{2017} / January / 1} - seconds{1});
}

}  // namespace
}  // namespace eddy::wire::http1
