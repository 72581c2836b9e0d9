#include <eddy/wire/http1_syntax.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace eddy::wire::http1 {
namespace {

using namespace std::string_literals;

std::vector<std::string> elements(std::string_view value) {
  std::vector<std::string> out;
  list_elements list(value);
  for (auto e = list.next(); !e.empty(); e = list.next()) out.emplace_back(e);
  return out;
}

TEST(http1_syntax, walks_lists_without_their_empty_elements) {
  using list = std::vector<std::string>;
  EXPECT_EQ(elements(""), list{});
  EXPECT_EQ(elements(" , ,\t,"), list{});
  EXPECT_EQ(elements("a"), list{"a"});
  EXPECT_EQ(elements(",a , b c,\td,"), (list{"a", "b c", "d"}));
  EXPECT_EQ(elements("a=\"x, y\", b"), (list{"a=\"x, y\"", "b"}));
  EXPECT_EQ(elements("\"a\\\",b\",c"), (list{"\"a\\\",b\"", "c"}));
  EXPECT_EQ(elements("\"open, b"), list{"\"open, b"});
  EXPECT_EQ(elements("a\\"), list{"a\\"});
  EXPECT_EQ(elements("\"a\\"), list{"\"a\\"});
}

TEST(http1_syntax, finds_list_tokens_in_any_case) {
  EXPECT_TRUE(list_contains("Keep-Alive, Upgrade", "upgrade"));
  EXPECT_FALSE(list_contains("upgrades, xupgrade", "upgrade"));
  EXPECT_FALSE(list_contains("\"a, upgrade\"", "upgrade"));
}

TEST(http1_syntax, knows_exactly_the_token_bytes_of_rfc_9110) {
  const std::string allowed =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int i = 0; i < 256; ++i) {
    const std::string text(1, static_cast<char>(i));
    EXPECT_EQ(is_token(text), allowed.find(text) != std::string::npos) << i;
  }
  EXPECT_FALSE(is_token(""));
}

TEST(http1_syntax, knows_exactly_the_bytes_of_field_values) {
  for (int i = 0; i < 256; ++i) {
    const std::string text = "a"s + static_cast<char>(i) + "b";
    EXPECT_EQ(is_field_value(text), i == '\t' || (i >= 0x20 && i != 0x7f)) << i;
  }
  EXPECT_TRUE(is_field_value(""));
  EXPECT_FALSE(is_field_value(" a"));
  EXPECT_FALSE(is_field_value("a\t"));
}

TEST(http1_syntax, maps_methods_both_ways_with_case) {
  for (int i = 1; i <= static_cast<int>(method::patch); ++i) {
    const auto m = static_cast<method>(i);
    EXPECT_EQ(method_from(to_string(m)), m);
  }
  EXPECT_EQ(method_from("get"), method::unknown);
  EXPECT_EQ(method_from(""), method::unknown);
  EXPECT_EQ(to_string(method::unknown), "");
}

TEST(http1_syntax, has_the_usual_reason_phrases) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(422), "Unprocessable Content");
  EXPECT_EQ(reason_phrase(299), "");
  for (int status = 0; status < 1000; ++status) EXPECT_TRUE(is_field_value(reason_phrase(status)));
}

TEST(http1_syntax, compares_without_the_case_of_ascii_letters_only) {
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "cONTENT-lENGTH"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("\xc9", "\xe9"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
}

}  // namespace
}  // namespace eddy::wire::http1
