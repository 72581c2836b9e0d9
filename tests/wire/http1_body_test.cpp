#include <eddy/wire/http1_body.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace eddy::wire::http1 {
namespace {

using kind = body_decoder::event_kind;

struct decoded {
  std::string data;
  std::size_t consumed = 0;
  bool ended = false;
  errc error{};

  friend bool operator==(const decoded&, const decoded&) = default;
};

// Gives `bytes` to the decoder in pieces and gathers what comes out.
decoded decode(body_decoder& body, std::string_view bytes, std::size_t piece) {
  decoded out;
  for (std::size_t i = 0; i < bytes.size() && !out.ended; i += piece) {
    std::string_view part = bytes.substr(i, piece);
    while (!out.ended) {
      const auto event = body.next(part);
      if (!event) {
        out.error = event.error();
        return out;
      }
      out.data += event->data;
      out.consumed += event->consumed;
      part.remove_prefix(event->consumed);
      if (event->kind == kind::need_more) {
        EXPECT_TRUE(part.empty());
        break;
      }
      EXPECT_EQ(event->kind == kind::data, !event->data.empty());
      out.ended = event->kind == kind::end;
    }
  }
  return out;
}

decoded decode_chunks(std::string_view bytes, std::size_t piece = 1000) {
  body_decoder body(framing::chunked);
  return decode(body, bytes, piece);
}

TEST(http1_body, is_over_at_once_without_a_body) {
  body_decoder none;
  EXPECT_TRUE(none.finished());
  const auto event = none.next("GET / HTTP/1.1");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, kind::end);
  EXPECT_EQ(event->consumed, 0U);
  EXPECT_TRUE(body_decoder(framing::length, 0).finished());
  EXPECT_TRUE(body_decoder(framing::none, 5).finished());
}

TEST(http1_body, takes_exactly_the_announced_length) {
  for (std::size_t piece : {1U, 2U, 4U, 100U}) {
    body_decoder body(framing::length, 5);
    const auto out = decode(body, "hellonext", piece);
    EXPECT_EQ(out, (decoded{"hello", 5, true, {}}));
  }
}

TEST(http1_body, gives_data_as_views_into_the_bytes) {
  const std::string bytes = "5\r\nhello\r\n0\r\n\r\n";
  body_decoder body(framing::chunked);
  const auto event = body.next(bytes);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->data.data(), bytes.data() + 3);
  EXPECT_EQ(event->data, "hello");
  EXPECT_EQ(event->consumed, 8U);
}

TEST(http1_body, says_what_is_still_to_come) {
  body_decoder body(framing::length, 18'446'744'073'709'551'615U);
  EXPECT_EQ(body.remaining(), 18'446'744'073'709'551'615U);
  ASSERT_TRUE(body.next("abc"));
  EXPECT_EQ(body.remaining(), 18'446'744'073'709'551'612U);
  EXPECT_FALSE(body.finished());
}

TEST(http1_body, decodes_chunks_alike_cut_at_every_byte) {
  const std::string good =
      "5;q=\"\\\"\"\r\nhello\r\nA\r\n, world...\r\n0;z\r\nX: 1\r\nY: 2\r\n\r\nGET";
  for (std::size_t piece = 1; piece <= good.size(); ++piece) {
    EXPECT_EQ(decode_chunks(good, piece), (decoded{"hello, world...", good.size() - 3, true, {}}));
  }
}

TEST(http1_body, ends_again_after_the_end) {
  body_decoder body(framing::chunked);
  EXPECT_TRUE(decode(body, "0\r\n\r\n", 1).ended);
  for (const char* more : {"", "x", "5\r\nhello\r\n"}) {
    const auto event = body.next(more);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, kind::end);
    EXPECT_EQ(event->consumed, 0U);
  }
}

