#include <eddy/wire/uri.hpp>

#include "url_examples.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace eddy::wire {
namespace {

TEST(uri, references_are_resolved_as_in_the_examples_of_rfc_3986) {
  for (const auto& [reference, url] : tests::url_examples) {
    if (url == nullptr) continue;
    std::string made = resolve_reference(tests::url_examples_base, reference);
    made.erase(std::min(made.find('#'), made.size()));
    const bool no_path = std::string_view(reference) == "//g";
    EXPECT_EQ(made + (no_path ? "/" : ""), url) << reference;
  }
  for (const auto& [reference, meant] : {
           std::pair{"g:h", "g:h"},
           {"http:g", "http:g"},
           {"#s", "http://a/b/c/d;p?q#s"},
           {"?y#s", "http://a/b/c/d;p?y#s"},
           {"g?y/./x#s/../x", "http://a/b/c/g?y/./x#s/../x"},
       }) {
    EXPECT_EQ(resolve_reference(tests::url_examples_base, reference), meant);
  }
}

TEST(uri, nothing_is_decoded_when_references_are_resolved) {
  EXPECT_EQ(resolve_reference("http://h/a%2Fb/c", "d%2fe%7E?f%2f"), "http://h/a%2Fb/d%2fe%7E?f%2f");
  EXPECT_EQ(resolve_reference("http://h/a%2Fb/c", "../x"), "http://h/x");
  EXPECT_EQ(resolve_reference("http://h", "x"), "http://h/x");
  EXPECT_EQ(resolve_reference("http://h?q", ""), "http://h?q");
  EXPECT_EQ(resolve_reference("http://h/a:b/c", "./d:e"), "http://h/a:b/d:e");
  EXPECT_EQ(resolve_reference("http://h/", "//[::1]:80/a/../b"), "http://[::1]:80/b");
  EXPECT_EQ(resolve_reference("", "x"), ":x") << "no URI gives none";
}

TEST(uri, what_cannot_stand_in_a_reference_is_escaped) {
  for (const auto& [reference, meant] : {
           std::pair{"", ""},
           {"/a b?c d#e f", "/a%20b?c%20d#e%20f"},
           {"/\xC3\xA9/\xE9", "/%C3%A9/%E9"},
           {"/%41%zz%4", "/%41%25zz%254"},
           {"/[x]\"<>\\^`{|}", "/%5Bx%5D%22%3C%3E%5C%5E%60%7B%7C%7D"},
           {"http://[::1]:80/[", "http://[::1]:80/%5B"},
           {"//h\xC3\xA9/\xC3\xA9", "//h\xC3\xA9/%C3%A9"},
           {"http://a b/", "http://a b/"},
           {"http://h#a#b", "http://h#a%23b"},
           {"x:y z", "x:y%20z"},
           {"/a://b c", "/a://b%20c"},
       }) {
    EXPECT_EQ(escape_stray(reference), meant) << reference;
  }
}

TEST(uri, an_escape_stands_for_its_byte_and_back) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string text = "a";
    append_escape(text, static_cast<char>(byte));
    EXPECT_EQ(text.size(), 4u);
    EXPECT_EQ(escaped_byte(text, 1), byte);
  }
  EXPECT_EQ(escaped_byte("%2f", 0), '/');
  for (const char* none : {"", "%", "%2", "2F", "%2G", "%G2", "% F", "a%2F"}) {
    EXPECT_EQ(escaped_byte(none, 0), -1) << none;
  }
}

TEST(uri, dot_segments_go_however_they_are_written) {
  for (const auto& [path, meant] : {
           std::pair{"", ""},
           {"/", "/"},
           {"/.", "/"},
           {"/..", "/"},
           {"/../../a", "/a"},
           {"/a/./b/../c", "/a/c"},
           {"/a/b/..", "/a/"},
           {"/a/b/.", "/a/b/"},
           {"/a//../b", "/a/b"},
           {"/..//b", "//b"},
           {"/%2e%2E/.%2e/a/%2e/b", "/a/b"},
           {"/.../..a/a../.a", "/.../..a/a../.a"},
           {"/%2f%2e", "/%2f%2e"},
           {"a/../b", "a/../b"},
       }) {
    EXPECT_EQ(remove_dot_segments(path), meant) << path;
  }
}

}  // namespace
}  // namespace eddy::wire
