// Which proxy a URL goes through, and what the client says to it.
#include "client_proxy.hpp"

#include "http/scripted_server.hpp"

#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/http/client.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http {
namespace {

using http::testing::scripted_peer;
using http::testing::with_scripted_server;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// --- the choice ---

TEST(http_client_proxy, is_left_out_for_the_hosts_of_no_proxy) {
  struct row {
    const char* list;
    const char* url;
    bool excepted;
  };
  for (const row& each : {
           row{"", "http://a.example/", false},
           {"*", "http://a.example/", true},
           {"example", "http://a.example/", true},
           {"a.example", "http://A.Example/", true},
           {".example", "http://a.example/", true},
           {"*.example", "http://a.example/", true},
           {"ample", "http://a.example/", false},
           {"b.example, a.example", "http://a.example/", true},
           {" , ,", "http://a.example/", false},
           {"a.example:8080", "http://a.example:8080/", true},
           {"a.example:8080", "http://a.example/", false},
           {"a.example:80", "http://a.example/", true},
           {"a.example:443", "https://a.example/", true},
           // addresses and networks
           {"127.0.0.1", "http://127.0.0.1/", true},
           {"0.0.1", "http://127.0.0.1/", false},
           {"10.0.0.0/8", "http://10.1.2.3/", true},
           {"10.0.0.0/8", "http://11.1.2.3/", false},
           {"10.0.0.0/8:81", "http://10.1.2.3:81/", true},
           {"192.168.4.0/22", "http://192.168.7.255/", true},
           {"192.168.4.0/22", "http://192.168.8.0/", false},
           {"0.0.0.0/0", "http://192.0.2.1/", true},
           {"10.0.0.0/33", "http://10.0.0.0/", false},
           {"10.0.0.0/x", "http://10.0.0.0/", false},
           {"10.0.0.0/8", "http://[::ffff:a01:203]/", false},
           {"::1", "http://[::1]/", true},
           {"[::1]", "http://[0:0::1]/", true},
           {"[::1]:8080", "http://[::1]:8080/", true},
           {"[::1]:8080", "http://[::1]/", false},
           {"[::1", "http://[::1]/", false},
           {"fd00::/8", "http://[fd12:3456::1]/", true},
           {"fe80::/10", "http://[fec0::1]/", false},
           {"2001:db8::/32", "https://[2001:db8:ffff::5]:8443/", true},
       }) {
    EXPECT_EQ(detail::is_excepted(each.list, detail::client_url::parse(each.url)), each.excepted)
        << "'" << each.list << "' " << each.url;
  }
}

using variables = std::map<std::string, std::string>;

/// The environment with no other words about proxies than these, until it goes.
class proxy_environment {
 public:
  explicit proxy_environment(const variables& has) {
    for (const char* const name : names) {
      if (const char* before = std::getenv(name)) before_[name] = before;
      ::unsetenv(name);
    }
    for (const auto& [name, value] : has) ::setenv(name.c_str(), value.c_str(), 1);
  }
  proxy_environment(const proxy_environment&) = delete;
  proxy_environment& operator=(const proxy_environment&) = delete;
  ~proxy_environment() {
    for (const char* const name : names) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  static constexpr std::array<const char*, 8> names{"http_proxy",  "HTTP_PROXY", "https_proxy",
                                                    "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
                                                    "no_proxy",    "NO_PROXY"};
  variables before_;
};

/// "host:port" of the proxy that `options` mean for `url`; empty: none.
std::string proxy_for(const client_options& options, const char* url) {
  const detail::proxy_settings settings(options);
  const auto* chosen = settings.choose(detail::client_url::parse(url));
  return chosen == nullptr ? "" : chosen->host + ":" + std::to_string(chosen->port);
}

TEST(http_client_proxy, may_come_from_the_environment) {
  struct row {
    variables environment;
    const char* for_http;
    const char* for_https;
  };
  for (const row& each : {
           row{{}, "", ""},
           {{{"http_proxy", "http://p:1"}}, "p:1", ""},
           {{{"https_proxy", "p:2"}}, "", "p:2"},
           {{{"HTTPS_PROXY", "p:3"}}, "", "p:3"},
           {{{"HTTP_PROXY", "p:4"}}, "", ""},  // a CGI program's client could set it
           {{{"all_proxy", "socks5://p"}}, "p:1080", "p:1080"},
           {{{"ALL_PROXY", "p:5"}, {"http_proxy", "q:6"}}, "q:6", "p:5"},
           {{{"all_proxy", "p:7"}, {"no_proxy", "example"}}, "", ""},
           {{{"all_proxy", "p:8"}, {"NO_PROXY", "h.example:443"}}, "p:8", ""},
           {{{"http_proxy", ""}, {"all_proxy", "p:9"}}, "p:9", "p:9"},
       }) {
    const proxy_environment set(each.environment);
    client_options options;
    EXPECT_EQ(proxy_for(options, "http://h.example/"), "") << "it was not asked for";
    options.proxy_from_environment = true;
    EXPECT_EQ(proxy_for(options, "http://h.example/"), each.for_http);
    EXPECT_EQ(proxy_for(options, "https://h.example/"), each.for_https);
    options.proxy = "own:1";
    options.no_proxy = "elsewhere";
    EXPECT_EQ(proxy_for(options, "http://h.example/"), "own:1");
    EXPECT_EQ(proxy_for(options, "https://h.example/"), "own:1");
  }
}

constexpr std::string_view through = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nthrough";

/// A proxy that answers everything, and keeps the last request.
auto answer_through(std::string& seen) {
  return [&seen](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    seen = *request;
    co_await peer.send(through);
  };
}

task<std::string> fetch_through(std::string proxy, std::string url, std::string except = {}) {
  client_options options;
  options.proxy = std::move(proxy);
  options.no_proxy = std::move(except);
  client c(options);
  client_response response = co_await c.get(std::move(url));
  co_return co_await response.body();
}

EDDY_TEST(http_client_proxy, is_asked_for_the_whole_url) {
  std::string seen;
  auto script = answer_through(seen);
  auto body = [&](const std::string& base) -> task<void> {
    const std::string page =
        co_await fetch_through("http://me:s%20t@" + base.substr(7), "http://example.org/a?b");
    EXPECT_EQ(page, "through");
    EXPECT_THAT(seen, StartsWith("GET http://example.org/a?b HTTP/1.1\r\nHost: example.org\r\n"));
    EXPECT_THAT(seen, HasSubstr("Proxy-Authorization: Basic bWU6cyB0\r\n"));
    const std::string direct =
        co_await fetch_through("http://127.0.0.1:1", base + "/x", "example.com, 127.0.0.0/8");
    EXPECT_EQ(direct, "through");
    EXPECT_THAT(seen, StartsWith("GET /x HTTP/1.1\r\n"));
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client_proxy, that_refuses_a_tunnel_is_a_clear_error) {
  std::string seen;
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    seen = *request;
    co_await peer.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  };
  auto body = [&](const std::string& base) -> task<void> {
    std::optional<request_error> failure;
    try {
      static_cast<void>(co_await fetch_through(base, "https://example.org/"));
    } catch (const request_error& e) {
      failure = e;
    }
    EDDY_REQUIRE(failure);
    EXPECT_EQ(failure->code(), request_errc::proxy_refused);
    EXPECT_EQ(failure->phase(), request_phase::connecting);
    EXPECT_THAT(failure->what(), HasSubstr("407"));
    EXPECT_THAT(seen, StartsWith("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n"));
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client_proxy, may_speak_socks5_with_and_without_credentials) {
  std::vector<std::string> seen;
  auto script = [&](scripted_peer& peer) -> task<void> {
    const std::string hello = co_await peer.read_bytes(2);
    const std::string methods = co_await peer.read_bytes(static_cast<unsigned char>(hello[1]));
    if (methods.size() == 2) {
      co_await peer.send(std::string_view("\x05\x02", 2));
      const std::string secret = co_await peer.read_bytes(5);
      seen.push_back(secret);
      const bool right = secret == std::string_view("\x01\x01u\x01p", 5);
      co_await peer.send(std::string_view(right ? "\x01\x00" : "\x01\x01", 2));
      if (!right) co_return;
    } else {
      co_await peer.send(std::string_view("\x05\x00", 2));
    }
    const std::string head = co_await peer.read_bytes(5);
    const std::string rest = co_await peer.read_bytes(static_cast<unsigned char>(head[4]) + 2U);
    seen.push_back(head.substr(0, 4) + rest);
    const bool known = rest.starts_with("example.org");
    co_await peer.send(known ? std::string_view("\x05\x00\x00\x01\x7F\x00\x00\x01\x00\x50", 10)
                             : std::string_view("\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00", 10));
    if (known) co_await peer.answer(through);
  };
  auto body = [&](const std::string& base) -> task<void> {
    const std::string where = base.substr(7);
    const std::string plain = co_await fetch_through("socks5://" + where, "http://example.org/");
    EXPECT_EQ(plain, "through");
    EXPECT_EQ(seen.back(), std::string("\x05\x01\x00\x03"
                                       "example.org\x00\x50",
                                       17));
    const std::string secret =
        co_await fetch_through("socks5://u:p@" + where, "http://example.org/");
    EXPECT_EQ(secret, "through");
    for (const auto& [proxy, url, words] :
         std::vector<std::array<std::string, 3>>{{"socks5://u:x@", "http://example.org/", "wrong"},
                                                 {"socks5://", "http://nowhere/", "unreachable"}}) {
      std::optional<request_error> failure;
      try {
        static_cast<void>(co_await fetch_through(proxy + where, url));
      } catch (const request_error& e) {
        failure = e;
      }
      EDDY_REQUIRE(failure);
      EXPECT_EQ(failure->code(), request_errc::proxy_refused);
      EXPECT_THAT(failure->what(), HasSubstr(words));
    }
  };
  co_await with_scripted_server(script, body);
}

TEST(http_client_proxy, that_is_no_proxy_is_refused_when_the_client_is_made) {
  const auto make = [](std::string proxy) -> task<void> {
    client_options options;
    options.proxy = std::move(proxy);
    const client c(options);
    co_return;
  };
  EXPECT_THROW(eddy::testing::run_virtual(make("ftp://host")), error);
  EXPECT_THROW(eddy::testing::run_virtual(make("http://")), error);
  EXPECT_THROW(eddy::testing::run_virtual(make("http://host:0")), error);
  EXPECT_NO_THROW(eddy::testing::run_virtual(make("host:3128")));
}

EDDY_TEST(http_client_proxy, of_the_environment_is_asked_and_one_that_is_none_is_refused) {
  std::string seen;
  auto script = answer_through(seen);
  auto body = [&](const std::string& base) -> task<void> {
    client_options options;
    options.proxy_from_environment = true;
    const variables has{{"http_proxy", base}};
    const proxy_environment set(has);
    client c(options);
    client_response response = co_await c.get("http://example.org/");
    const std::string text = co_await response.body();
    EXPECT_EQ(text, "through");
    EXPECT_THAT(seen, StartsWith("GET http://example.org/ HTTP/1.1\r\n"));
    const variables wrong{{"http_proxy", "ftp://x"}};
    const proxy_environment set_wrongly(wrong);
    EXPECT_THROW(client{options}, error);
  };
  co_await with_scripted_server(script, body);
}

}  // namespace
}  // namespace eddy::http
