#include <eddy/wire/http1_fields.hpp>

#include <string>
#include <string_view>
#include <system_error>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1_request_parser.hpp>

namespace eddy::wire::http1 {
namespace {

using namespace std::string_literals;

TEST(http1_fields, keeps_lines_in_order_as_their_wire_form) {
  fields f;
  f.add("Host", "h").add("Accept", " a\t").add("X-Empty", "").add("accept", "b");
  EXPECT_EQ(f.wire_form(), "Host: h\r\nAccept: a\r\nX-Empty: \r\naccept: b\r\n");
  EXPECT_EQ(f.size(), 4U);
  EXPECT_EQ(f[3].name, "accept");
  EXPECT_EQ(f.find("ACCEPT"), "a");
  EXPECT_EQ(f.count("Accept"), 2U);
  EXPECT_EQ(f.find("none"), std::nullopt);
}

TEST(http1_fields, replaces_all_lines_of_a_name_at_the_place_of_the_first) {
  fields f;
  f.add("A", "1").add("B", "2").add("a", "3").add("C", "4");
  f.set("A", "a longer value");
  EXPECT_EQ(f.wire_form(), "A: a longer value\r\nB: 2\r\nC: 4\r\n");
  f.set("D", "5").set("b", "");
  EXPECT_EQ(f.wire_form(), "A: a longer value\r\nb: \r\nC: 4\r\nD: 5\r\n");
  EXPECT_EQ(f[2].value, "4");
  EXPECT_EQ(f[3].value, "5");
}

TEST(http1_fields, removes_lines_and_keeps_the_rest_readable) {
  fields f;
  f.add("A", "1").add("B", "2").add("a", "3").add("C", "4");
  EXPECT_EQ(f.remove("A"), 2U);
  EXPECT_EQ(f.remove("A"), 0U);
  EXPECT_EQ(f.wire_form(), "B: 2\r\nC: 4\r\n");
  EXPECT_EQ(f.find("c"), "4");
  f.clear();
  EXPECT_TRUE(f.empty());
  EXPECT_EQ(f.wire_form(), "");
}

TEST(http1_fields, takes_arguments_that_are_views_into_itself) {
  fields f;
  f.add("A", "some value that does not fit into a small string");
  for (int i = 0; i < 20; ++i) f.add(f[0].name, f[0].value);
  f.set(f[0].name, f[0].value);
  EXPECT_EQ(f.wire_form(), "A: some value that does not fit into a small string\r\n");
}

TEST(http1_fields, refuses_whatever_could_start_another_line) {
  fields f;
  f.add("A", "1");
  for (const std::string& value : {"x\r\nB: 2"s, "x\nB: 2"s, "x\rB: 2"s, "x\0"s, "\r\n"s, "x\x01"s,
                                   "x\x7f"s, "a\r\n\r\nGET /"s}) {
    EXPECT_EQ(f.try_add("V", value), std::unexpected(errc::invalid_output));
    EXPECT_EQ(f.try_set("A", value), std::unexpected(errc::invalid_output));
  }
  for (const std::string& name :
       {""s, "A B"s, "A:"s, "A\r\nB"s, "A\n"s, " A"s, "A\0"s, "\xc3\xa9"s, "A\t"s}) {
    EXPECT_EQ(f.try_add(name, "1"), std::unexpected(errc::invalid_output));
    EXPECT_EQ(f.try_set(name, "1"), std::unexpected(errc::invalid_output));
  }
  EXPECT_EQ(f.wire_form(), "A: 1\r\n");
  try {
    f.set("A", "x\r\ny");
    FAIL() << "nothing thrown";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), errc::invalid_output);
    EXPECT_EQ(e.code(), condition::invalid_input);
  }
}

TEST(http1_fields, copies_parsed_fields) {
  fields copy;
  {
    const std::string text = "GET / HTTP/1.1\r\nHost:h\r\nA:\t b \r\nE:\r\n\r\n";
    request_parser parser;
    request_head head;
    ASSERT_EQ(parser.parse(text, head), text.size());
    copy = fields(head.fields());
  }
  EXPECT_EQ(copy.wire_form(), "Host: h\r\nA: b\r\nE: \r\n");
  EXPECT_EQ(copy.find("a"), "b");
}

TEST(http1_fields, copies_and_moves_keep_their_lookups) {
  fields f;
  f.add("A", "1");
  fields copy = f;
  copy.set("A", "2");
  EXPECT_EQ(f.find("a"), "1");
  EXPECT_EQ(copy.find("a"), "2");
  const fields moved = std::move(copy);
  EXPECT_EQ(moved.find("A"), "2");
  EXPECT_TRUE(f.has_token("a", "1"));
}

TEST(http1_error, belongs_to_conditions_across_modules) {
  EXPECT_STREQ(category().name(), "eddy.http1");
  EXPECT_EQ(std::error_code(errc::incomplete_message), condition::disconnected);
  EXPECT_EQ(std::error_code(errc::unsupported_version), condition::unsupported);
  EXPECT_EQ(std::error_code(errc::bad_target), condition::failed);
  EXPECT_EQ(make_error_code(errc::bad_target).message(), "malformed or unsafe request target");
  for (int i = 1; i <= static_cast<int>(errc::body_not_allowed); ++i) {
    const auto code = static_cast<errc>(i);
    EXPECT_NE(make_error_code(code).message(), "unknown HTTP/1.1 error") << i;
    EXPECT_GE(suggested_status(code), 400) << i;
  }
}

}  // namespace
}  // namespace eddy::wire::http1
