#include <eddy/wire/http1_request_parser.hpp>

#include "http1_cases.hpp"
#include "http1_transcript.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace eddy::wire::http1 {
namespace {

using namespace std::string_literals;
using test::read_requests;

// A readable start of a stream for failure messages.
std::string shown(std::string_view bytes) {
  return ::testing::PrintToString(std::string(bytes.substr(0, 300)));
}

request_head parse_whole(std::string_view bytes) {
  request_parser parser;
  request_head head;
  const auto size = parser.parse(bytes, head);
  EXPECT_TRUE(size.has_value()) << shown(bytes);
  EXPECT_EQ(size.value_or(0), bytes.size()) << shown(bytes);
  return head;
}

errc error_of(std::string_view bytes, const limits& bounds = default_limits) {
  request_parser parser(bounds);
  request_head head;
  const auto size = parser.parse(bytes, head);
  return size ? errc{} : size.error();
}

TEST(http1_request_parser, refuses_every_gate_row_for_the_stated_reason_and_serves_nothing) {
  for (const auto& [bytes, why] : test::refused_requests()) {
    const auto seen = read_requests(bytes);
    EXPECT_EQ(seen.ending, test::ending_of(why)) << shown(bytes);
    EXPECT_TRUE(seen.messages.empty()) << shown(bytes);
  }
}

TEST(http1_request_parser, judges_refused_streams_alike_however_they_are_cut) {
  for (const auto& [bytes, why] : test::refused_requests()) {
    for (std::size_t piece : {1U, 2U, 3U, 7U, 64U}) {
      if (bytes.size() > 4000 && piece < 64) continue;
      EXPECT_EQ(read_requests(bytes, piece).ending, test::ending_of(why)) << piece << shown(bytes);
    }
    if (bytes.size() > 400) continue;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
      test::request_reader reader;
      reader.feed(std::string_view(bytes).substr(0, cut));
      reader.feed(std::string_view(bytes).substr(cut));
      ASSERT_EQ(reader.result().ending, test::ending_of(why)) << cut << shown(bytes);
      ASSERT_TRUE(reader.result().messages.empty()) << cut << shown(bytes);
    }
  }
}

TEST(http1_request_parser, reads_good_requests_and_their_bodies) {
  for (const auto& good : test::accepted_requests()) {
    request_parser parser;
    request_head head;
    const auto size = parser.parse(good.bytes, head);
    ASSERT_TRUE(size) << shown(good.bytes) << make_error_code(size.error()).message();
    ASSERT_NE(*size, 0U) << shown(good.bytes);
    EXPECT_EQ(head.method_token(), good.method);
    EXPECT_EQ(head.authority(), good.authority) << shown(good.bytes);
    EXPECT_EQ(head.path(), good.path) << shown(good.bytes);
    EXPECT_TRUE(head.keep_alive()) << shown(good.bytes);

    std::string data;
    std::string_view rest = std::string_view(good.bytes).substr(*size);
    auto body = head.body();
    while (true) {
      const auto event = body.next(rest);
      ASSERT_TRUE(event) << shown(good.bytes) << make_error_code(event.error()).message();
      data += event->data;
      rest.remove_prefix(event->consumed);
      ASSERT_NE(event->kind, body_decoder::event_kind::need_more) << shown(good.bytes);
      if (event->kind == body_decoder::event_kind::end) break;
    }
    EXPECT_EQ(data, good.body) << shown(good.bytes);
    EXPECT_TRUE(rest.empty()) << shown(good.bytes);
  }
}

TEST(http1_request_parser, reads_good_requests_alike_cut_at_every_byte) {
  for (const auto& good : test::accepted_requests()) {
    const auto whole = read_requests(good.bytes);
    ASSERT_EQ(whole.messages.size(), 1U) << shown(good.bytes);
    ASSERT_EQ(read_requests(good.bytes, 1), whole) << shown(good.bytes);
    if (good.bytes.size() > 1000) continue;
    for (std::size_t cut = 1; cut < good.bytes.size(); ++cut) {
      test::request_reader reader;
      reader.feed(std::string_view(good.bytes).substr(0, cut));
      ASSERT_TRUE(reader.result().messages.empty() || cut + 2 > good.bytes.size());
      reader.feed(std::string_view(good.bytes).substr(cut));
      ASSERT_EQ(reader.result(), whole) << cut << shown(good.bytes);
    }
  }
}

