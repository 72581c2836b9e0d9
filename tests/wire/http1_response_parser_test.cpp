#include <eddy/wire/http1_response_parser.hpp>

#include "http1_cases.hpp"
#include "http1_transcript.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace eddy::wire::http1 {
namespace {

using namespace std::string_literals;
using test::read_responses;

std::string shown(std::string_view bytes) {
  return ::testing::PrintToString(std::string(bytes.substr(0, 300)));
}

response_head parse_whole(std::string_view bytes, method answers = method::get) {
  response_parser parser;
  response_head head;
  const auto size = parser.parse(bytes, answers, head);
  EXPECT_EQ(size.value_or(0), bytes.size()) << shown(bytes);
  return head;
}

TEST(http1_response_parser, refuses_every_mirrored_gate_row_for_the_stated_reason) {
  for (const auto& [bytes, why] : test::refused_responses()) {
    for (std::size_t piece : {0U, 1U, 2U, 5U}) {
      const auto seen = read_responses(bytes, piece);
      EXPECT_EQ(seen.ending, test::ending_of(why)) << piece << shown(bytes);
      EXPECT_TRUE(seen.messages.empty()) << piece << shown(bytes);
    }
  }
}

TEST(http1_response_parser, reads_good_responses_alike_cut_at_every_byte) {
  for (const auto& bytes : test::accepted_responses()) {
    const auto whole = read_responses(bytes);
    EXPECT_FALSE(whole.ending.starts_with("error")) << whole.ending << shown(bytes);
    EXPECT_GE(whole.messages.size(), 1U);
    EXPECT_EQ(read_responses(bytes, 1), whole) << shown(bytes);
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
      test::response_reader reader;
      reader.feed(std::string_view(bytes).substr(0, cut));
      reader.feed(std::string_view(bytes).substr(cut));
      reader.finish();
      ASSERT_EQ(reader.result(), whole) << cut << shown(bytes);
    }
  }
}

TEST(http1_response_parser, reads_the_status_line) {
  const std::string text = "HTTP/1.1 418 I'm a \t teapot\r\nContent-Length: 0\r\n\r\n";
  const auto head = parse_whole(text);
  EXPECT_EQ(head.status(), 418);
  EXPECT_EQ(head.reason(), "I'm a \t teapot");
  EXPECT_EQ(head.minor_version(), 1);
  EXPECT_TRUE(head.keep_alive());
}

TEST(http1_response_parser, reads_no_body_where_none_may_be) {
  struct row {
    std::string line;
    method answers;
  };
  for (const auto& [line, answers] :
       {row{"HTTP/1.1 200 OK", method::head}, row{"HTTP/1.1 204 No Content", method::get},
        row{"HTTP/1.1 304 Not Modified", method::get}, row{"HTTP/1.1 100 Continue", method::post},
        row{"HTTP/1.1 101 Switching Protocols", method::get},
        row{"HTTP/1.1 200 OK", method::connect}, row{"HTTP/1.1 500 Oops", method::head}}) {
    for (const char* fields : {"", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
      const std::string text = line + "\r\n" + fields + "\r\n";
      const auto head = parse_whole(text, answers);
      EXPECT_EQ(head.framing(), framing::none) << text;
      EXPECT_TRUE(head.body().finished()) << text;
    }
  }
}

TEST(http1_response_parser, keeps_the_announced_length_of_a_body_that_is_not_sent) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
  const auto head = parse_whole(text, method::head);
  EXPECT_EQ(head.content_length(), 1234U);
  EXPECT_TRUE(head.keep_alive());
}

TEST(http1_response_parser, does_not_reuse_a_connection_whose_204_announces_a_body) {
  EXPECT_FALSE(parse_whole("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n").keep_alive());
  EXPECT_FALSE(parse_whole("HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n").keep_alive());
  EXPECT_TRUE(parse_whole("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").keep_alive());
  EXPECT_TRUE(parse_whole("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n").keep_alive());
}

