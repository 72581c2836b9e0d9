#include <eddy/http/cookies.hpp>

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;

constexpr cookie_jar::calendar_time start{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21)};

cookie_target https(std::string_view host, std::string_view path = "/") {
  return {host, path, true};
}
cookie_target plain(std::string_view host, std::string_view path = "/") {
  return {host, path, false};
}

TEST(set_cookie, is_read_with_all_attributes) {
  const auto made = parse_set_cookie(
      " sid = a=b\"c ; Path=/app; domain=.Example.ORG; Max-Age=60;Secure; HttpOnly; samesite=LAX; "
      "Expires=Wed, 21 Oct 2026 07:28:00 GMT; Partitioned; unknown=1");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->name, "sid");
  EXPECT_EQ(made->value, "a=b\"c");
  EXPECT_EQ(made->path, "/app");
  EXPECT_EQ(made->domain, "example.org");
  EXPECT_EQ(made->max_age, 60s);
  EXPECT_TRUE(made->secure && made->http_only && made->partitioned);
  EXPECT_EQ(made->same_site, same_site::lax);
  EXPECT_EQ(made->expires, std::chrono::sys_days(std::chrono::year(2026) / 10 / 21) + 7h + 28min);
}

TEST(set_cookie, without_a_name_or_with_control_bytes_is_ignored) {
  for (const std::string text : {"", "noequals", "=value", ";a=b", "a=b\x01", "a\x7F=b"}) {
    EXPECT_FALSE(parse_set_cookie(text)) << text;
  }
  EXPECT_FALSE(parse_set_cookie("a=" + std::string(4096, 'x')));
  EXPECT_TRUE(parse_set_cookie("a=" + std::string(4095, 'x')));
}

TEST(set_cookie, attributes_that_say_nothing_are_left_out) {
  const auto made = parse_set_cookie("a=b; Max-Age=1x; Expires=never; Path=relative; SameSite=odd");
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->max_age || made->expires);
  EXPECT_EQ(made->path, "");
  EXPECT_EQ(made->same_site, same_site::unset);
  EXPECT_EQ(parse_set_cookie("a=b; max-age=-5")->max_age, 0s);
  EXPECT_GT(parse_set_cookie("a=b; max-age=99999999999999999999999")->max_age, 24h);
}

TEST(set_cookie, is_written_as_it_is_read) {
  cookie made;
  made.name = "__Host-id";
  made.value = "abc";
  made.path = "/";
  made.secure = made.http_only = made.partitioned = true;
  made.same_site = same_site::none;
  made.max_age = 3600s;
  made.expires = std::chrono::sys_days(std::chrono::year(2026) / 10 / 21) + 7h;
  const std::string text = to_set_cookie(made);
  EXPECT_EQ(text,
            "__Host-id=abc; Path=/; Expires=Wed, 21 Oct 2026 07:00:00 GMT; Max-Age=3600; Secure; "
            "HttpOnly; SameSite=None; Partitioned");
  const auto again = parse_set_cookie(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(to_set_cookie(*again), text);
}

TEST(set_cookie, blanks_behind_the_dot_of_a_domain_do_not_count) {
  const auto read = parse_set_cookie("a=b; Domain=. example.org");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->domain, "example.org");
  EXPECT_EQ(to_set_cookie(*read), "a=b; Domain=example.org");
}

TEST(set_cookie, that_browsers_would_refuse_is_not_written) {
  const auto refused = [](auto change) {
    cookie made;
    made.name = "a";
    made.value = "b";
    change(made);
    try {
      static_cast<void>(to_set_cookie(made));
    } catch (const error& e) {
      return e == errc::invalid_input;
    }
    return false;
  };
  EXPECT_FALSE(refused([](cookie&) {}));
  EXPECT_TRUE(refused([](cookie& c) { c.name = "a b"; }));
  EXPECT_TRUE(refused([](cookie& c) { c.name = ""; }));
  EXPECT_TRUE(refused([](cookie& c) { c.value = "a;b"; }));
  EXPECT_TRUE(refused([](cookie& c) { c.value = "a\r\nSet-Cookie: x=y"; }));
  EXPECT_TRUE(refused([](cookie& c) { c.value = std::string(5000, 'x'); }));
  EXPECT_TRUE(refused([](cookie& c) { c.path = "/;Secure"; }));
  EXPECT_TRUE(refused([](cookie& c) { c.domain = "x\n"; }));
  EXPECT_TRUE(refused([](cookie& c) { c.name = "__secure-a"; }));
  EXPECT_TRUE(refused([](cookie& c) { c.same_site = same_site::none; }));
  EXPECT_TRUE(refused([](cookie& c) {
    c.name = "__Host-a";
    c.secure = true;
    c.path = "/app";
  }));
}

