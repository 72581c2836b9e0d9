#include <eddy/wire/http1_target.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace eddy::wire::http1 {
namespace {

std::string path_of(std::string_view target) {
  std::string storage;
  const auto parts = parse_target(target, method::get, storage);
  return parts ? std::string(parts->path) : "refused";
}

TEST(http1_target, decodes_and_normalises_paths) {
  struct row {
    const char* raw;
    const char* path;
  };
  for (const auto& [raw, path] : {
           row{"/", "/"},
           row{"/a/b", "/a/b"},
           row{"/a/b/", "/a/b/"},
           row{"//a", "//a"},
           row{"/a//b", "/a//b"},
           row{"/.", "/"},
           row{"/./a", "/a"},
           row{"/a/.", "/a/"},
           row{"/a/./b/./", "/a/b/"},
           row{"/a/..", "/"},
           row{"/a/../", "/"},
           row{"/a/b/../c", "/a/c"},
           row{"/a/b/../../c", "/c"},
           row{"/a/%2e/b", "/a/b"},
           row{"/a/%2E%2e/b", "/b"},
           row{"/a/.%2e/b", "/b"},
           row{"/...", "/..."},
           row{"/.a/..b/c..", "/.a/..b/c.."},
           row{"/.well-known/x", "/.well-known/x"},
           row{"/..;/x", "/..;/x"},
           row{"/%61%20b", "/a b"},
           row{"/%25", "/%"},
           row{"/%252e%252e/x", "/%2e%2e/x"},
           row{"/%252f", "/%2f"},
           row{"/caf%C3%a9", "/caf\xc3\xa9"},
           row{"/%f0%9f%98%80", "/\xf0\x9f\x98\x80"},
           row{"/%ee%80%80%ef%bf%bd", "/\xee\x80\x80\xef\xbf\xbd"},
           row{"/%3f%23", "/?#"},
           row{"/a+b", "/a+b"},
           row{"/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~"},
           row{"/a[1]|^", "/a[1]|^"},
           row{"/%7b%7D%22%3c", "/{}\"<"},
           row{"/?x", "/"},
           row{"/a/..?../..", "/"},
           row{"http://h/a/../b", "/b"},
           row{"http://h", "/"},
           row{"HTTP://H:80/%20", "/ "},
       }) {
    EXPECT_EQ(path_of(raw), path) << raw;
  }
}

TEST(http1_target, leaves_an_ordinary_path_where_it_is) {
  std::string storage;
  const std::string text = "/index.html?a=1";
  const auto parts = parse_target(text, method::get, storage);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->path.data(), text.data());
  EXPECT_EQ(parts->query, "a=1");
  EXPECT_TRUE(storage.empty());
}

TEST(http1_target, normalises_to_a_fixed_point) {
  // What comes out, encoded again, comes out the same: there is no second layer to unwrap.
  for (const char* raw :
       {"/a/../b", "/%252e/x", "/./..a/./", "/%25%32%65", "/a//b/../c", "/%2525"}) {
    const std::string once = path_of(raw);
    ASSERT_NE(once, "refused") << raw;
    std::string encoded;
    for (char c : once) {
      if (c == '/') {
        encoded += c;
      } else {
        encode_percent(std::string_view(&c, 1), encoded);
      }
    }
    EXPECT_EQ(path_of(encoded), once) << raw;
  }
}

TEST(http1_target, tells_the_four_forms_apart) {
  std::string storage;
  const auto form = [&storage](std::string_view text, method m) {
    const auto parts = parse_target(text, m, storage);
    return parts ? static_cast<int>(parts->form) : -1;
  };
  EXPECT_EQ(form("/", method::get), static_cast<int>(target_form::origin));
  EXPECT_EQ(form("http://h/", method::unknown), static_cast<int>(target_form::absolute));
  EXPECT_EQ(form("h:443", method::connect), static_cast<int>(target_form::authority));
  EXPECT_EQ(form("*", method::options), static_cast<int>(target_form::asterisk));
  EXPECT_EQ(form("*", method::get), -1);
  EXPECT_EQ(form("h:443", method::get), -1);
  EXPECT_EQ(form("/", method::connect), -1);
  EXPECT_EQ(form("", method::get), -1);
  const auto absolute = parse_target("hTTps://h:1/p?q=http://x", method::get, storage);
  ASSERT_TRUE(absolute);
  EXPECT_EQ(absolute->scheme, "hTTps");
  EXPECT_EQ(absolute->authority, "h:1");
  EXPECT_EQ(absolute->path, "/p");
  EXPECT_EQ(absolute->query, "q=http://x");
}

