#include <eddy/scrape/web_url.hpp>

#include "url_examples.hpp"

#include <string>

#include <gtest/gtest.h>

namespace eddy::scrape {
namespace {

std::string text_of(const std::optional<web_url>& url) { return url ? url->text() : "none"; }

struct url_case {
  const char* given;
  const char* meant;
};

TEST(web_url, is_normalised) {
  for (const auto& [given, meant] : {
           url_case{"http://example.org", "http://example.org/"},
           {"HTTP://EXAMPLE.org:80/A/../b?x#top", "http://example.org/b?x"},
           {"https://example.org:443/", "https://example.org/"},
           {"http://example.org:0080/", "http://example.org/"},
           {"http://example.org:08080/", "http://example.org:8080/"},
           {"http://example.org:/", "http://example.org/"},
           {"http://example.org:443/", "http://example.org:443/"},
           {"  \thttp://example.org/a\nb \r\n", "http://example.org/ab"},
           {"http:\\\\example.org\\a?b\\c", "http://example.org/a?b%5Cc"},
           {"http://example.org/%7euser/%e4%2f", "http://example.org/~user/%E4%2F"},
           {"http://example.org/100%/%zz", "http://example.org/100%25/%25zz"},
           {"http://example.org/gr\xC3\xBC\xC3\x9F e?q=\xE2\x82\xAC|[1]",
            "http://example.org/gr%C3%BC%C3%9F%20e?q=%E2%82%AC%7C%5B1%5D"},
           {"http://example.org?x=1", "http://example.org/?x=1"},
           {"http://example.org/?", "http://example.org/?"},
           {"http://[::1]:8080/a", "http://[::1]:8080/a"},
           {"http://127.0.0.1/../../a", "http://127.0.0.1/a"},
           {"http://example.org//a//b", "http://example.org//a//b"},
       }) {
    EXPECT_EQ(text_of(web_url::parse(given)), meant) << given;
  }
}

TEST(web_url, refuses_what_cannot_be_fetched) {
  for (const char* const given : {"",
                                  "example.org",
                                  "//example.org/",
                                  "/a",
                                  "ftp://example.org/",
                                  "javascript:alert(1)",
                                  "mailto:a@example.org",
                                  "http://",
                                  "http:///a",
                                  "http://user:pw@example.org/",
                                  "http://example.org:0/",
                                  "http://example.org:65536/",
                                  "http://b\xC3\xBC"
                                  "cher.example/",
                                  "http://ex%61mple.org/",
                                  "http://exa mple.org/",
                                  "http://[::1",
                                  "data:text/html,x",
                                  "http:example.org",
                                  "http://[::1]x/",
                                  "http://[::1]x:8"}) {
    EXPECT_EQ(text_of(web_url::parse(given)), "none") << given;
  }
  EXPECT_TRUE(web_url::parse("http://h/" + std::string(web_url::max_size - 9, 'a')));
  EXPECT_FALSE(web_url::parse("http://h/" + std::string(web_url::max_size - 8, 'a')));
}

TEST(web_url, resolves_references) {
  const auto base = web_url::parse("http://example.org/a/b/c?d=1");
  ASSERT_TRUE(base);
  for (const auto& [given, meant] : {
           url_case{"e", "http://example.org/a/b/e"},
           {"../e", "http://example.org/a/e"},
           {"../../../e", "http://example.org/e"},
           {"/e", "http://example.org/e"},
           {"//other.example/e", "http://other.example/e"},
           {"?f=2", "http://example.org/a/b/c?f=2"},
           {"#top", "http://example.org/a/b/c?d=1"},
           {"", "http://example.org/a/b/c?d=1"},
           {"https://example.org", "https://example.org/"},
           {".", "http://example.org/a/b/"},
           {" e f ", "http://example.org/a/b/e%20f"},
           {"\\e", "http://example.org/e"},
           {"e%2ff/%2e%2e/g%2Fh", "http://example.org/a/b/g%2Fh"},
           {"e;p=1,2", "http://example.org/a/b/e;p=1,2"},
           {"javascript:void(0)", "none"},
           {"tel:+49", "none"},
           {"./(f)%28%26", "http://example.org/a/b/(f)%28%26"},
           {"/%2e%2E/.%28", "http://example.org/.%28"},
           {"https://example.org/./%28", "https://example.org/%28"},
       }) {
    EXPECT_EQ(text_of(base->resolve(given)), meant) << given;
  }
}

TEST(web_url, is_resolved_as_in_the_examples_of_rfc_3986) {
  const auto base = web_url::parse(tests::url_examples_base);
  ASSERT_TRUE(base);
  for (const auto& [reference, url] : tests::url_examples) {
    EXPECT_EQ(text_of(base->resolve(reference)), url == nullptr ? "none" : url) << reference;
  }
}

TEST(web_url, knows_its_parts) {
  const auto url = web_url::parse("https://Example.org:8443/a/b?c=d");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->is_https());
  EXPECT_EQ(url->origin(), "https://example.org:8443");
  EXPECT_EQ(url->host(), "example.org");
  EXPECT_EQ(url->target(), "/a/b?c=d");
  EXPECT_EQ(url->path(), "/a/b");
  const auto v6 = web_url::parse("http://[::1]:81/");
  ASSERT_TRUE(v6);
  EXPECT_FALSE(v6->is_https());
  EXPECT_EQ(v6->host(), "[::1]");
  EXPECT_EQ(v6->origin(), "http://[::1]:81");
  EXPECT_EQ(*web_url::parse("http://a/%41"), *web_url::parse("HTTP://A:80/A#x"));
}

}  // namespace
}  // namespace eddy::scrape