TEST(cookie_date, is_read_from_its_parts) {
  const auto expected = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s;
  for (const auto* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "6 november 1994 8:49:37", "1994 08:49:37 6 Nov"}) {
    EXPECT_EQ(parse_cookie_date(text), expected) << text;
  }
  for (const auto* text :
       {"", "06 Nov 1994", "06 Nov 08:49:37", "31 Feb 2020 00:00:00", "06 Nov 1994 24:00:00",
        "06 Nov 1600 00:00:00", "06 Xyz 1994 00:00:00", "006 Nov 1994 08:49:37"}) {
    EXPECT_FALSE(parse_cookie_date(text)) << text;
  }
}

TEST(cookie_field, gives_its_pairs) {
  cookie_pairs all("a=1; b ;c=\"x\";; d = e=f ");
  const auto a = all.next();
  const auto c = all.next();
  const auto d = all.next();
  ASSERT_TRUE(a && c && d);
  EXPECT_EQ(a->name, "a");
  EXPECT_EQ(c->value, "\"x\"");
  EXPECT_EQ(d->name, "d");
  EXPECT_EQ(d->value, "e=f");
  EXPECT_FALSE(all.next());
  EXPECT_EQ(find_cookie("a=1; b=2; b=3", "b"), "2");
  EXPECT_EQ(find_cookie("ab=1", "b"), std::nullopt);
}

TEST(cookie_jar, sends_a_cookie_back_to_its_host_alone) {
  cookie_jar jar;
  EXPECT_TRUE(jar.store("a=1", plain("example.org", "/dir/page"), start));
  EXPECT_EQ(jar.header_for(plain("example.org", "/dir/other"), start), "a=1");
  EXPECT_EQ(jar.header_for(plain("example.org", "/dir"), start), "a=1");
  EXPECT_EQ(jar.header_for(plain("example.org", "/directory"), start), "");
  EXPECT_EQ(jar.header_for(plain("www.example.org", "/dir"), start), "");
  EXPECT_EQ(jar.header_for(plain("notexample.org", "/dir"), start), "");
}

TEST(cookie_jar, sends_a_domain_cookie_to_names_below) {
  cookie_jar jar;
  EXPECT_TRUE(jar.store("a=1; Domain=example.org; Path=/", plain("www.example.org"), start));
  EXPECT_EQ(jar.header_for(plain("example.org"), start), "a=1");
  EXPECT_EQ(jar.header_for(plain("deep.www.example.org"), start), "a=1");
  EXPECT_EQ(jar.header_for(plain("badexample.org"), start), "");
  EXPECT_FALSE(jar.store("a=1; Domain=other.org", plain("www.example.org"), start));
  EXPECT_FALSE(jar.store("a=1; Domain=www.example.org", plain("example.org"), start));
}

TEST(cookie_jar, takes_none_for_public_suffixes) {
  cookie_jar jar;
  EXPECT_FALSE(jar.store("a=1; Domain=org", plain("example.org"), start));
  EXPECT_FALSE(jar.store("a=1; Domain=co.uk", plain("shop.co.uk"), start));
  EXPECT_TRUE(jar.store("a=1; Domain=github.io; Path=/", plain("github.io"), start));
  EXPECT_EQ(jar.header_for(plain("someone.github.io"), start), "");
  EXPECT_EQ(jar.header_for(plain("github.io"), start), "a=1");
}

TEST(cookie_jar, numeric_hosts_match_whole) {
  cookie_jar jar;
  EXPECT_TRUE(jar.store("a=1; Path=/", plain("127.0.0.1"), start));
  EXPECT_FALSE(jar.store("b=1; Domain=0.0.1", plain("127.0.0.1"), start));
  EXPECT_TRUE(jar.store("c=1; Domain=127.0.0.1", plain("127.0.0.1"), start));
  EXPECT_EQ(jar.header_for(plain("127.0.0.1"), start), "a=1; c=1");
  EXPECT_TRUE(jar.store("d=1", plain("::1"), start));
  EXPECT_EQ(jar.header_for(plain("::1"), start), "d=1");
}