TEST(http1_target, keeps_queries_raw_but_checked) {
  std::string storage;
  const auto query = [&storage](std::string_view text) {
    const auto parts = parse_target(text, method::get, storage);
    if (!parts) return std::string("refused");
    return parts->query ? std::string(*parts->query) : std::string("none");
  };
  EXPECT_EQ(query("/a"), "none");
  EXPECT_EQ(query("/a?"), "");
  EXPECT_EQ(query("/a?b?c=/.."), "b?c=/..");
  EXPECT_EQ(query("/a?x=%C3%A9&y=%0A+%2f&{a}[]`|"), "x=%C3%A9&y=%0A+%2f&{a}[]`|");
  for (const char* text :
       {"/?%", "/?%1", "/?%gg", "/?%00", "/?%80", "/?%c0%80", "/?a\\b", "/?\"", "/?<"}) {
    EXPECT_EQ(query(text), "refused") << text;
  }
}

TEST(http1_target, judges_authorities) {
  for (const char* good :
       {"h", "example.org", "a-b_c.d~e", "h:", "h:0", "h:65535", "127.0.0.1:80", "[::]",
        "[::1]:8080", "[1:2:3:4:5:6:7:8]", "[1::8]", "[1:2:3:4:5:6:7::]", "[::ffff:1.2.3.4]",
        "[1:2:3:4:5:6:1.2.3.4]", "[FE80::aBcD]", "1.2.3.4.5"}) {
    EXPECT_TRUE(is_authority(good)) << good;
  }
  for (const char* bad : {"",
                          ":",
                          ":80",
                          "h:65536",
                          "h:8a",
                          "h:-1",
                          "h:+1",
                          "h::",
                          "a b",
                          "a,b",
                          "a/b",
                          "a@b",
                          "a%41",
                          "[",
                          "[]",
                          "]",
                          "[::1",
                          "::1",
                          "[:1]",
                          "[1:]",
                          "[1::2::3]",
                          "[12345::]",
                          "[1:2:3:4:5:6:7]",
                          "[1:2:3:4:5:6:7:8:9]",
                          "[1:2:3:4:5:6:7:8::]",
                          "[::1.2.3]",
                          "[::1.2.3.256]",
                          "[::01.2.3.4]",
                          "[1.2.3.4::]",
                          "[::g]",
                          "[::1]80",
                          "[::1]:x",
                          "[v1.x]",
                          "[::1%1]",
                          "[:::]",
                          "a!b",
                          "(h)"}) {
    EXPECT_FALSE(is_authority(bad)) << bad;
  }
}

TEST(http1_target, splits_authorities) {
  const auto plain = split_authority("h");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "h");
  EXPECT_EQ(plain->port, std::nullopt);
  const auto v6 = split_authority("[::1]:8080");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "[::1]");
  EXPECT_EQ(v6->port, 8080);
  EXPECT_EQ(split_authority("h:")->port, std::nullopt);
  EXPECT_EQ(split_authority("h:00080")->port, 80);
  EXPECT_EQ(split_authority("a b").error(), errc::bad_host);
}

TEST(http1_target, walks_query_parameters) {
  std::vector<std::string> seen;
  query_parameters parameters("a=1&&b&c=&=d&e=f=g&");
  while (const auto p = parameters.next()) {
    seen.push_back(std::string(p->name) + (p->has_value ? "=" : "") + "|" + std::string(p->value));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a=|1", "b|", "c=|", "=|d", "e=|f=g"}));
  EXPECT_EQ(query_parameters("").next().has_value(), false);
}

TEST(http1_target, finds_decoded_query_values) {
  const std::string_view query = "a=1&na%6De=J%C3%A9+D%2B&a=2&flag&plus+key=x";
  EXPECT_EQ(query_value(query, "a"), "1");
  EXPECT_EQ(query_value(query, "name"), "J\xc3\xa9 D+");
  EXPECT_EQ(query_value(query, "flag"), "");
  EXPECT_EQ(query_value(query, "plus key"), "x");
  EXPECT_EQ(query_value(query, "b"), std::nullopt);
  EXPECT_EQ(query_value("a=%zz", "a"), std::nullopt);
}

TEST(http1_target, encodes_what_it_decodes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  std::string encoded;
  encode_percent(all, encoded);
  EXPECT_EQ(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-._~%"),
            std::string::npos);
  std::string decoded;
  EXPECT_TRUE(decode_percent(encoded, plus_sign::space, decoded));
  EXPECT_EQ(decoded, all);
  for (const char* bad : {"%", "%a", "a%", "%g0", "%0g", "a%1"}) {
    decoded.clear();
    EXPECT_FALSE(decode_percent(bad, plus_sign::literal, decoded)) << bad;
  }
}

}  // namespace
}  // namespace eddy::wire::http1
