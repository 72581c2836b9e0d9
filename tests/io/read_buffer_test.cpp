#include <eddy/io/read_buffer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/io/stream.hpp>

// Cases: strm.2 strm.3, on the buffer alone.

namespace eddy::io {
namespace {

using outcome = separator_match::result;

void append(read_buffer& buffer, std::string_view text) {
  buffer.make_room(text.size());
  std::ranges::copy(bytes_of(text), buffer.room().begin());
  buffer.commit(text.size());
}

separator_match find_in(std::string_view text, std::vector<std::string_view> separators,
                        std::size_t limit = 1000) {
  read_buffer buffer;
  append(buffer, text);
  std::size_t searched = 0;
  return buffer.find(separators, limit, searched);
}

TEST(read_buffer, keeps_bytes_in_order_while_it_moves_and_grows) {
  read_buffer buffer;
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string text(static_cast<std::size_t>(i % 13), static_cast<char>('a' + i % 26));
    append(buffer, text);
    expected += text;
    const std::size_t n = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(i % 11));
    EXPECT_EQ(buffer.take(n), expected.substr(0, n));
    expected.erase(0, n);
    ASSERT_EQ(text_of(buffer.unread()), expected);
  }
}

TEST(read_buffer, does_not_grow_when_what_is_read_is_consumed) {
  read_buffer buffer;
  append(buffer, std::string(100, 'x'));
  const std::size_t capacity = buffer.capacity();
  for (int i = 0; i < 1000; ++i) {
    buffer.consume(buffer.size());
    append(buffer, std::string(100, 'y'));
  }
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(read_buffer, gives_memory_back_only_when_nothing_is_unread) {
  read_buffer buffer;
  append(buffer, "ab");
  buffer.release();
  EXPECT_EQ(text_of(buffer.unread()), "ab");
  buffer.consume(2);
  buffer.release();
  EXPECT_EQ(buffer.capacity(), 0u);
  append(buffer, "cd");
  EXPECT_EQ(text_of(buffer.unread()), "cd");
}

TEST(read_buffer, finds_the_separator_that_ends_first) {  // strm.2
  EXPECT_EQ(find_in("one,two;three", {";", ","}).end, 4u);
  EXPECT_EQ(find_in("xxabcxx", {"abc", "b"}).end, 4u);
  EXPECT_EQ(find_in("xxabcxx", {"bc", "abc"}).separator_size, 3u) << "ending together: the longest";
  EXPECT_EQ(find_in("line\r\n", {"\n", "\r\n"}).separator_size, 2u);
  EXPECT_EQ(find_in("nothing", {"\r\n"}).outcome, outcome::not_yet);
  EXPECT_EQ(find_in("\n", {"\n"}).end, 1u);
}

TEST(read_buffer, finds_a_separator_that_arrives_in_pieces) {  // strm.2
  const std::array<std::string_view, 1> separators{"--boundary"};
  const std::string text = "body--boundar--boundary rest";
  read_buffer buffer;
  std::size_t searched = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    append(buffer, text.substr(i, 1));
    const auto match = buffer.find(separators, 100, searched);
    if (match.outcome == outcome::found) {
      EXPECT_EQ(match.end, i + 1);
      EXPECT_EQ(match.end, std::string_view("body--boundar--boundary").size());
      return;
    }
    ASSERT_EQ(match.outcome, outcome::not_yet);
  }
  FAIL() << "not found";
}

TEST(read_buffer, counts_the_limit_without_the_separator) {  // strm.3
  EXPECT_EQ(find_in("12345\n", {"\n"}, 5).outcome, outcome::found);
  EXPECT_EQ(find_in("123456\n", {"\n"}, 5).outcome, outcome::too_long);
  EXPECT_EQ(find_in("12345", {"\n"}, 5).outcome, outcome::not_yet);
  EXPECT_EQ(find_in("123456", {"\n"}, 5).outcome, outcome::too_long);
  EXPECT_EQ(find_in("12345\r", {"\r\n"}, 5).outcome, outcome::not_yet);
  EXPECT_EQ(find_in("12345\r\n", {"\r\n"}, 5).outcome, outcome::found);
  EXPECT_EQ(find_in("123456\r", {"\r\n"}, 5).outcome, outcome::too_long);
  EXPECT_EQ(find_in("", {"\n"}, 0).outcome, outcome::not_yet);
  EXPECT_EQ(find_in("\n", {"\n"}, 0).outcome, outcome::found);
  EXPECT_EQ(find_in("x", {"\n"}, 0).outcome, outcome::too_long);
}

TEST(read_buffer_mistakes, consuming_more_than_there_is_stops_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  read_buffer buffer;
  append(buffer, "ab");
  EXPECT_DEATH(buffer.consume(3), "more bytes were consumed than are buffered");
}

}  // namespace
}  // namespace eddy::io
