// Reading and writing heads and bodies allocates nothing in steady state.
#include "heap_count.hpp"

#ifdef EDDY_COUNTS_HEAP

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <eddy/wire/http1.hpp>

namespace eddy::wire::http1 {
namespace {

TEST(http1_allocation, is_counted) {
  const std::size_t before = tests::allocations;
  ::operator delete(::operator new(16));  // as a call, not an expression that may be left out
  EXPECT_EQ(tests::allocations, before + 1);
}

// The second and later rounds of `round` allocate nothing.
template <typename Round>
void expect_no_allocation(Round round) {
  round();
  const std::size_t before = tests::allocations;
  for (int i = 0; i < 100; ++i) round();
  EXPECT_EQ(tests::allocations, before);
}

TEST(http1_allocation, reading_requests_makes_none_in_steady_state) {
  std::string text = "POST /a%20b/../c?q=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n";
  for (int i = 0; i < 50; ++i) text += "Field-" + std::to_string(i) + ": value\r\n";
  text += "\r\n";
  const std::string body_text = "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";
  request_parser parser;
  request_head head;
  expect_no_allocation([&] {
    for (std::size_t size = 100; size < text.size(); size += 100) {
      ASSERT_EQ(parser.parse(std::string_view(text).substr(0, size), head), 0U);
    }
    ASSERT_EQ(parser.parse(text, head), text.size());
    auto body = head.body();
    std::string_view rest = body_text;
    while (!body.finished()) {
      const auto event = body.next(rest);
      ASSERT_TRUE(event);
      rest.remove_prefix(event->consumed);
    }
  });
}

TEST(http1_allocation, reading_responses_makes_none_in_steady_state) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello";
  response_parser parser;
  response_head head;
  expect_no_allocation([&] {
    const auto size = parser.parse(text, method::get, head);
    ASSERT_TRUE(size);
    auto body = head.body();
    ASSERT_TRUE(body.next(std::string_view(text).substr(*size)));
    ASSERT_TRUE(body.finished());
  });
}

TEST(http1_allocation, writing_makes_none_in_steady_state) {
  fields headers;
  std::string out;
  expect_no_allocation([&] {
    headers.clear();
    headers.add("Content-Type", "text/plain").add("Server", "eddy");
    out.clear();
    ASSERT_TRUE(write_response_head(out, {.date = "Sun, 06 Nov 1994 08:49:37 GMT"}, headers,
                                    body_size::chunked()));
    write_chunk(out, "hello");
    out += last_chunk;
  });
}

}  // namespace
}  // namespace eddy::wire::http1

#endif
