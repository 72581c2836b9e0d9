#include "client_url.hpp"

#include "url_examples.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
namespace {

using ::testing::HasSubstr;

struct resolved {
  const char* reference;
  const char* url;  // null: refused
};

void expect_resolved(const char* base, const std::vector<resolved>& rows) {
  const client_url from = client_url::parse(base);
  for (const auto& [reference, url] : rows) {
    if (url == nullptr) {
      EXPECT_THROW(static_cast<void>(from.resolve(reference)), error) << reference;
      continue;
    }
    const client_url to = from.resolve(reference);
    EXPECT_EQ(std::string(to.scheme()) + "://" + to.authority + to.target, url) << reference;
  }
}

TEST(client_url, is_resolved_as_in_the_examples_of_rfc_3986) {
  for (const auto& [reference, url] : tests::url_examples) {
    expect_resolved(tests::url_examples_base, {{reference, url}});
  }
}

TEST(client_url, keeps_what_redirects_say) {
  expect_resolved("https://Host.example:443/a/b?x=1",
                  {{"HTTPS://Other.EXAMPLE/%7Ea%2f", "https://other.example/%7Ea%2f"},
                   {"c%2Fd?e%2F/../f", "https://host.example/a/c%2Fd?e%2F/../f"},
                   {"//other.example:8443/", "https://other.example:8443/"},
                   {"//[::1]:80/x", "https://[::1]:80/x"},
                   {"http://host.example:80", "http://host.example/"},
                   {"?", "https://host.example/a/b?"},
                   {"/a//b", "https://host.example/a//b"},
                   {"/%2e%2e/%2E/c", "https://host.example/c"},
                   {"/..", "https://host.example/"},
                   {"/..//b", "https://host.example//b"},
                   {"c d", nullptr},
                   {"//user@host/", nullptr},
                   {"//host:65536/", nullptr},
                   {"javascript:alert(1)", nullptr}});
}

TEST(client_url, says_what_to_do_with_letters_that_are_not_ascii) {
  const auto words_of = [](const char* url) -> std::string {
    try {
      static_cast<void>(client_url::parse(url));
    } catch (const error& e) {
      EXPECT_EQ(e, condition::invalid_input);
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(words_of("http://b\xC3\xBC"
                       "cher.example/"),
              HasSubstr("punycode (xn--...)"));
  EXPECT_THAT(words_of("http://a.example/\xC3\xBC"), HasSubstr("percent-encode"));
  EXPECT_THAT(words_of("http://a.example?\xC3\xBC"), HasSubstr("percent-encode"));
  EXPECT_EQ(words_of("http://xn--bcher-kva.example/%C3%BC"), "");
  EXPECT_THROW(static_cast<void>(client_url::parse("http://a/").resolve("//\xC3\xBC/")), error);
}

TEST(client_url, refuses_hosts_that_are_none) {
  for (const char* const text : {"http://[::1]x/", "http://[::1]x:8", "http://a)/", "http://a%20b/",
                                 "http://1%2E2.3.4x/", "http://1.2.3.4x/", "http://%61/",
                                 "http://u@h/", "ftp://h/", "http:///", "http://h:0/", "h"}) {
    EXPECT_THROW(static_cast<void>(client_url::parse(text)), error) << text;
  }
}

// A signed URL would be another one if its escapes changed.
TEST(client_url, keeps_the_escapes_of_delimiters) {
  expect_resolved("https://h/a/b", {{"../d%26%28?sign=%2B", "https://h/d%26%28?sign=%2B"},
                                    {"https://other/x/./%28", "https://other/x/%28"}});
}

std::optional<client_url> read_by(client_url (*read)(std::string_view), const std::string& text) {
  try {
    return read(text);
  } catch (const error& e) {
    EXPECT_EQ(e, condition::invalid_input) << text;
    return std::nullopt;
  }
}

// Plain URLs are read in a shorter way than others.
TEST(client_url, means_the_same_in_the_short_way_and_by_the_whole_grammar) {
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (const std::string scheme : {"http://", "https://", "HTTP://", "http:/", "ws://", "http:///"})
    for (const std::string host : {"a",
                                   "host.example",
                                   "Host",
                                   "a-b.c-",
                                   "a.",
                                   "a..b",
                                   "-a",
                                   ".a",
                                   "a_b",
                                   "a%41",
                                   "a!b",
                                   "u@a",
                                   "",
                                   "1a",
                                   "127.0.0.1",
                                   "0177.0.0.1",
                                   "127.0.0.01",
                                   "127.0.0.256",
                                   "1.2.3",
                                   "1.2.3.4.",
                                   "1.2.3.4.5",
                                   "1.2.3.4x",
                                   "0x7f.0.0.1",
                                   "4294967295",
                                   "2130706433",
                                   "0",
                                   "0.0.0.0",
                                   "a.1.2.3.4",
                                   "[::1]",
                                   "::1",
                                   "xn--bcher-kva"})
      for (const std::string port : {"", ":", ":80", ":443", ":8080", ":0", ":00", ":080", ":65535",
                                     ":65536", ":99999", ":100000", ":+1", ":-1", ":8o", ":80:80"})
        for (const std::string target :
             {"",      "/",     "/a/b;c=1,2", "//",    "/a//b",     "/.",     "/..",   "/a/../b",
              "/.a",   "/a.b",  "/%2e/",      "/%41",  "/a%2Fb",    "?",      "?a=b",  "?a=/../b",
              "/?",    "/a?b?", "/a?b#c",     "#c",    "/a b",      "/a?b c", "/a\"b", "/a?[b]",
              "/a:@b", "@a/",   "/~!$&'()*+", "/a\\b", "/\xC3\xBC", "/a^b",   "/a|b",  "/%"}) {
          const std::string text = scheme + host + port + target;
          const auto shortly = read_by(client_url::parse, text);
          const auto wholly = read_by(client_url::parse_any, text);
          EXPECT_EQ(shortly.has_value(), wholly.has_value()) << text;
          EXPECT_TRUE(shortly == wholly) << text;
          ++(shortly ? accepted : refused);
        }
  EXPECT_GT(accepted, 1000U);
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace eddy::http::detail
