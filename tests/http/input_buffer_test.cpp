// Where a server's connection reads to: what moves, and what does not.
#include "input_buffer.hpp"

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace eddy::http::detail {
namespace {

void put(input_buffer& buffer, std::span<std::byte> room, std::string_view text) {
  ASSERT_LE(text.size(), room.size());
  std::memcpy(room.data(), text.data(), text.size());
  buffer.commit(text.size());
}

TEST(input_buffer, has_memory_once_somebody_reads) {
  input_buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.unread(), "");
  EXPECT_TRUE(buffer.spare_room().empty());
  put(buffer, buffer.head_room(), "GET");
  EXPECT_EQ(buffer.unread(), "GET");
  buffer.consume(1);
  EXPECT_EQ(buffer.unread(), "ET");
  EXPECT_EQ(buffer.take(), "ET");
  EXPECT_TRUE(buffer.empty());
  EXPECT_TRUE(buffer.spare_room().empty());
}

TEST(input_buffer, takes_a_head_of_any_size_in_pieces) {
  input_buffer buffer;
  std::string all;
  for (int i = 0; i < 40; ++i) {
    const std::string piece(1000, static_cast<char>('a' + i % 26));
    put(buffer, buffer.head_room(), piece);
    all += piece;
  }
  EXPECT_EQ(buffer.unread(), all);
  const std::string last(buffer.spare_room().size(), 'z');
  put(buffer, buffer.spare_room(), last);
  const std::size_t capacity = all.size() + last.size();
  buffer.consume(capacity - 500);
  EXPECT_EQ(buffer.head_room().size(), capacity - 500) << "the rest has moved to the front";
  EXPECT_EQ(buffer.unread(), last.substr(last.size() - 500));
}

TEST(input_buffer, holds_a_head_while_its_body_is_read) {
  input_buffer buffer;
  put(buffer, buffer.head_room(), "head" + std::string(2000, 'x'));
  const std::string_view head = buffer.hold(4, true);
  EXPECT_EQ(head, "head");
  buffer.consume(2000);
  for (int piece = 0; piece < 50; ++piece) {
    const std::string text(700, static_cast<char>('a' + piece % 26));
    put(buffer, buffer.body_room(), text);
    EXPECT_EQ(buffer.unread(), text) << "over the data before";
    buffer.consume(700);
  }
  EXPECT_EQ(head, "head");
}

TEST(input_buffer, moves_what_is_unread_of_a_body_to_right_behind_the_head) {
  input_buffer buffer;
  put(buffer, buffer.head_room(), "head");
  const std::string_view head = buffer.hold(4, true);
  std::span<std::byte> room = buffer.body_room();
  put(buffer, room, std::string(room.size() - 100, 'x'));
  buffer.consume(room.size() - 110);
  EXPECT_EQ(buffer.unread(), "xxxxxxxxxx");
  EXPECT_EQ(buffer.body_room().size(), room.size() - 10);
  EXPECT_EQ(buffer.unread(), "xxxxxxxxxx");
  EXPECT_EQ(head, "head");
}

TEST(input_buffer, makes_room_for_a_body_behind_a_head_that_fills_it) {
  input_buffer buffer;
  std::span<std::byte> room = buffer.head_room();
  const std::string text(room.size() - 10, 'h');
  put(buffer, room, text);
  const std::string_view head = buffer.hold(text.size(), true);
  EXPECT_EQ(head, text);
  EXPECT_GE(buffer.body_room().size(), 1024U);
  put(buffer, buffer.body_room(), "body");
  EXPECT_EQ(buffer.unread(), "body");
  EXPECT_EQ(head, text);
}

TEST(input_buffer, gives_back_what_is_beyond_the_usual_when_it_is_empty) {
  input_buffer buffer;
  const std::size_t usual = buffer.head_room().size();
  for (int i = 0; i < 40; ++i) put(buffer, buffer.head_room(), std::string(1000, 'x'));
  buffer.trim();
  EXPECT_EQ(buffer.unread().size(), 40'000U) << "not what is in use";
  buffer.consume(40'000);
  EXPECT_GT(buffer.scratch_room().size(), usual);
  buffer.trim();
  EXPECT_TRUE(buffer.spare_room().empty());
  EXPECT_EQ(buffer.head_room().size(), usual);
}

}  // namespace
}  // namespace eddy::http::detail
