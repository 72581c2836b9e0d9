#include <eddy/http/json.hpp>

#include <cmath>
#include <limits>
#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace {

namespace http = eddy::http;
namespace json = boost::json;

TEST(json, writes_every_kind_without_spaces) {
  const json::object object{{"null", nullptr},
                            {"yes", true},
                            {"no", false},
                            {"int", -7},
                            {"text", "a\"b"},
                            {"list", json::array{1, 2, 3}},
                            {"empty", json::object{}}};
  EXPECT_EQ(
      http::to_json(object),
      R"({"null":null,"yes":true,"no":false,"int":-7,"text":"a\"b","list":[1,2,3],"empty":{}})");
}

TEST(json, writes_doubles_short_and_exact) {
  EXPECT_EQ(http::to_json(42.0), "42");
  EXPECT_EQ(http::to_json(100.168), "100.168");
  EXPECT_EQ(http::to_json(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(http::to_json(1e300), "1e+300");
  for (const double d : {1.0 / 3, 5e-324, std::numeric_limits<double>::max(), -2.5e-7}) {
    EXPECT_EQ(json::parse(http::to_json(d)).to_number<double>(), d);
  }
}

TEST(json, writes_null_for_what_json_has_no_number_for) {
  EXPECT_EQ(http::to_json(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(http::to_json(std::nan("")), "null");
}

TEST(json, writes_integers_to_their_limits) {
  EXPECT_EQ(http::to_json(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(http::to_json(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(json, strings_are_escaped_and_always_utf8) {
  std::string out;
  http::append_json_string(out, "a\\\n\t\x01\xc3\xa4\xff!");
  EXPECT_EQ(out, "\"a\\\\\\n\\t\\u0001\xc3\xa4\xef\xbf\xbd!\"");
  out.clear();
  http::append_json_string(out, "");
  EXPECT_EQ(out, "\"\"");
}

TEST(json, reads_what_it_wrote) {
  const std::string text = R"({"a":[1,2.5,{"b":null}],"c":"\u00e4\n"})";
  EXPECT_EQ(http::to_json(http::parse_json(text)),
            "{\"a\":[1,2.5,{\"b\":null}],\"c\":\"\xc3\xa4\\n\"}");
}

TEST(json, refuses_what_is_not_strict_json) {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\":1,}", "// x\n1", "1 2", "'a'", "NaN", "[1] x", "\"\xff\""}) {
    EXPECT_THROW(static_cast<void>(http::parse_json(text)), http::json_error) << text;
  }
  try {
    static_cast<void>(http::parse_json("[1, x]"));
    FAIL();
  } catch (const http::json_error& e) {
    EXPECT_EQ(e.offset(), 4u);
  }
}

TEST(json, bounds_the_depth) {
  EXPECT_NO_THROW(static_cast<void>(http::parse_json("[[[]]]", {.max_depth = 3})));
  EXPECT_THROW(static_cast<void>(http::parse_json("[[[]]]", {.max_depth = 2})), http::json_error);
}

}  // namespace
