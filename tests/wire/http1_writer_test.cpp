#include <eddy/wire/http1_writer.hpp>

#include "http1_transcript.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <eddy/wire/http1_request_parser.hpp>
#include <eddy/wire/http1_response_parser.hpp>

namespace eddy::wire::http1 {
namespace {

using namespace std::string_literals;

fields host_only() {
  fields f;
  f.add("Host", "h");
  return f;
}

std::string request(const request_line& line, const fields& headers, body_size body) {
  std::string out;
  const auto written = write_request_head(out, line, headers, body);
  EXPECT_EQ(out.empty(), !written.has_value());
  return written ? out : "error: " + make_error_code(written.error()).message();
}

struct written_response {
  std::string text;
  response_plan plan;
};

written_response response(const response_line& line, body_size body, const fields& headers = {}) {
  written_response out;
  const auto plan = write_response_head(out.text, line, headers, body);
  EXPECT_TRUE(plan);
  if (plan) out.plan = *plan;
  return out;
}

TEST(http1_writer, writes_request_heads) {
  EXPECT_EQ(request({.method = "GET", .target = "/a?b"}, host_only(), body_size::none()),
            "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(request({.method = "POST", .target = "/"}, host_only(), body_size::sized(12)),
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n");
  EXPECT_EQ(request({.method = "PUT", .target = "/", .keep_alive = false}, host_only(),
                    body_size::chunked()),
            "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

TEST(http1_writer, refuses_requests_that_could_be_read_as_something_else) {
  const auto refused = [](std::string_view method, std::string_view target) {
    std::string out = "before";
    const bool written =
        write_request_head(out, {.method = method, .target = target}, host_only(), {}).has_value();
    EXPECT_EQ(out, "before");
    return !written;
  };
  for (const std::string& target : {""s, "/a b"s, "/a\r\nX: y"s, "/\n"s, "/\0"s, "/#f"s,
                                    "/\xc3\xa9"s, "/a\t"s, "/ HTTP/1.1\r\nA: b\r\n\r\nGET /"s}) {
    EXPECT_TRUE(refused("GET", target));
  }
  for (const std::string& method : {""s, "GET "s, "GE\r\nT"s, "G T"s, "GET\0"s, "\xc3\xa9"s}) {
    EXPECT_TRUE(refused(method, "/"));
  }
}

TEST(http1_writer, owns_the_framing_and_needs_one_host) {
  const auto error = [](const fields& f, body_size body = {}, std::string_view method = "GET") {
    std::string out;
    const auto done = write_request_head(out, {.method = method, .target = "/"}, f, body);
    EXPECT_TRUE(out.empty());
    return done ? errc{} : done.error();
  };
  fields f = host_only();
  EXPECT_EQ(error(fields(f).add("content-LENGTH", "5")), errc::framing_field);
  EXPECT_EQ(error(fields(f).add("Transfer-Encoding", "chunked")), errc::framing_field);
  EXPECT_EQ(error(fields()), errc::missing_host);
  EXPECT_EQ(error(fields(f).add("host", "h")), errc::bad_host);
  EXPECT_EQ(error(fields().add("Host", "a b")), errc::bad_host);
  EXPECT_EQ(error(fields().add("Host", "")), errc::bad_host);
  EXPECT_EQ(error(f, body_size::until_close()), errc::body_not_allowed);
  EXPECT_EQ(error(f, body_size::sized(1), "TRACE"), errc::body_not_allowed);
}

TEST(http1_writer, writes_response_heads) {
  fields f;
  f.add("Content-Type", "text/plain");
  const auto ok = response({.date = "Sun, 06 Nov 1994 08:49:37 GMT"}, body_size::sized(5), f);
  EXPECT_EQ(ok.text,
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
            "Content-Length: 5\r\n\r\n");
  EXPECT_EQ(ok.plan.body, framing::length);
  EXPECT_TRUE(ok.plan.keep_alive);
  const auto odd = response({.status = 299, .reason = "Just so"}, body_size::none());
  EXPECT_EQ(odd.text, "HTTP/1.1 299 Just so\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(odd.plan.body, framing::none);
  EXPECT_EQ(response({.status = 299}, body_size::none()).text,
            "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
}

TEST(http1_writer, writes_no_body_and_no_framing_where_none_may_be) {
  for (const int status : {100, 101, 103, 204}) {
    for (const auto body :
         {body_size::none(), body_size::sized(5), body_size::chunked(), body_size::until_close()}) {
      const auto out = response({.status = status}, body);
      EXPECT_EQ(out.text.find("Content-Length"), std::string::npos) << out.text;
      EXPECT_EQ(out.text.find("Transfer-Encoding"), std::string::npos) << out.text;
      EXPECT_EQ(out.plan.body, framing::none);
    }
  }
  const auto tunnel = response({.status = 200, .answers = method::connect}, body_size::sized(5));
  EXPECT_EQ(tunnel.text, "HTTP/1.1 200 OK\r\n\r\n");
  const auto refused = response({.status = 403, .answers = method::connect}, body_size::sized(5));
  EXPECT_EQ(refused.plan.body, framing::length);
  const auto reset = response({.status = 205}, body_size::sized(5));
  EXPECT_EQ(reset.text, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(reset.plan.body, framing::none);
}

TEST(http1_writer, describes_but_does_not_plan_the_body_of_head_and_304) {
  for (const response_line& line :
       {response_line{.status = 200, .answers = method::head}, response_line{.status = 304}}) {
    const auto sized = response(line, body_size::sized(5));
    EXPECT_NE(sized.text.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_EQ(sized.plan.body, framing::none);
    const auto chunked = response(line, body_size::chunked());
    EXPECT_NE(chunked.text.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(chunked.plan.body, framing::none);
    const auto open = response(line, body_size::until_close());
    EXPECT_TRUE(open.plan.keep_alive);
    EXPECT_EQ(response(line, body_size::none()).text.find("Content-Length"), std::string::npos);
  }
}

TEST(http1_writer, adapts_to_a_peer_of_http_1_0) {
  const auto chunked = response({.peer_minor_version = 0}, body_size::chunked());
  EXPECT_EQ(chunked.text, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(chunked.plan.body, framing::until_close);
  EXPECT_FALSE(chunked.plan.keep_alive);
  const auto sized = response({.peer_minor_version = 0}, body_size::sized(1));
  EXPECT_EQ(sized.text, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(sized.plan.keep_alive);
}

TEST(http1_writer, says_close_when_the_connection_ends) {
  EXPECT_NE(response({.keep_alive = false}, body_size::sized(1)).text.find("Connection: close\r\n"),
            std::string::npos);
  const auto open = response({}, body_size::until_close());
  EXPECT_NE(open.text.find("Connection: close\r\n"), std::string::npos);
  EXPECT_FALSE(open.plan.keep_alive);
  fields f;
  f.add("Connection", "x, Close");
  const auto own = response({}, body_size::sized(1), f);
  EXPECT_FALSE(own.plan.keep_alive);
  EXPECT_EQ(own.text.find("Connection: close"), std::string::npos);
  EXPECT_EQ(response({.status = 103, .keep_alive = false}, {}).text,
            "HTTP/1.1 103 Early Hints\r\n\r\n");
}

TEST(http1_writer, refuses_responses_that_could_be_read_as_something_else) {
  const auto error = [](const response_line& line, const fields& f = {}) {
    std::string out = "before";
    const auto done = write_response_head(out, line, f, {});
    EXPECT_EQ(out == "before", !done.has_value());
    return done ? errc{} : done.error();
  };
  EXPECT_EQ(error({.status = 99}), errc::invalid_output);
  EXPECT_EQ(error({.status = 600}), errc::invalid_output);
  EXPECT_EQ(error({.reason = "a\r\nB: c"}), errc::invalid_output);
  EXPECT_EQ(error({.reason = std::string_view("a\0", 2)}), errc::invalid_output);
  EXPECT_EQ(error({.date = "x\n"}), errc::invalid_output);
  EXPECT_EQ(error({}, fields().add("Content-Length", "1")), errc::framing_field);
  EXPECT_EQ(error({}, fields().add("transfer-encoding", "chunked")), errc::framing_field);
}

TEST(http1_writer, keeps_a_date_that_is_there) {
  fields f;
  f.add("date", "mine");
  EXPECT_EQ(response({.date = "other"}, body_size::none(), f).text,
            "HTTP/1.1 200 OK\r\ndate: mine\r\nContent-Length: 0\r\n\r\n");
}

TEST(http1_writer, writes_chunks_that_decode_to_the_same_data) {
  std::string out;
  std::string data;
  for (std::size_t size : {1U, 0U, 9U, 10U, 15U, 16U, 255U, 256U, 70000U}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    write_chunk(out, piece);
    data += piece;
  }
  write_chunk_header(out, 3);
  out.append("end").append(chunk_end);
  fields trailers;
  trailers.add("X-Sum", "1");
  ASSERT_TRUE(write_last_chunk(out, trailers));

  body_decoder body(framing::chunked);
  std::string decoded;
  std::string_view rest = out;
  while (!body.finished()) {
    const auto event = body.next(rest);
    ASSERT_TRUE(event);
    decoded += event->data;
    rest.remove_prefix(event->consumed);
  }
  EXPECT_EQ(decoded, data + "end");
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(body.trailers().find("x-sum"), "1");
}

TEST(http1_writer, refuses_trailers_that_a_decoder_would_refuse) {
  for (const char* name : {"Content-Length", "HOST", "authorization", "Set-Cookie"}) {
    std::string out;
    fields trailers;
    trailers.add("X-Ok", "1").add(name, "1");
    EXPECT_EQ(write_last_chunk(out, trailers), std::unexpected(errc::forbidden_trailer));
    EXPECT_TRUE(out.empty());
  }
}

TEST(http1_writer, writes_requests_that_parse_back_to_themselves) {
  for (const auto& text : {
           "GET /a?b=%20c HTTP/1.1\r\nHost: h:80\r\nA: b\r\n\r\n"s,
           "POST / HTTP/1.1\r\nHost: h\r\nX: \xe9\r\nContent-Length: 18446744073709551615\r\n\r\n"s,
           "PUT /%41 HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n"s,
           "X-Y / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"s,
       }) {
    request_parser parser;
    request_head head;
    ASSERT_EQ(parser.parse(text, head), text.size());
    fields f(head.fields());
    f.remove("Content-Length");
    f.remove("Transfer-Encoding");
    const request_line line{head.method_token(), head.target(), head.keep_alive()};
    EXPECT_EQ(request(line, f, {head.framing(), head.content_length()}), text);
  }
}

TEST(http1_writer, writes_responses_that_parse_back_to_themselves) {
  const std::string body = "hello";
  for (int status = 100; status <= 599; ++status) {
    for (const method answers : {method::get, method::head, method::connect}) {
      for (const auto size : {body_size::none(), body_size::sized(5), body_size::chunked(),
                              body_size::until_close()}) {
        for (const int minor : {0, 1}) {
          auto out =
              response({.status = status, .answers = answers, .peer_minor_version = minor}, size);
          response_parser parser;
          response_head head;
          ASSERT_EQ(parser.parse(out.text, answers, head), out.text.size()) << out.text;
          ASSERT_EQ(head.status(), status);
          // A length of zero is planned as "nothing to write" and read as a body of no bytes.
          const bool empty = head.framing() == framing::length && head.content_length() == 0;
          ASSERT_EQ(empty ? framing::none : head.framing(), out.plan.body) << out.text;
          if (status >= 200 && minor == 1) {
            ASSERT_EQ(head.keep_alive(), out.plan.keep_alive) << out.text;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace eddy::wire::http1
