#include "websocket_invariants.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>

namespace eddy::wire::websocket {
namespace {

using ::testing::ElementsAre;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string raw(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

std::string compressed_frame(std::string_view payload, bool final = true,
                             opcode code = opcode::text) {
  std::string out;
  write_frame(out, {.code = code, .final = final, .compressed = code != opcode::continuation},
              bytes_of(payload));
  return out;
}

test::transcript inflate_all(std::string_view bytes, std::size_t piece = std::string_view::npos) {
  return test::decode(bytes, role::client, true, piece);
}

std::string random_text(std::size_t size) {
  std::string text;
  std::uint64_t state = 1;
  while (text.size() < size) {
    state = state * 6364136223846793005 + 1442695040888963407;
    text.push_back(static_cast<char>('a' + (state >> 60)));
  }
  return text;
}

// RFC 7692 section 7.2.3 has these bytes.
TEST(websocket_deflate, reads_the_examples_of_rfc_7692) {
  const std::string hello = raw({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  EXPECT_THAT(inflate_all(compressed_frame(hello)).told, ElementsAre("text:Hello"));
  EXPECT_THAT(inflate_all(compressed_frame(hello.substr(0, 3), false) +
                          compressed_frame(hello.substr(3), true, opcode::continuation))
                  .told,
              ElementsAre("text:Hello"));
  const std::string with_window = raw({0xf2, 0x00, 0x11, 0x00, 0x00});
  EXPECT_THAT(inflate_all(compressed_frame(hello) + compressed_frame(with_window)).told,
              ElementsAre("text:Hello", "text:Hello"));
  const std::string stored =
      raw({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00});
  EXPECT_THAT(inflate_all(compressed_frame(stored)).told, ElementsAre("text:Hello"));
  const std::string final_block = raw({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00});
  EXPECT_THAT(inflate_all(compressed_frame(final_block) + compressed_frame(with_window)).told,
              ElementsAre("text:Hello", "text:Hello"));
  const std::string two_blocks =
      raw({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00});
  EXPECT_THAT(inflate_all(compressed_frame(two_blocks)).told, ElementsAre("text:Hello"));
  EXPECT_THAT(inflate_all(compressed_frame(raw({0x00}))).told, ElementsAre("text:"));
  EXPECT_THAT(inflate_all(compressed_frame("")).told, ElementsAre("text:"));
}

TEST(websocket_deflate, messages_of_all_sizes_come_back) {
  for (const std::size_t size : {0U, 1U, 64U, 1000U, 16384U, 16385U, 200'000U}) {
    EXPECT_EQ(test::check_round_trip(std::string(size, 'x'), true, 1000), "");
    EXPECT_EQ(test::check_round_trip(random_text(size), true, 4096), "");
  }
}

TEST(websocket_deflate, every_window_and_takeover_fits_its_decompressor) {
  const std::string text = random_text(3000);
  for (int bits = 8; bits <= 15; ++bits) {
    for (const bool keep : {false, true}) {
      const auto window = static_cast<std::uint8_t>(bits);
      deflater compressing({.window_bits = window, .keep_context = keep});
      test::transcriber reading(
          decoder(role::client, test::test_limits, inflater_options{window, keep}));
      for (int i = 0; i < 3; ++i) {
        std::string payload;
        compressing.compress(bytes_of(text), payload);
        ASSERT_TRUE(reading.give(compressed_frame(payload)));
        EXPECT_EQ(compressing.has_context(), keep);
      }
      EXPECT_THAT(reading.said.told, ElementsAre("text:" + text, "text:" + text, "text:" + text))
          << bits;
    }
  }
}

TEST(websocket_deflate, takeover_pays_and_costs_memory_only_once_used) {
  deflater keeping({});
  deflater forgetting({.keep_context = false});
  EXPECT_FALSE(keeping.has_context());
  const std::string text = random_text(500);
  std::string first;
  std::string second;
  keeping.compress(bytes_of(text), first);
  keeping.compress(bytes_of(text), second);
  EXPECT_LT(second.size(), first.size() / 4);
  std::string third;
  forgetting.compress(bytes_of(text), third);
  EXPECT_EQ(third, first);
  EXPECT_FALSE(forgetting.has_context());
}

TEST(websocket_deflate, a_bomb_stops_at_the_limit_and_in_small_pieces) {
  std::string bomb;
  deflater({}).compress(bytes_of(std::string(60'000'000, '\0')), bomb);
  ASSERT_LT(bomb.size(), test::test_limits.frame);
  const auto got = inflate_all(compressed_frame(bomb, true, opcode::binary));
  EXPECT_EQ(got.failure, errc::message_too_big);
  EXPECT_LE(got.open.size(), test::test_limits.message);
  EXPECT_LE(got.largest, inflater::piece_size);
}

TEST(websocket_deflate, broken_data_and_broken_texts_are_refused) {
  EXPECT_EQ(inflate_all(compressed_frame(raw({0xff, 0xff, 0xff}))).failure,
            errc::bad_compressed_data);
  std::string payload;
  deflater({}).compress(bytes_of("ab\xff"), payload);
  EXPECT_EQ(inflate_all(compressed_frame(payload)).failure, errc::bad_utf8);
  EXPECT_EQ(test::decode(compressed_frame(payload), role::client, false).failure,
            errc::reserved_bits);
  EXPECT_EQ(inflate_all(raw({0x01, 0x00, 0xc0})).failure, errc::reserved_bits);
}

TEST(websocket_deflate, the_first_thing_wrong_counts_however_the_input_is_cut) {
  // A stored block with a byte that is not UTF-8, and a block of no kind.
  const std::string broken = compressed_frame(raw({0, 1, 0, 0xfe, 0xff, 0xff, 0x07}));
  // The last byte within the limit of the tests is not UTF-8.
  std::string packed;
  const std::string long_text = std::string(99'999, 'a') + '\xff' + std::string(1000, 'a');
  deflater({}).compress(bytes_of(long_text), packed);
  for (const std::string& stream : {broken, compressed_frame(packed)}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
      EXPECT_EQ(inflate_all(stream, piece).failure, errc::bad_utf8) << piece;
    }
  }
}

TEST(websocket_deflate, means_the_same_however_the_input_is_cut) {
  deflater compressing({});
  std::string stream;
  for (const std::size_t size : {10U, 5000U, 90'000U}) {
    std::string payload;
    compressing.compress(bytes_of(random_text(size)), payload);
    const std::size_t half = payload.size() / 2;
    stream += compressed_frame(payload.substr(0, half), false);
    write_frame(stream, {.code = opcode::ping}, bytes_of("p"));
    stream += compressed_frame(payload.substr(half), true, opcode::continuation);
  }
  EXPECT_EQ(inflate_all(stream).told.size(), 6U);
  for (const std::size_t piece : {1U, 3U, 200U, 10'000U}) {
    EXPECT_EQ(test::check_decoding(stream, role::client, true, piece), "");
  }
}

// --- negotiation ---

std::string answer_to(std::string_view offers, const deflate_parameters& wanted = {}) {
  const auto made = answer_deflate_offer(offers, wanted);
  if (!made) return "refused";
  return *made ? (*made)->text : "declined";
}

TEST(websocket_deflate, a_server_takes_the_first_offer_it_can) {
  EXPECT_EQ(answer_to(""), "declined");
  EXPECT_EQ(answer_to("x-snappy, permessage-deflate"), "permessage-deflate");
  EXPECT_EQ(answer_to("permessage-deflate; unknown, permessage-deflate; client_max_window_bits"),
            "permessage-deflate");
  EXPECT_EQ(answer_to("permessage-deflate; server_no_context_takeover; server_max_window_bits=10"),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10");
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=\"9\""),
            "permessage-deflate; client_max_window_bits=9");
  for (const std::string_view declined :
       {"permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover"}) {
    EXPECT_EQ(answer_to(declined), "declined") << declined;
  }
  for (const std::string_view malformed :
       {"permessage-deflate;", "permessage-deflate; =1", "a b", "x; y=", "x; y=\"z", "\"x\""}) {
    EXPECT_EQ(answer_to(malformed), "refused") << malformed;
  }
}

TEST(websocket_deflate, a_server_gets_what_it_wants_as_far_as_the_offer_allows) {
  const deflate_parameters wanted{.server_no_context_takeover = true,
                                  .client_no_context_takeover = true,
                                  .server_max_window_bits = 12,
                                  .client_max_window_bits = 11};
  EXPECT_EQ(answer_to("permessage-deflate", wanted),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=12");
  EXPECT_EQ(
      answer_to("permessage-deflate; client_max_window_bits; server_max_window_bits=9", wanted),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
      "server_max_window_bits=9; client_max_window_bits=11");
}

TEST(websocket_deflate, a_client_takes_only_what_it_offered) {
  deflate_parameters offered;
  offered.server_max_window_bits = 12;
  EXPECT_EQ(write_deflate_offer(offered),
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits");
  EXPECT_EQ(read_deflate_answer("", offered), std::nullopt);
  const auto agreed = read_deflate_answer(
      "permessage-deflate; client_max_window_bits=9; server_max_window_bits=10; "
      "server_no_context_takeover",
      offered);
  ASSERT_TRUE(agreed && *agreed);
  EXPECT_EQ((*agreed)->client_max_window_bits, 9);
  EXPECT_EQ((*agreed)->server_max_window_bits, 10);
  EXPECT_TRUE((*agreed)->server_no_context_takeover);
  for (const std::string_view wrong :
       {"permessage-deflate, permessage-deflate", "x-snappy", "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits=13",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=7", "permessage-deflate;;"}) {
    EXPECT_FALSE(read_deflate_answer(wrong, offered)) << wrong;
  }
}

TEST(websocket_deflate, both_sides_agree_on_the_same) {
  for (int bits = 8; bits <= 15; ++bits) {
    for (int flags = 0; flags < 4; ++flags) {
      const deflate_parameters wanted{(flags & 1) != 0, (flags & 2) != 0,
                                      static_cast<std::uint8_t>(bits), 10};
      EXPECT_EQ(test::check_extensions(write_deflate_offer({}), wanted), "");
    }
  }
}

}  // namespace
}  // namespace eddy::wire::websocket
