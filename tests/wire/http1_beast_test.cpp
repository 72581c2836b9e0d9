// Boost.Beast as a second opinion: what we accept as a plain, well-formed message, Beast has to
// read the same way. (It accepts more than we do, which is why it is not the parser.)
#include "http1_cases.hpp"
#include "http1_transcript.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>

#include <eddy/base/random.hpp>

namespace eddy::wire::http1 {
namespace {

namespace http = boost::beast::http;
namespace net = boost::asio;

// Beast keeps lines of the same name together, and trailers with the head, so lines are sorted.
std::string sorted_lines(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  std::string out;
  for (const auto& line : lines) out.append("\n").append(line);
  return out;
}

// Body and fields of one message as a parser of Beast sees them; "error: ..." if it refuses.
template <typename Parser>
std::string feed(Parser& parser, std::string_view bytes) {
  parser.header_limit(64 * 1024);
  parser.eager(true);
  boost::beast::error_code error;
  while (!bytes.empty() && !parser.is_done()) {
    const std::size_t used = parser.put(net::buffer(bytes.data(), bytes.size()), error);
    if (error) return "error: " + error.message();
    if (used == 0) return "error: stuck";
    bytes.remove_prefix(used);
  }
  if (parser.need_eof()) parser.put_eof(error);
  if (error || !parser.is_done()) return "error: incomplete";
  std::vector<std::string> lines;
  for (const auto& field : parser.get()) {
    lines.push_back(std::string(field.name_string()) + "=" + std::string(field.value()));
  }
  return parser.get().body() + sorted_lines(std::move(lines));
}

std::string our_fields(const field_table& parsed, const field_table& trailers) {
  std::vector<std::string> lines;
  for (const auto* table : {&parsed, &trailers}) {
    for (const auto field : *table) {
      lines.push_back(std::string(field.name) + "=" + std::string(field.value));
    }
  }
  return sorted_lines(std::move(lines));
}

std::string read_body(body_decoder& body, std::string_view rest) {
  std::string data;
  while (!body.finished()) {
    const auto event = body.next(rest);
    if (!event) return "error: " + make_error_code(event.error()).message();
    if (event->kind == body_decoder::event_kind::need_more && !body.finish()) return "error: more";
    data += event->data;
    rest.remove_prefix(event->consumed);
  }
  return data;
}

TEST(http1_beast, reads_the_requests_we_accept_as_we_do) {
  int compared = 0;
  for (const auto& good : test::accepted_requests()) {
    request_parser parser;
    request_head head;
    const auto size = parser.parse(good.bytes, head);
    ASSERT_TRUE(size);
    // Beast does not skip the one empty line that RFC 9112 section 2.2 allows.
    if (good.bytes.starts_with("\r\n")) continue;
    auto body = head.body();
    const std::string data = read_body(body, std::string_view(good.bytes).substr(*size));

    http::request_parser<http::string_body> theirs;
    const std::string seen = feed(theirs, good.bytes);
    EXPECT_EQ(theirs.get().method_string(), head.method_token()) << good.bytes;
    EXPECT_EQ(theirs.get().target(), head.target()) << good.bytes;
    EXPECT_EQ(theirs.get().version(), 10U + static_cast<unsigned>(head.minor_version()));
    EXPECT_EQ(theirs.get().keep_alive(), head.keep_alive()) << good.bytes;
    EXPECT_EQ(seen, data + our_fields(head.fields(), body.trailers())) << good.bytes;
    ++compared;
  }
  EXPECT_GT(compared, 30);
}

TEST(http1_beast, reads_random_well_formed_messages_as_we_do) {
  random_source random(4);
  const auto below = [&random](std::size_t bound) {
    return static_cast<std::size_t>(random.below(bound));
  };
  for (int round = 0; round < 2000; ++round) {
    fields headers;
    headers.add("Host", "h" + std::to_string(below(100)));
    for (std::size_t i = below(12); i > 0; --i) {
      std::string value;
      for (std::size_t size = below(60); size > 0; --size) {
        value += static_cast<char>(0x20 + below(0x5f));
      }
      headers.add("X-" + std::to_string(below(6)), value);
    }
    std::string data;
    for (std::size_t size = below(300); size > 0; --size) data += static_cast<char>(below(256));
    const bool chunked = below(2) == 0;
    std::string text;
    const std::string target = "/r?" + std::string(below(50), 'q');
    const request_line line{"POST", target, below(2) == 0};
    ASSERT_TRUE(write_request_head(text, line, headers,
                                   chunked ? body_size::chunked() : body_size::sized(data.size())));
    if (chunked) {
      for (std::string_view rest = data; !rest.empty();) {
        const std::size_t size = std::min<std::size_t>(rest.size(), 1 + below(100));
        write_chunk(text, rest.substr(0, size));
        rest.remove_prefix(size);
      }
      text += last_chunk;
    } else {
      text += data;
    }

    request_parser parser;
    request_head head;
    const auto size = parser.parse(text, head);
    ASSERT_TRUE(size) << text;
    auto body = head.body();
    ASSERT_EQ(read_body(body, std::string_view(text).substr(*size)), data);
    http::request_parser<http::string_body> theirs;
    ASSERT_EQ(feed(theirs, text), data + our_fields(head.fields(), body.trailers())) << text;
    ASSERT_EQ(theirs.get().keep_alive(), head.keep_alive()) << text;
  }
}

TEST(http1_beast, reads_the_responses_we_accept_as_we_do) {
  int compared = 0;
  for (const auto& bytes : test::accepted_responses()) {
    response_parser parser;
    response_head head;
    const auto size = parser.parse(bytes, method::get, head);
    ASSERT_TRUE(size);
    if (head.is_interim()) continue;
    auto body = head.body();
    const std::string data = read_body(body, std::string_view(bytes).substr(*size));
    http::response_parser<http::string_body> theirs;
    const std::string seen = feed(theirs, bytes);
    EXPECT_EQ(theirs.get().result_int(), static_cast<unsigned>(head.status())) << bytes;
    // Beast puts the usual phrase in place of an empty one.
    if (!head.reason().empty()) {
      EXPECT_EQ(theirs.get().reason(), head.reason()) << bytes;
    }
    EXPECT_EQ(seen, data + our_fields(head.fields(), body.trailers())) << bytes;
    ++compared;
  }
  EXPECT_GT(compared, 8);
}

}  // namespace
}  // namespace eddy::wire::http1
