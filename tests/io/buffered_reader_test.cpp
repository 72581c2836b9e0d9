#include <eddy/io/buffered_reader.hpp>

#include "error_code.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: strm.1 strm.2 strm.3 strm.4 strm.5 strm.6 strm.7 strm.8 strm.15

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using tests::code_of;

// A reader and the peer that feeds it.
struct connection {
  explicit connection(memory_stream_options options = {}, reader_options how = {})
      : ends(memory_stream_pair(options)), reader(ends.first, how) {}

  task<void> feed(std::string_view text) { return write_all(ends.second, text); }
  /// Feeds `text` and ends the stream.
  task<void> feed_all(std::string_view text) {
    co_await write_all(ends.second, text);
    co_await ends.second.shutdown_write();
  }

  std::pair<memory_stream, memory_stream> ends;
  buffered_reader<memory_stream> reader;
};

EDDY_TEST(buffered_reader, read_gives_one_to_n_bytes_and_the_end) {  // strm.1
  connection c;
  co_await c.feed_all("hello world");
  std::string got = co_await c.reader.read(0);
  EXPECT_EQ(got, "");
  got = co_await c.reader.read(5);
  EXPECT_EQ(got, "hello");
  got = co_await c.reader.read(100);
  EXPECT_EQ(got, " world");
  got = co_await c.reader.read(100);
  EXPECT_EQ(got, "");
}

EDDY_TEST(buffered_reader, read_some_serves_buffered_bytes_first_and_large_reads_directly) {
  connection c({}, {.chunk_size = 4});
  co_await c.feed_all("abcdefghij");
  std::array<std::byte, 8> out{};
  std::size_t n = co_await c.reader.read_some(std::span(out).first(2));
  EXPECT_EQ(text_of(std::span(out).first(n)), "ab");
  n = co_await c.reader.read_some(out);
  EXPECT_EQ(text_of(std::span(out).first(n)), "cd") << "what was buffered";
  n = co_await c.reader.read_some(out);
  EXPECT_EQ(text_of(std::span(out).first(n)), "efghij");
  n = co_await c.reader.read_some(out);
  EXPECT_EQ(n, 0u);
}

