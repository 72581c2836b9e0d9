#include <eddy/wire/multipart.hpp>

#include "wire/multipart_invariants.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>

namespace eddy::wire::multipart {
namespace {

using test::part;
using test::read;
using test::transcript;

const std::string two_parts =
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\nline\r\n--ob\r\n\r\n--b--\r\n";

TEST(multipart, parts_have_headers_and_data) {
  const transcript got = read("b", two_parts, two_parts.size());
  ASSERT_FALSE(got.failure);
  ASSERT_EQ(got.parts.size(), 2U);
  EXPECT_EQ(got.parts[0].data, "one");
  EXPECT_EQ(got.parts[0].headers, "Content-Disposition: form-data; name=\"a\"\r\n");
  EXPECT_TRUE(got.ended);
}

TEST(multipart, a_delimiter_that_goes_on_is_refused_not_data) {
  // "--bo" begins like the boundary "b": readers differ on it.
  EXPECT_EQ(read("b", "--b\r\n\r\nx\r\n--bo\r\n--b--", 99).failure, errc::bad_delimiter);
}

TEST(multipart, every_division_of_the_input_gives_the_same) {
  const std::string body =
      "preamble\r\n--b1 \t\r\nA: 1\r\nB: 2\r\n\r\ndata\r\n--b\r\n-\r\r\n\r\n--b1\r\n\r\n"
      "\r\n--b1\r\n\r\n--b1--epilogue";
  const transcript whole = read("b1", body, body.size());
  ASSERT_TRUE(whole.ended);
  ASSERT_EQ(whole.parts.size(), 3U);
  EXPECT_EQ(whole.parts[0].data, "data\r\n--b\r\n-\r\r\n");
  EXPECT_EQ(whole.parts[1].data, "");
  EXPECT_EQ(whole.parts[2].data, "");
  for (std::size_t size = 1; size < body.size(); ++size) {
    EXPECT_EQ(read("b1", body, size), whole) << "pieces of " << size;
  }
}

TEST(multipart, data_that_looks_like_a_boundary_is_data) {
  for (const std::string data : {"--b", "\r\n-b", "\r\n--", "\r--b", "\n--b", "\r\n\r\n", "\r"}) {
    // A first line of its own: right behind the header "--b" is a boundary.
    const std::string body = "--b\r\nX: y\r\n\r\n." + data + "\r\n--b--";
    for (std::size_t size = 1; size <= body.size(); ++size) {
      const transcript got = read("b", body, size);
      ASSERT_EQ(got.parts.size(), 1U) << data;
      EXPECT_EQ(got.parts[0].data, "." + data);
      EXPECT_TRUE(got.ended);
    }
  }
}

TEST(multipart, what_is_malformed_is_refused) {
  struct refusal {
    std::string body;
    errc why;
  };
  const std::vector<refusal> cases = {
      {"--bX\r\n", errc::bad_delimiter},
      {"--b\n", errc::bad_delimiter},
      {"--b -- \r\n", errc::bad_delimiter},
      {"--b\r\nno colon\r\n\r\n", errc::bad_header},
      {"--b\r\nA: 1\r\n folded\r\n\r\n", errc::bad_header},
      {"--b\r\nA : 1\r\n\r\n", errc::bad_header},
      {"--b\r\nA: x\ny\r\n\r\n", errc::bad_header},
      {std::string("--b\r\nA: x\0y\r\n\r\n", 15), errc::bad_header},
      {"--b\r\n: x\r\n\r\n", errc::bad_header},
      {"", errc::incomplete},
      {"--b", errc::incomplete},
      {"--b\r\nA: 1\r\n\r\ndata", errc::incomplete},
      {"--b\r\nA: 1\r\n\r\ndata\r\n--b", errc::incomplete},
      {"--b\r\nA: 1\r\n\r\ndata\r\n--b-", errc::incomplete},
      {"no boundary at all", errc::incomplete},
  };
  for (const auto& [body, why] : cases) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{5}, std::size_t{1000}}) {
      EXPECT_EQ(read("b", body, size).failure, why) << body;
    }
  }
}

