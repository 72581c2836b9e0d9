#include <eddy/scrape/encoding.hpp>

#include "utf8.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>

namespace eddy::scrape {
namespace {

using namespace std::string_view_literals;

TEST(encoding, is_found_by_mark_header_declaration_and_guess) {
  struct row {
    std::string_view bytes;
    std::string_view content_type;
    std::string_view encoding;
  };
  for (const row& each : {
           row{"plain", "", "utf-8"},
           {"gr\xFC\xDF", "", "windows-1252"},
           {"gr\xC3\xBC\xC3\x9F", "", "utf-8"},
           {"\xEF\xBB\xBFx", "text/html; charset=iso-8859-1", "utf-8"},
           {"\xFF\xFEx\0"sv, "", "utf-16le"},
           {"\xFE\xFF\0x"sv, "text/html; charset=utf-8", "utf-16be"},
           {"x", "text/html; charset=\"Shift_JIS\"", "shift_jis"},
           {"x", "text/html;charset=LATIN1", "windows-1252"},
           {"<meta charset=koi8-r>", "text/html; charset=nonsense", "koi8-r"},
           {"<meta charset=koi8-r>", "text/html; charset=utf-8", "utf-8"},
           {"<meta charset='windows-1251'>", "text/html", "windows-1251"},
           {"<META HTTP-EQUIV=Content-Type CONTENT=\"text/html; charset=GB2312\">", "", "gbk"},
           {"<meta content='text/html;charset=euc-kr' http-equiv=Content-Type>", "", "euc-kr"},
           {"<!-- <meta charset=big5> --><meta charset = iso-8859-2 >", "", "iso-8859-2"},
           {"<meta name=x content='the charset'><meta charset=utf8>\xFF", "", "utf-8"},
           {"<meta charset=utf-16>", "", "utf-8"},
           {"<?xml version='1.0' encoding='ISO-8859-15'?><urlset>", "", "iso-8859-15"},
           {"<meta charset=", "", "utf-8"},
           {"<!-- <meta charset=big5>", "", "utf-8"},
           {"", "", "utf-8"},
           {"<meta data-charset=big5>", "", "utf-8"},
       }) {
    EXPECT_EQ(detect_encoding(each.bytes, each.content_type), each.encoding)
        << each.bytes << " with " << each.content_type;
  }
  const std::string late = std::string(1024, ' ') + "<meta charset=big5>";
  EXPECT_EQ(detect_encoding(late), "utf-8");
}

/// What bytes in an encoding are in UTF-8.
struct conversion {
  std::string_view bytes;
  std::string_view encoding;
  std::string_view text;
};

TEST(encoding, becomes_utf8) {
  for (const conversion& each : {
           conversion{"gr\xFC\xDF", "latin1", "grüß"},
           {"\x80 \x93x\x94", "ISO-8859-1", "€ “x”"},
           {"\x93\xFA\x96{", "shift_jis", "日本"},
           {"\xC6\xFC\xCB\xDC", "euc-jp", "日本"},
           {"\x1B$BF|K\\\x1B(B", "iso-2022-jp", "日本"},
           {"\xD6\xD0\xCE\xC4", "gb2312", "中文"},
           {"\xA4\xA4\xA4\xE5", "big5", "中文"},
           {"\xC7\xD1", "ks_c_5601-1987", "한"},
           {"\xCF\xF0\xE8", "windows-1251", "При"},
           {"\xF0\xD2\xC9", "koi8-r", "При"},
           {"\xFF\xFEh\0\xAC\x20"sv, "utf-16le", "h€"},
           {"\xFE\xFF\0h\x20\xAC"sv, "utf-16be", "h€"},
           {"\xEF\xBB\xBFx", "utf-8", "x"},
           {"\xC0\xE9", "iso-8859-9", "Àé"},
       }) {
    EXPECT_EQ(to_utf8(each.bytes, each.encoding), each.text) << each.encoding;
  }
  std::string long_text(100'000, '\xE4');
  EXPECT_EQ(to_utf8(long_text, "latin1").size(), 200'000U);
}

TEST(encoding, replaces_what_is_no_character) {
  for (const conversion& each : {
           conversion{"a\xFFz", "utf-8", "a\uFFFDz"},
           {"a\xC3", "utf-8", "a\uFFFD"},
           {"\xE2\x82z", "utf-8", "\uFFFDz"},
           {"\xC0\xAF", "utf-8", "\uFFFD\uFFFD"},
           {"\xED\xA0\x80", "utf-8", "\uFFFD\uFFFD\uFFFD"},
           {"\xF4\x90\x80\x80", "utf-8", "\uFFFD\uFFFD\uFFFD\uFFFD"},
           {"a\x81z", "windows-1252", "a\uFFFDz"},
           {"a\xC6", "euc-jp", "a\uFFFD"},
           {"\xFFz", "big5", "\uFFFDz"},
           {"h\0x"sv, "utf-16le", "h\uFFFD"},
           {"\0\xDCx\0"sv, "utf-16le", "\uFFFDx"},
           {"\xD8\0\0x"sv, "utf-16be", "\uFFFDx"},
       }) {
    const std::string text = to_utf8(each.bytes, each.encoding);
    EXPECT_TRUE(detail::is_utf8(text)) << each.encoding;
    EXPECT_EQ(text, each.text) << each.encoding;
  }
}

TEST(encoding, that_nobody_knows_is_an_error) {
  EXPECT_EQ(encoding_of_label(" UTF8 "), "utf-8");
  EXPECT_EQ(encoding_of_label("l1"), "windows-1252");
  for (const char* const label : {"", "x", "utf-8//IGNORE", "utf8 latin1", "../../etc/passwd"}) {
    EXPECT_EQ(encoding_of_label(label), "") << label;
    try {
      static_cast<void>(to_utf8("x", label));
      ADD_FAILURE() << label;
    } catch (const error& e) {
      EXPECT_TRUE(e == errc::unsupported);
    }
  }
}

TEST(utf8, code_points_are_written) {
  std::string out;
  for (const char32_t c :
       {U'a', U'ü', U'€', U'😀', static_cast<char32_t>(0xD800), static_cast<char32_t>(0x110000)}) {
    detail::append_utf8(out, c);
  }
  EXPECT_EQ(out, "aü€😀\uFFFD\uFFFD");
  std::string cut = "aü";
  detail::shorten_utf8(cut, 2);
  EXPECT_EQ(cut, "a");
}

}  // namespace
}  // namespace eddy::scrape