TEST(http1_request_parser, reads_pipelined_requests_in_order_cut_at_every_byte) {
  std::string all;
  std::vector<std::string> expected;
  for (const auto& good : test::accepted_requests()) {
    if (good.bytes.size() > 300) continue;
    all += good.bytes;
    expected.push_back(read_requests(good.bytes).messages.at(0));
  }
  const auto whole = read_requests(all);
  EXPECT_EQ(whole.messages, expected);
  EXPECT_EQ(whole.ending, "more");
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    test::request_reader reader;
    reader.feed(std::string_view(all).substr(0, cut));
    reader.feed(std::string_view(all).substr(cut));
    ASSERT_EQ(reader.result(), whole) << cut;
  }
}

TEST(http1_request_parser, reads_any_number_of_requests_from_one_segment) {
  for (int count : {1, 2, 16, 1000}) {
    std::string all;
    for (int i = 0; i < count; ++i) {
      const std::string body = std::to_string(i);
      all += "POST /" + body +
             " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
             body;
    }
    for (std::size_t piece : {0U, 1U, 1460U}) {
      if (piece == 1 && count == 1000) continue;
      const auto seen = read_requests(all, piece);
      ASSERT_EQ(seen.messages.size(), static_cast<std::size_t>(count));
      EXPECT_EQ(seen.ending, "more");
      for (int i = 0; i < count; ++i) {
        const auto number = std::to_string(i);
        const auto& message = seen.messages[static_cast<std::size_t>(i)];
        EXPECT_TRUE(message.starts_with("POST h /" + number + " ")) << message;
        EXPECT_NE(message.find("\n" + number + "\nend"), std::string::npos) << message;
      }
    }
  }
}

TEST(http1_request_parser, serves_nothing_after_close_in_any_case_and_position) {
  for (const char* line :
       {"Connection: close", "Connection: CLOSE", "connection: keep-alive, Close",
        "Connection: ,close", "Connection: x,cLoSe ,y",
        "Connection: keep-alive\r\nConnection: close", "Connection: close,", "Connection:\tclose\t",
        "Connection: keep-alive; timeout=5"}) {
    const std::string second = "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
    const auto seen = read_requests("GET /1 HTTP/1.1\r\nHost: h\r\n"s + line + "\r\n\r\n" + second);
    EXPECT_EQ(seen.messages.size(), 1U) << line;
    EXPECT_EQ(seen.ending, "closed") << line;
    EXPECT_EQ(seen.unread, second.size()) << line;
  }
}