TEST(http1_response_parser, chooses_the_framing_of_a_body) {
  EXPECT_EQ(parse_whole("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").framing(), framing::length);
  EXPECT_EQ(parse_whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").framing(),
            framing::chunked);
  const std::string neither = "HTTP/1.1 200 OK\r\n\r\n";
  EXPECT_EQ(parse_whole(neither).framing(), framing::until_close);
  EXPECT_FALSE(parse_whole(neither).keep_alive());
}

TEST(http1_response_parser, keeps_the_connection_by_version_and_connection_options) {
  const std::string length = "Content-Length: 0\r\n";
  EXPECT_TRUE(parse_whole("HTTP/1.1 200 OK\r\n" + length + "\r\n").keep_alive());
  EXPECT_FALSE(
      parse_whole("HTTP/1.1 200 OK\r\n" + length + "Connection: a, CLOSE\r\n\r\n").keep_alive());
  EXPECT_FALSE(parse_whole("HTTP/1.0 200 OK\r\n" + length + "\r\n").keep_alive());
  EXPECT_TRUE(
      parse_whole("HTTP/1.0 200 OK\r\n" + length + "Connection: keep-alive\r\n\r\n").keep_alive());
}

TEST(http1_response_parser, reads_interim_responses_before_the_final_one) {
  std::string all;
  for (int i = 0; i < 20; ++i)
    all += "HTTP/1.1 10" + std::to_string(i % 2 * 3) + " X\r\nA: b\r\n\r\n";
  all += "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const auto seen = read_responses(all, 1);
  ASSERT_EQ(seen.messages.size(), 21U);
  EXPECT_TRUE(seen.messages[20].starts_with("200 OK\n"));
  EXPECT_EQ(seen.ending, "more");
}

TEST(http1_response_parser, hands_the_connection_over_after_switching_protocols) {
  const auto upgraded = read_responses("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n\x81\x00"s);
  EXPECT_EQ(upgraded.ending, "closed");
  EXPECT_EQ(upgraded.unread, 2U);
  const auto tunnel = read_responses("HTTP/1.1 200 OK\r\n\r\n\x16\x03", 0, {method::connect});
  EXPECT_EQ(tunnel.ending, "closed");
  EXPECT_EQ(tunnel.unread, 2U);
  EXPECT_FALSE(parse_whole("HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n", method::connect)
                   .switches_protocol());
}

TEST(http1_response_parser, reads_two_responses_from_one_segment) {
  const auto seen = read_responses(
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
      "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n",
      0, {method::get, method::head, method::get});
  ASSERT_EQ(seen.messages.size(), 3U);
  EXPECT_TRUE(seen.messages[2].starts_with("404 No\n"));
}

TEST(http1_response_parser, leaves_bytes_behind_a_keep_alive_response_to_the_caller) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokjunk";
  response_parser parser;
  response_head head;
  const auto size = parser.parse(text, method::get, head);
  ASSERT_TRUE(size);
  std::string_view rest = std::string_view(text).substr(*size);
  auto body = head.body();
  const auto event = body.next(rest);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->data, "ok");
  EXPECT_TRUE(body.finished());
  rest.remove_prefix(event->consumed);
  EXPECT_EQ(rest, "junk");
  EXPECT_EQ(parser.parse(rest, method::get, head), std::unexpected(errc::bad_status_line));
}

TEST(http1_response_parser, tells_a_message_broken_off_from_one_that_ends_with_the_connection) {
  const auto ending = [](const std::string& bytes) { return read_responses(bytes).ending; };
  const auto incomplete = test::ending_of(errc::incomplete_message);
  EXPECT_EQ(ending("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"), incomplete);
  EXPECT_EQ(ending("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"),
            incomplete);
  EXPECT_EQ(ending("HTTP/1.1 200 OK\r\nContent-Le"), incomplete);
  EXPECT_EQ(ending("HTTP/1.1 2"), incomplete);
  EXPECT_EQ(ending("HTTP/1.1 200 OK\r\n\r\nhell"), "closed");
  EXPECT_EQ(ending("HTTP/1.0 200 OK\r\n\r\n"), "closed");
}

}  // namespace
}  // namespace eddy::wire::http1