TEST(cookie_jar, keeps_secure_cookies_from_plain_connections) {
  cookie_jar jar;
  EXPECT_FALSE(jar.store("a=1; Secure", plain("example.org"), start));
  EXPECT_TRUE(jar.store("a=1; Secure", https("example.org"), start));
  EXPECT_EQ(jar.header_for(plain("example.org"), start), "");
  EXPECT_EQ(jar.header_for(https("example.org"), start), "a=1");
  EXPECT_FALSE(jar.store("a=evil", plain("example.org"), start));
  EXPECT_FALSE(jar.store("a=evil; Domain=example.org", plain("www.example.org"), start));
  EXPECT_EQ(jar.header_for(https("example.org"), start), "a=1");
}

TEST(cookie_jar, holds_prefixes_to_their_promise) {
  cookie_jar jar;
  EXPECT_FALSE(jar.store("__Secure-a=1", https("example.org"), start));
  EXPECT_TRUE(jar.store("__Secure-a=1; Secure", https("example.org"), start));
  EXPECT_FALSE(jar.store("__Host-a=1; Secure", https("example.org"), start));
  EXPECT_FALSE(jar.store("__Host-a=1; Path=/", https("example.org"), start));
  EXPECT_FALSE(
      jar.store("__host-a=1; Secure; Path=/; Domain=example.org", https("example.org"), start));
  EXPECT_TRUE(jar.store("__Host-a=1; Secure; Path=/", https("example.org"), start));
}

TEST(cookie_jar, forgets_what_has_expired) {
  cookie_jar jar;
  EXPECT_TRUE(jar.store("a=1; Max-Age=10", plain("example.org"), start));
  EXPECT_TRUE(jar.store("b=1; Expires=Sun, 22 Nov 2026 00:00:00 GMT", plain("example.org"), start));
  EXPECT_TRUE(jar.store("c=1; Expires=Fri, 31 Dec 9999 00:00:00 GMT", plain("example.org"), start));
  EXPECT_EQ(jar.header_for(plain("example.org"), start + 9s), "a=1; b=1; c=1");
  EXPECT_EQ(jar.header_for(plain("example.org"), start + 10s), "b=1; c=1");
  EXPECT_EQ(jar.size(), 2u);
  EXPECT_EQ(jar.header_for(plain("example.org"), start + 24h), "c=1");
  EXPECT_TRUE(jar.store("c=; Max-Age=0", plain("example.org"), start));
  EXPECT_EQ(jar.size(), 0u);
}

TEST(cookie_jar, replaces_in_place_and_sends_longer_paths_first) {
  cookie_jar jar;
  EXPECT_TRUE(jar.store("a=1; Path=/", plain("example.org"), start));
  EXPECT_TRUE(jar.store("b=1; Path=/", plain("example.org"), start));
  EXPECT_TRUE(jar.store("c=1; Path=/x", plain("example.org"), start));
  EXPECT_TRUE(jar.store("a=2; Path=/", plain("example.org"), start));
  EXPECT_EQ(jar.header_for(plain("example.org", "/x/y"), start), "c=1; a=2; b=1");
  EXPECT_EQ(jar.cookies(start).size(), 3u);
  jar.clear();
  EXPECT_EQ(jar.size(), 0u);
}

TEST(cookie_jar, has_bounds) {
  cookie_jar_options options;
  options.max_total = 6;
  options.max_per_domain = 3;
  cookie_jar jar(options);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(jar.store("c" + std::to_string(i) + "=1", plain("a.org"), start));
    if (i == 0) {
      EXPECT_EQ(jar.header_for(plain("a.org"), start), "c0=1");
    }
  }
  EXPECT_EQ(jar.header_for(plain("a.org"), start), "c2=1; c3=1; c4=1");
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(jar.store("c=1", plain("host" + std::to_string(i) + ".org"), start));
  }
  EXPECT_EQ(jar.size(), 6u);
  EXPECT_EQ(jar.header_for(plain("a.org"), start), "");
  EXPECT_EQ(jar.header_for(plain("host9.org"), start), "c=1");
}

}  // namespace
}  // namespace eddy::http