TEST(http1_body, keeps_trailers_apart_until_the_message_is_over) {
  const std::string bytes = "0\r\nX-Sum: 42\r\nServer-Timing: db\r\n\r\nrest";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    body_decoder body(framing::chunked);
    EXPECT_TRUE(
        decode(body, std::string_view(bytes).substr(0, bytes.size() - 6), piece).data.empty());
    EXPECT_FALSE(body.finished());
    EXPECT_TRUE(body.trailers().empty());
    const auto out = decode(body, std::string_view(bytes).substr(bytes.size() - 6), piece);
    EXPECT_TRUE(out.ended);
    EXPECT_EQ(out.consumed, 2U);
    ASSERT_EQ(body.trailers().size(), 2U);
    EXPECT_EQ(body.trailers().find("x-sum"), "42");
    EXPECT_EQ(body.trailers()[1].value, "db");
  }
}

TEST(http1_body, keeps_trailers_valid_when_the_decoder_moves) {
  body_decoder body(framing::chunked);
  ASSERT_TRUE(decode(body, "0\r\nA: b\r\n\r\n", 1).ended);
  const body_decoder moved = std::move(body);
  EXPECT_EQ(moved.trailers().find("a"), "b");
}

TEST(http1_body, reads_sizes_up_to_64_bits) {
  body_decoder body(framing::chunked);
  const auto event = body.next("FFFFffffFFFFffff\r\nx");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->data, "x");
  EXPECT_EQ(body.remaining(), 0xffff'ffff'ffff'fffeU);
}

TEST(http1_body, refuses_a_bad_chunk_line_before_it_is_complete) {
  EXPECT_EQ(decode_chunks("x").error, errc::bad_chunk_size);
  EXPECT_EQ(decode_chunks("5 ").error, errc::bad_chunk_size);
  EXPECT_EQ(decode_chunks("5\n").error, errc::bad_line_end);
  EXPECT_EQ(decode_chunks("5;\r").error, errc::bad_chunk_extension);
  EXPECT_EQ(decode_chunks("11111111111111111").error, errc::bad_chunk_size);
}

TEST(http1_body, applies_its_limits_to_the_byte) {
  limits bounds;
  bounds.max_chunk_extension = 4;
  bounds.max_chunk_extensions_total = 8;
  bounds.max_trailers = 10;
  bounds.max_trailer_fields = 1;
  const auto error = [&bounds](std::string_view bytes) {
    body_decoder body(framing::chunked, 0, bounds);
    return decode(body, bytes, 3).error;
  };
  EXPECT_EQ(error("1;abc\r\nx\r\n0\r\n\r\n"), errc{});
  EXPECT_EQ(error("1;abcd\r\nx\r\n0\r\n\r\n"), errc::chunk_extension_too_long);
  EXPECT_EQ(error("1;abc\r\nx\r\n1;abc\r\nx\r\n0\r\n\r\n"), errc{});
  EXPECT_EQ(error("1;abc\r\nx\r\n1;abc\r\nx\r\n0;a\r\n\r\n"), errc::chunk_extension_too_long);
  EXPECT_EQ(error("0\r\nA: 345\r\n\r\n"), errc{});
  EXPECT_EQ(error("0\r\nA: 3456\r\n\r\n"), errc::trailers_too_large);
  bounds.max_trailers = 100;
  EXPECT_EQ(error("0\r\nA: 3\r\nB: 4\r\n\r\n"), errc::trailers_too_large);
}

TEST(http1_body, reads_until_close_and_knows_what_is_missing) {
  body_decoder open(framing::until_close);
  EXPECT_EQ(decode(open, "anything\r\n\r\n", 3).data, "anything\r\n\r\n");
  EXPECT_FALSE(open.finished());
  EXPECT_TRUE(open.finish());
  EXPECT_TRUE(open.finished());

  body_decoder sized(framing::length, 5);
  EXPECT_EQ(decode(sized, "hell", 9).data, "hell");
  EXPECT_EQ(sized.finish(), std::unexpected(errc::incomplete_message));
  body_decoder chunked(framing::chunked);
  EXPECT_EQ(decode(chunked, "5\r\nhello\r\n0\r\n\r", 9).data, "hello");
  EXPECT_EQ(chunked.finish(), std::unexpected(errc::incomplete_message));
  body_decoder none;
  EXPECT_TRUE(none.finish());
}

}  // namespace
}  // namespace eddy::wire::http1