TEST(multipart, an_error_stays) {
  parser p("b");
  EXPECT_EQ(p.next("--b")->consumed, 3U);
  EXPECT_EQ(p.next("\r\n")->consumed, 2U);
  EXPECT_EQ(p.next("x\r\n\r\n").error(), errc::bad_header);
  EXPECT_EQ(p.next("A: 1\r\n\r\n").error(), errc::bad_header);
  EXPECT_EQ(p.finish().error(), errc::bad_header);
}

TEST(multipart, the_boundary_is_checked) {
  EXPECT_TRUE(parser::is_boundary("----WebKitFormBoundary7MA4YWxkTrZu0gW"));
  EXPECT_TRUE(parser::is_boundary("a b'()+_,-./:=?"));
  EXPECT_TRUE(parser::is_boundary(std::string(70, 'x')));
  EXPECT_FALSE(parser::is_boundary(std::string(71, 'x')));
  EXPECT_FALSE(parser::is_boundary(""));
  EXPECT_FALSE(parser::is_boundary("ends in a blank "));
  EXPECT_FALSE(parser::is_boundary("a\"b"));
  EXPECT_FALSE(parser::is_boundary("a\r\nb"));
  parser p("");
  EXPECT_EQ(p.next("x").error(), errc::bad_boundary);
}

TEST(multipart, limits_hold) {
  const limits few{.parts = 1, .header_size = 20, .header_fields = 1};
  EXPECT_EQ(read("b", "--b\r\nA: 1\r\n\r\n\r\n--b\r\n", 3, few).failure, errc::too_many_parts);
  EXPECT_EQ(read("b", "--b\r\nA: 1\r\nB: 2\r\n\r\n", 3, few).failure, errc::header_too_large);
  EXPECT_EQ(read("b", "--b\r\nA: " + std::string(30, 'x'), 3, few).failure, errc::header_too_large);
  EXPECT_EQ(read("b", std::string(30, 'x'), 3, few).failure, errc::preamble_too_large);
  EXPECT_EQ(read("b", "--b" + std::string(70, ' '), 3, few).failure, errc::bad_delimiter);
  EXPECT_GE(parser("b", few).most_unconsumed(), 20U);
}

TEST(multipart, errors_are_the_senders) {
  EXPECT_EQ(make_error_code(errc::bad_header), eddy::condition::invalid_input);
  EXPECT_STREQ(category().name(), "eddy.multipart");
  EXPECT_EQ(make_error_code(errc::incomplete).message(),
            "the body ends before its closing boundary");
}

TEST(disposition, names_are_read_as_browsers_and_curl_write_them) {
  const auto plain = parse_disposition("form-data; name=\"field\"");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->type, "form-data");
  EXPECT_EQ(plain->name, "field");
  EXPECT_FALSE(plain->filename);

  EXPECT_EQ(parse_disposition("form-data; name=a; filename=b.txt")->filename, "b.txt");
  EXPECT_EQ(parse_disposition("form-data; name=\"a%22b%0D%0Ac%20\"")->name, "a\"b\r\nc%20");
  EXPECT_EQ(parse_disposition(R"(form-data; name="a\"b\\c")")->name, "a\"b\\c");
  EXPECT_EQ(parse_disposition(R"(form-data; filename="C:\dir\x.txt")")->filename,
            R"(C:\dir\x.txt)");
  EXPECT_EQ(parse_disposition("form-data; filename=\"\xc3\xa4.txt\"")->filename, "\xc3\xa4.txt");
  EXPECT_EQ(
      parse_disposition("attachment; filename=\"e.txt\"; filename*=UTF-8''%e2%82%ac.txt")->filename,
      "\xe2\x82\xac.txt");
  EXPECT_EQ(parse_disposition("inline; unknown=1 ; ")->type, "inline");
}

TEST(disposition, what_is_malformed_is_none) {
  for (const char* text : {"", ";", "form-data name=x", "form-data; name", "form-data; =x",
                           "form-data; name=\"open", "form-data; name=a; name=b",
                           "form-data; filename*=latin1''x", "form-data; filename*=UTF-8''%zz"}) {
    EXPECT_FALSE(parse_disposition(text)) << text;
  }
}

}  // namespace
}  // namespace eddy::wire::multipart