EDDY_TEST(buffered_reader, read_to_end_gives_everything_within_its_limit) {  // strm.1
  connection c;
  const std::string text(200'000, 'x');
  auto feeder = spawn([&] { return c.feed_all(text); });
  const std::string all = co_await c.reader.read_to_end(200'000);
  EXPECT_EQ(all, text);
  co_await feeder;

  connection d;
  co_await d.feed_all("123456");
  const auto too_much = co_await as_result(d.reader.read_to_end(5));
  EXPECT_EQ(code_of(too_much), errc::limit_exceeded);
  const std::string rest = co_await d.reader.read_to_end(6);
  EXPECT_EQ(rest, "123456") << "it stays readable";
}

EDDY_TEST(buffered_reader, reads_lines_also_the_last_one_without_newline) {  // strm.2
  connection c;
  co_await c.feed_all("one\ntwo\r\n\nlast");
  std::vector<std::string> lines;
  while (auto line = co_await c.reader.read_line()) lines.push_back(*line);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", "last"}));
  const auto end = co_await c.reader.read_line();
  EXPECT_EQ(end, std::nullopt);
}

EDDY_TEST(buffered_reader, finds_a_separator_that_arrives_in_pieces) {  // strm.2
  connection c({.largest_transfer = 1});
  co_await c.feed_all("head\r\n\r\nbody");
  const std::string head = co_await c.reader.read_until("\r\n\r\n");
  EXPECT_EQ(head, "head\r\n\r\n");
  const std::string body = co_await c.reader.read_to_end(100);
  EXPECT_EQ(body, "body");
}

EDDY_TEST(buffered_reader, takes_the_separator_that_ends_first) {  // strm.2
  connection c;
  co_await c.feed_all("a;b,c;");
  static constexpr std::array<std::string_view, 2> separators{",", ";"};
  std::string got = co_await c.reader.read_until(separators, 100);
  EXPECT_EQ(got, "a;");
  got = co_await c.reader.read_until(separators, 100);
  EXPECT_EQ(got, "b,");
  const auto empty = co_await as_result(c.reader.read_until(""));
  EXPECT_EQ(code_of(empty), errc::invalid_input);
}

EDDY_TEST(buffered_reader, allows_a_line_of_exactly_the_limit) {  // strm.3
  for (const std::size_t largest : {std::size_t{1}, std::size_t{100}}) {
    connection c({.largest_transfer = largest});
    co_await c.feed_all("12345\n12345\r\n123456\n");
    auto line = co_await c.reader.read_line(5);
    EXPECT_EQ(line, "12345");
    line = co_await c.reader.read_line(5);
    EXPECT_EQ(line, "12345");
    const auto long_line = co_await as_result(c.reader.read_line(5));
    EXPECT_EQ(code_of(long_line), errc::limit_exceeded);
    line = co_await c.reader.read_line(6);
    EXPECT_EQ(line, "123456");
  }
}

EDDY_TEST(buffered_reader, applies_the_limit_to_the_last_line_too) {  // strm.3
  connection c({.largest_transfer = 100});
  co_await c.feed_all("123456");
  const auto long_line = co_await as_result(c.reader.read_line(5));
  EXPECT_EQ(code_of(long_line), errc::limit_exceeded);
  const auto line = co_await c.reader.read_line(6);
  EXPECT_EQ(line, "123456");
}

EDDY_TEST(buffered_reader, keeps_data_readable_after_a_limit_error) {  // strm.4
  connection c;
  co_await c.feed_all("far too long;rest");
  const auto failed = co_await as_result(c.reader.read_until(";", 3));
  EXPECT_EQ(code_of(failed), errc::limit_exceeded);
  const std::string got = co_await c.reader.read_until(";");
  EXPECT_EQ(got, "far too long;");
}

EDDY_TEST(buffered_reader, says_what_is_missing_at_an_early_end) {  // strm.5
  connection c;
  co_await c.feed_all("abc");
  try {
    co_await c.reader.read_exactly(10);
    ADD_FAILURE() << "should have thrown";
  } catch (const incomplete_error& e) {
    EXPECT_EQ(e, errc::incomplete);
    EXPECT_EQ(e.partial(), "abc");
    EXPECT_EQ(e.expected(), 10u);
    EXPECT_EQ(e.progress(), 3u);
    EXPECT_EQ(e, condition::disconnected);
  }
  EXPECT_TRUE(c.reader.buffered().empty());

  connection d;
  co_await d.feed_all("abc");
  try {
    co_await d.reader.read_until(";");
    ADD_FAILURE() << "should have thrown";
  } catch (const incomplete_error& e) {
    EXPECT_EQ(e.partial(), "abc");
    EXPECT_EQ(e.expected(), 0u);
  }
  EXPECT_TRUE(d.reader.buffered().empty());
}

EDDY_TEST(buffered_reader, keeps_what_arrived_when_a_read_is_cancelled) {  // strm.6
  connection c;
  co_await c.feed("abc");
  auto exactly = co_await move_on_after(1s, c.reader.read_exactly(6));
  EXPECT_EQ(exactly, std::nullopt);
  co_await c.feed("def");
  auto until = co_await move_on_after(1s, c.reader.read_until(";"));
  EXPECT_EQ(until, std::nullopt);
  co_await c.feed("ghi;");
  const std::string got = co_await c.reader.read_exactly(10);
  EXPECT_EQ(got, "abcdefghi;");
}

EDDY_TEST(buffered_reader, tells_a_second_reader_that_it_is_busy) {  // strm.7
  connection c;
  auto first = spawn([&] { return c.reader.read_exactly(4); });
  co_await settle();
  const auto second = co_await as_result(c.reader.read(1));
  EXPECT_EQ(code_of(second), errc::busy);
  co_await c.feed("abcd");
  const std::string& got = co_await first;
  EXPECT_EQ(got, "abcd");
}

EDDY_TEST(buffered_reader, fails_a_wait_when_the_stream_is_closed) {  // strm.8
  connection c;
  auto waiting = spawn([&] { return c.reader.read_line(); });
  co_await settle();
  co_await c.ends.first.close();
  const auto ended = co_await as_result(waiting);
  EXPECT_EQ(code_of(ended), errc::closed);
}

EDDY_TEST(buffered_reader, is_refused_in_a_cancelled_scope_although_bytes_are_buffered) {
  connection c;
  co_await c.feed("one\ntwo\n");
  const auto first = co_await c.reader.read_line();
  EXPECT_EQ(first, "one");
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    co_await c.reader.read_line();
  });
  EXPECT_FALSE(finished);
  const auto second = co_await c.reader.read_line();
  EXPECT_EQ(second, "two");
}