TEST(http1_request_parser, keeps_the_connection_by_version_and_connection_options) {
  const auto keeps = [](const std::string& version, const std::string& lines) {
    return parse_whole("GET / HTTP/" + version + "\r\nHost: h\r\n" + lines + "\r\n").keep_alive();
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: keep-alive\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection: x-close\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection:\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_FALSE(keeps("1.0", "Connection: x\r\n"));
  EXPECT_FALSE(keeps("1.0", "Connection: keep-alive, close\r\n"));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

TEST(http1_request_parser, knows_methods_and_keeps_the_text_of_others) {
  for (const char* name :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"}) {
    const auto text =
        std::string(name) + (name == "CONNECT"s ? " h:1" : " /") + " HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(to_string(parse_whole(text).method()), name);
  }
  const std::string text = "PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto head = parse_whole(text);
  EXPECT_EQ(head.method(), method::unknown);
  EXPECT_EQ(head.method_token(), "PROPFIND");
}

TEST(http1_request_parser, expects_continue_only_where_a_body_follows_in_http_1_1) {
  const auto expects = [](const std::string& version, const std::string& lines) {
    return parse_whole("POST / HTTP/" + version + "\r\nHost: h\r\nExpect: 100-continue\r\n" +
                       lines + "\r\n")
        .expects_continue();
  };
  EXPECT_TRUE(expects("1.1", "Content-Length: 1\r\n"));
  EXPECT_TRUE(expects("1.1", "Transfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("1.1", ""));
  EXPECT_FALSE(expects("1.1", "Content-Length: 0\r\n"));
  EXPECT_FALSE(expects("1.0", "Content-Length: 1\r\n"));
}

TEST(http1_request_parser, offers_an_upgrade_only_if_connection_names_it) {
  const auto upgrade = [](const std::string& version, const std::string& lines) {
    const std::string text = "GET / HTTP/" + version + "\r\nHost: h\r\n" + lines + "\r\n";
    return std::string(parse_whole(text).upgrade());
  };
  EXPECT_EQ(upgrade("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), "websocket");
  EXPECT_EQ(upgrade("1.1", "Upgrade: h2c\r\nConnection: keep-alive, upgrade\r\n"), "h2c");
  EXPECT_EQ(upgrade("1.1", "Upgrade: websocket\r\n"), "");
  EXPECT_EQ(upgrade("1.1", "Connection: Upgrade\r\n"), "");
  EXPECT_EQ(upgrade("1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), "");
}

TEST(http1_request_parser, gives_fields_in_order_without_copying_them) {
  const std::string text =
      "GET /x?a=1 HTTP/1.1\r\nHost: h\r\nAccept: a\r\nX-Empty:\r\naccept: \tb c\t\r\n\r\n";
  const auto head = parse_whole(text);
  const auto& fields = head.fields();
  ASSERT_EQ(fields.size(), 4U);
  EXPECT_EQ(fields[1].name, "Accept");
  EXPECT_EQ(fields[3].name, "accept");
  EXPECT_EQ(fields[3].value, "b c");
  EXPECT_EQ(fields.find("ACCEPT"), "a");
  EXPECT_EQ(fields.count("accept"), 2U);
  EXPECT_EQ(fields.find("x-empty"), "");
  EXPECT_EQ(fields.find("x-none"), std::nullopt);
  EXPECT_FALSE(fields.contains("x-none"));
  EXPECT_EQ(head.query(), "a=1");
  EXPECT_EQ(head.target(), "/x?a=1");
  for (const auto field : fields) {
    EXPECT_GE(field.name.data(), text.data());
    EXPECT_LE(field.value.data() + field.value.size(), text.data() + text.size());
  }
}

TEST(http1_request_parser, follows_the_bytes_when_they_move) {
  const std::string first =
      "POST /a%20b?q HTTP/1.1\r\nHost: h:1\r\nConnection: upgrade\r\nUpgrade: u\r\n\r\n";
  request_parser parser;
  request_head head;
  ASSERT_EQ(parser.parse(first, head), first.size());
  const std::string second = first;
  head.rebase(second);
  const auto inside = [&second](std::string_view view) {
    return view.data() >= second.data() && view.data() <= second.data() + second.size();
  };
  EXPECT_EQ(head.authority(), "h:1");
  EXPECT_EQ(head.upgrade(), "u");
  EXPECT_EQ(head.query(), "q");
  EXPECT_EQ(head.path(), "/a b");
  for (const auto view : {head.authority(), head.upgrade(), head.query(), head.target(),
                          head.method_token(), head.fields()[0].name}) {
    EXPECT_TRUE(inside(view));
  }
}

TEST(http1_request_parser, forgets_the_last_request_when_a_head_is_reused) {
  request_parser parser;
  request_head head;
  const std::string rich =
      "POST http://a/%20?q HTTP/1.1\r\nHost: h\r\nConnection: close, upgrade\r\nUpgrade: u\r\n"
      "Expect: 100-continue\r\nContent-Length: 7\r\n\r\n";
  const std::string plain = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  ASSERT_EQ(parser.parse(rich, head), rich.size());
  ASSERT_EQ(parser.parse(plain, head), plain.size());
  EXPECT_EQ(head.form(), target_form::origin);
  EXPECT_EQ(head.path(), "/");
  EXPECT_EQ(head.query(), "");
  EXPECT_EQ(head.authority(), "");
  EXPECT_EQ(head.upgrade(), "");
  EXPECT_EQ(head.fields().size(), 1U);
  EXPECT_EQ(head.framing(), framing::none);
  EXPECT_EQ(head.content_length(), 0U);
  EXPECT_FALSE(head.expects_continue());
  EXPECT_TRUE(head.keep_alive());
  EXPECT_EQ(head.minor_version(), 0);
}

TEST(http1_request_parser, knows_whether_a_request_was_broken_off) {
  request_parser parser;
  request_head head;
  EXPECT_FALSE(parser.in_progress());
  EXPECT_EQ(parser.parse("", head), 0U);
  EXPECT_FALSE(parser.in_progress());
  EXPECT_EQ(parser.parse("\r\n", head), 0U);
  EXPECT_FALSE(parser.in_progress());
  EXPECT_EQ(parser.parse("\r\nG", head), 0U);
  EXPECT_TRUE(parser.in_progress());
  const std::string all = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_EQ(parser.parse(all, head), all.size());
  EXPECT_FALSE(parser.in_progress());
}

TEST(http1_request_parser, stops_the_program_when_bytes_are_withheld) {
  request_parser parser;
  request_head head;
  ASSERT_EQ(parser.parse("GET / HTTP/1.1\r\nHo", head), 0U);
  EXPECT_DEATH((void)parser.parse("GET /", head), "not given the bytes of the last call");
}

TEST(http1_request_parser, applies_the_limits_it_is_given_to_the_byte) {
  const std::string text = "GET /12345 HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
  limits exact;
  exact.max_head = static_cast<std::uint32_t>(text.size());
  exact.max_fields = 2;
  exact.max_target = 6;
  EXPECT_EQ(error_of(text, exact), errc{});
  limits less = exact;
  less.max_head -= 1;
  EXPECT_EQ(error_of(text, less), errc::head_too_large);
  less = exact;
  less.max_fields -= 1;
  EXPECT_EQ(error_of(text, less), errc::too_many_fields);
  less = exact;
  less.max_target -= 1;
  EXPECT_EQ(error_of(text, less), errc::target_too_long);
}

TEST(http1_request_parser, refuses_another_protocol_without_waiting_for_a_line) {
  EXPECT_EQ(error_of("\x16\x03\x01\x02"s), errc::bad_request_line);
  EXPECT_EQ(error_of("\0"s), errc::bad_request_line);
}

TEST(http1_request_parser, looks_at_no_byte_again_while_its_line_is_incomplete) {
  // Whatever has been given once is overwritten with line feeds, which a parser that starts over
  // would take for line ends; only when a line is complete its own bytes are back.
  std::string lines = "GET / HTTP/1.1\r\nHost: h\r\n";
  while (lines.size() < 32000) lines += "Field-Name: " + std::string(400, 'v') + "\r\n";
  lines += "\r\n";
  const std::string line =
      "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(32000, 'v') + "\r\n\r\n";
  for (const std::string& text : {lines, line}) {
    request_parser parser;
    request_head head;
    std::string given(text.size(), '\n');
    given[0] = text[0];
    std::size_t line_begin = 0;
    for (std::size_t size = 1; size < text.size(); ++size) {
      given[size - 1] = text[size - 1];
      const bool line_ends = text[size - 1] == '\n';
      if (line_ends)
        given.replace(line_begin, size - line_begin, text, line_begin, size - line_begin);
      ASSERT_EQ(parser.parse(std::string_view(given).substr(0, size), head), 0U) << size;
      std::fill(given.begin() + 1, given.begin() + static_cast<std::ptrdiff_t>(size), '\n');
      if (line_ends) line_begin = size;
    }
    ASSERT_EQ(parser.parse(text, head), text.size());
    EXPECT_EQ(head.fields()[head.fields().size() - 1].value.back(), 'v');
  }
}

TEST(http1_request_parser, suggests_the_status_that_each_refusal_deserves) {
  EXPECT_EQ(suggested_status(errc::bad_host), 400);
  EXPECT_EQ(suggested_status(errc::target_too_long), 414);
  EXPECT_EQ(suggested_status(errc::head_too_large), 431);
  EXPECT_EQ(suggested_status(errc::too_many_fields), 431);
  EXPECT_EQ(suggested_status(errc::unknown_expectation), 417);
  EXPECT_EQ(suggested_status(errc::unsupported_version), 505);
  EXPECT_EQ(suggested_status(errc::unsupported_transfer_encoding), 501);
  EXPECT_EQ(suggested_status(errc::invalid_output), 500);
}

}  // namespace
}  // namespace eddy::wire::http1
