#include <eddy/http/content_coding.hpp>

#include <array>
#include <string>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>

namespace eddy::http {
namespace {

constexpr std::array all_codings{content_coding::identity, content_coding::gzip,
                                 content_coding::deflate, content_coding::br, content_coding::zstd};
constexpr std::size_t plenty = 64 << 20;

std::string sample(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += "line " + std::to_string(i * i) + "\n";
  text.resize(size);
  return text;
}

/// Decodes in steps of so many bytes in and out.
std::expected<std::string, std::error_code> decode_in_steps(content_coding coding,
                                                            std::string_view coded, std::size_t in,
                                                            std::size_t out,
                                                            const decoder_limits& limits = {}) {
  content_decoder decoder(coding, limits);
  std::string plain;
  std::string room(out, '\0');
  for (;;) {
    const auto part = std::as_bytes(std::span(coded.substr(0, in)));
    const auto went = decoder.decode(part, std::as_writable_bytes(std::span(room)));
    if (!went) return std::unexpected(went.error());
    coded.remove_prefix(went->consumed);
    plain.append(room, 0, went->produced);
    if (went->produced == 0 && coded.empty()) break;
  }
  if (const auto ended = decoder.finish(); !ended) return std::unexpected(ended.error());
  return plain;
}

TEST(content_coding, gives_back_what_was_encoded_however_it_is_cut) {
  for (const auto coding : all_codings) {
    for (const std::size_t size : {0U, 1U, 1000U, 300'000U}) {
      const std::string text = sample(size);
      const std::string coded = encode_whole(coding, text);
      EXPECT_EQ(decode_whole(coding, coded, plenty), text) << to_string(coding) << " " << size;
      EXPECT_EQ(decode_in_steps(coding, coded, 7, 13), text) << to_string(coding) << " " << size;
      if (size <= 1000) {
        EXPECT_EQ(decode_in_steps(coding, coded, 1, 1), text) << to_string(coding);
      }
      if (size == 300'000 && coding != content_coding::identity) {
        EXPECT_LT(coded.size(), size / 2) << to_string(coding);
      }
    }
  }
}

TEST(content_coding, a_flush_lets_the_other_side_decode_everything_so_far) {
  for (const auto coding : all_codings) {
    content_encoder encoder(coding);
    content_decoder decoder(coding);
    std::array<std::byte, 256> room{};
    for (const std::string text : {"one", "two", "three"}) {
      std::string coded;
      encoder.encode(text, coded);
      encoder.flush(coded);
      const auto went = decoder.decode(std::as_bytes(std::span(coded)), room);
      ASSERT_TRUE(went) << to_string(coding);
      EXPECT_EQ(went->consumed, coded.size());
      EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(room.data()), went->produced), text)
          << to_string(coding);
    }
  }
}

TEST(content_coding, levels_outside_the_range_are_taken_as_its_ends) {
  for (const auto coding : all_codings) {
    for (const int level : {-1000, 1, 1000}) {
      const std::string coded = encode_whole(coding, "text", level);
      EXPECT_EQ(decode_whole(coding, coded, plenty), "text") << to_string(coding) << level;
    }
  }
}

TEST(content_coding, says_when_data_end_early) {
  for (const auto coding : all_codings) {
    if (coding == content_coding::identity) continue;
    const std::string coded = encode_whole(coding, sample(5000));
    for (const std::size_t kept : {std::size_t{1}, coded.size() / 2, coded.size() - 1}) {
      const auto plain = decode_whole(coding, coded.substr(0, kept), plenty);
      ASSERT_FALSE(plain) << to_string(coding) << " " << kept;
      EXPECT_EQ(plain.error(), coding_errc::incomplete) << to_string(coding) << " " << kept;
    }
    EXPECT_EQ(decode_whole(coding, "", plenty), "");
  }
}

TEST(content_coding, refuses_what_is_not_of_the_coding) {
  for (const auto coding : all_codings) {
    if (coding == content_coding::identity) continue;
    const auto plain = decode_whole(coding, std::string(64, '\xFF'), plenty);
    ASSERT_FALSE(plain) << to_string(coding);
    EXPECT_EQ(plain.error(), condition::invalid_input) << to_string(coding);
  }
  std::string damaged = encode_whole(content_coding::gzip, sample(5000));
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // the checksum
  const auto plain = decode_whole(content_coding::gzip, damaged, plenty);
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error(), coding_errc::bad_data);
}

TEST(content_coding, reads_several_gzip_members_and_zstd_frames_as_one_text) {
  for (const auto coding : {content_coding::gzip, content_coding::zstd}) {
    const std::string both = encode_whole(coding, "one,") + encode_whole(coding, "two");
    EXPECT_EQ(decode_whole(coding, both, plenty), "one,two");
    EXPECT_EQ(decode_in_steps(coding, both, 1, 1), "one,two");
  }
  for (const auto coding : {content_coding::deflate, content_coding::br}) {
    const auto plain = decode_whole(coding, encode_whole(coding, "one") + "x", plenty);
    ASSERT_FALSE(plain) << to_string(coding);
    EXPECT_EQ(plain.error(), coding_errc::trailing_data) << to_string(coding);
  }
}

TEST(content_coding, deflate_is_read_with_and_without_the_zlib_wrapping) {
  const std::string wrapped = encode_whole(content_coding::deflate, sample(5000));
  const std::string raw = wrapped.substr(2, wrapped.size() - 6);
  EXPECT_EQ(decode_whole(content_coding::deflate, wrapped, plenty), sample(5000));
  EXPECT_EQ(decode_whole(content_coding::deflate, raw, plenty), sample(5000));
}

TEST(content_coding, a_bomb_ends_at_the_limits) {
  const std::string zeros(20 << 20, '\0');
  for (const auto coding : all_codings) {
    if (coding == content_coding::identity) continue;
    const std::string coded = encode_whole(coding, zeros);
    const auto bomb = decode_whole(coding, coded, plenty);
    ASSERT_FALSE(bomb) << to_string(coding);
    EXPECT_EQ(bomb.error(), coding_errc::ratio_exceeded) << to_string(coding);
    decoder_limits any_ratio;
    any_ratio.max_ratio = 0;
    const auto plain = decode_whole(coding, coded, plenty, any_ratio);
    EXPECT_EQ(plain, zeros) << to_string(coding);
    const auto large = decode_whole(coding, coded, 1000, any_ratio);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error(), std::errc::value_too_large);
  }
}

TEST(content_coding, refuses_a_window_above_the_limit) {
  decoder_limits small;
  small.max_window_log = 10;
  content_encoder streaming(content_coding::zstd);  // a known size would make the window small
  std::string frame;
  streaming.encode(sample(300'000), frame);
  streaming.finish(frame);
  const auto plain = decode_whole(content_coding::zstd, frame, plenty, small);
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error(), coding_errc::window_too_large);
}

TEST(content_coding, knows_its_names) {
  for (const auto coding : all_codings) {
    EXPECT_EQ(content_coding_from(to_string(coding)), coding);
    EXPECT_TRUE(is_available(coding));
  }
  EXPECT_EQ(content_coding_from("X-GZIP"), content_coding::gzip);
  EXPECT_EQ(content_coding_from(""), content_coding::identity);
  EXPECT_EQ(content_coding_from("compress"), std::nullopt);
  EXPECT_EQ(accepted_codings(), "gzip, deflate, br, zstd");
}

}  // namespace
}  // namespace eddy::http