EDDY_TEST(buffered_reader, lets_a_parser_look_ask_for_more_and_consume) {
  connection c({.largest_transfer = 4}, {.chunk_size = 8, .limit = 10});
  co_await c.feed_all("abcdefghijkl");
  EXPECT_TRUE(c.reader.buffered().empty());
  std::size_t more = co_await c.reader.fill();
  EXPECT_EQ(more, 4u);
  more = co_await c.reader.fill();
  EXPECT_EQ(text_of(c.reader.buffered()), "abcdefgh");
  c.reader.consume(1);
  more = co_await c.reader.fill();
  EXPECT_EQ(more, 3u);
  EXPECT_EQ(text_of(c.reader.buffered()), "bcdefghijk") << "up to the limit";
  const auto full = co_await as_result(c.reader.fill());
  EXPECT_EQ(code_of(full), errc::limit_exceeded);
  c.reader.consume(10);
  more = co_await c.reader.fill();
  EXPECT_EQ(text_of(c.reader.buffered()), "l");
  more = co_await c.reader.fill();
  EXPECT_EQ(more, 0u);
  EXPECT_EQ(text_of(c.reader.buffered()), "l") << "the end takes nothing away";
}

EDDY_TEST(buffered_reader, gives_its_memory_back_when_idle) {
  connection c;
  EXPECT_EQ(c.reader.buffer_capacity(), 0u) << "none before the first read";
  co_await c.feed("one\ntwo\n");
  auto line = co_await c.reader.read_line();
  c.reader.release_buffer();
  EXPECT_GT(c.reader.buffer_capacity(), 0u) << "a line is unread";
  line = co_await c.reader.read_line();
  EXPECT_EQ(line, "two");
  c.reader.release_buffer();
  EXPECT_EQ(c.reader.buffer_capacity(), 0u);

  auto waiting = spawn([&] { return c.reader.read_line(); });
  co_await settle();
  c.reader.release_buffer();
  co_await c.feed("three\n");
  const auto& third = co_await waiting;
  EXPECT_EQ(third, "three") << "not while somebody reads";
}

EDDY_TEST(buffered_reader, does_not_allocate_for_a_number_alone) {
  connection c;
  co_await c.feed_all("abc");
  const auto ended = co_await as_result(c.reader.read_exactly(std::size_t{1} << 60));
  EXPECT_EQ(code_of(ended), errc::incomplete);
  EXPECT_LE(c.reader.buffer_capacity(), 64u * 1024);
}

EDDY_TEST(buffered_reader, reads_megabytes_through_an_any_stream_in_order) {  // strm.15
  auto [near, far] = memory_stream_pair({.capacity = 5000, .largest_transfer = 1231});
  any_stream stream(std::move(near));
  buffered_reader reader(stream, {.chunk_size = 4096});
  std::string text;
  for (int i = 0; text.size() < 2'000'000; ++i) text += std::to_string(i) + "\n";
  auto writer = spawn([&]() -> task<void> {
    co_await write_all(far, text);
    co_await far.close();
  });
  std::string half = co_await reader.read_exactly(1'000'000);
  const std::string rest = co_await reader.read_to_end(text.size());
  half += rest;
  EXPECT_EQ(half, text);
  co_await writer;
}

TEST(reader_options, that_are_zero_throw_invalid_input) {
  auto ends = memory_stream_pair();
  EXPECT_THROW(buffered_reader(ends.first, {.chunk_size = 0}), error);
  EXPECT_THROW(buffered_reader(ends.first, {.limit = 0}), error);
}

}  // namespace
}  // namespace eddy::io
