// Forms, downloads, proxies.
#include "http/scripted_server.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/download.hpp>
#include <eddy/http/form.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/testing/test_client.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using eddy::testing::with_test_client;
using http::testing::scripted_peer;
using http::testing::with_scripted_server;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(form, is_encoded_as_browsers_do) {
  EXPECT_EQ(encode_form({{"a", "1"}, {"b c", "x&y=z+\xC3\xA9\n"}, {"", "*-._"}}),
            "a=1&b+c=x%26y%3Dz%2B%C3%A9%0A&=*-._");
  EXPECT_EQ(encode_form({}), "");
}

EDDY_TEST(multipart_form, is_sent_part_by_part) {
  server app;
  app.post("/", [](request& r) -> task<response> {
    std::string text(r.fields().find("Content-Type").value_or("none"));
    text += r.fields().contains("Content-Length") ? "|sized|" : "|chunked|";
    text += co_await r.body();
    co_return response::text(text);
  });
  auto body = [](client& c) -> task<void> {
    for (const bool sized : {true, false}) {
      multipart_form form;
      form.add("ti\"tle", "notes").add_file("f", "a\r\nb.txt", "text/plain", "content");
      streamed_body content;
      content.write = [](body_writer& out) -> task<void> {
        co_await out.write("first,");
        co_await out.write("second");
      };
      if (sized) content.length = 12;
      form.add_stream("s", "s.bin", "application/octet-stream", content);
      request_spec spec("POST", "/");
      form.apply(spec);
      client_response response = co_await c.request(std::move(spec));
      const std::string seen = co_await response.body();
      constexpr std::string_view prefix = "multipart/form-data; boundary=";
      EDDY_REQUIRE(seen.starts_with(prefix));
      const std::string boundary = seen.substr(prefix.size(), seen.find('|') - prefix.size());
      const std::string expected =
          (sized ? "|sized|--" : "|chunked|--") + boundary +
          "\r\nContent-Disposition: form-data; name=\"ti%22tle\"\r\n\r\nnotes\r\n--" + boundary +
          "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a%0D%0Ab.txt\"\r\n"
          "Content-Type: text/plain\r\n\r\ncontent\r\n--" +
          boundary +
          "\r\nContent-Disposition: form-data; name=\"s\"; filename=\"s.bin\"\r\n"
          "Content-Type: application/octet-stream\r\n\r\nfirst,second\r\n--" +
          boundary + "--\r\n";
      EXPECT_EQ(seen.substr(prefix.size() + boundary.size()), expected);
    }
  };
  co_await with_test_client(app, body);
}

// --- downloads ---

/// Keeps what a download gives.
download_sink into(std::string& text) {
  return [&text](std::uint64_t offset, std::string_view piece) -> task<void> {
    if (offset == 0) text.clear();
    EXPECT_EQ(offset, text.size());
    text += piece;
    co_return;
  };
}

EDDY_TEST(download, is_taken_up_where_it_broke_off) {
  std::vector<std::string> heads;
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto head = co_await peer.read_head();
    heads.push_back(*head);
    if (peer.number() == 0) {
      co_await peer.send("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\n01234");
    } else if (peer.number() == 1) {
      co_await peer.send(
          "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56");
    } else {
      co_await peer.send(
          "HTTP/1.1 206 P\r\nContent-Range: bytes 7-9/10\r\nContent-Length: 3\r\n\r\n789");
    }
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    std::string text;
    download_options options;
    std::uint64_t last = 0;
    options.progress = [&](std::uint64_t received, std::optional<std::uint64_t> size) {
      EXPECT_GT(received, last);
      EXPECT_EQ(size, 10u);
      last = received;
    };
    const download_result done =
        co_await download(c, request_spec("GET", base), into(text), options);
    EXPECT_EQ(text, "0123456789");
    EXPECT_EQ(done.size, 10u);
    EXPECT_EQ(done.resumptions, 2u);
    EXPECT_EQ(done.validator, "\"v1\"");
    EXPECT_EQ(last, 10u);
  };
  co_await with_scripted_server(script, body);
  EDDY_REQUIRE(heads.size() == 3);
  EXPECT_THAT(heads[0], HasSubstr("Accept-Encoding: identity\r\n"));
  EXPECT_THAT(heads[0], Not(HasSubstr("Range")));
  EXPECT_THAT(heads[2], HasSubstr("Range: bytes=7-\r\n"));
  EXPECT_THAT(heads[2], HasSubstr("If-Range: \"v1\"\r\n"));
}

EDDY_TEST(download, begins_anew_when_the_server_has_another_version) {
  auto script = [](scripted_peer& peer) -> task<void> {
    if (peer.number() == 0) {
      co_await peer.answer("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\nold");
    } else {
      co_await peer.answer("HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 3\r\n\r\nnew");
    }
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    std::string text;
    const download_result done = co_await download(c, request_spec("GET", base), into(text));
    EXPECT_EQ(text, "new");
    EXPECT_EQ(done.size, 3u);
    EXPECT_EQ(done.validator, "\"v2\"");
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(download, without_a_validator_or_with_a_wrong_range_fails) {
  auto script = [](scripted_peer& peer) -> task<void> {
    const auto head = co_await peer.read_head();
    const bool weak = head->find("/weak") != std::string::npos;
    if (head->find("Range:") != std::string::npos) {
      co_await peer.send(
          "HTTP/1.1 206 P\r\nContent-Range: bytes 1-9/10\r\nContent-Length: 9\r\n\r\n123456789");
    } else {
      co_await peer.send(std::string("HTTP/1.1 200 OK\r\nETag: ") + (weak ? "W/" : "") +
                         "\"v\"\r\nContent-Length: 10\r\n\r\n01234");
    }
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    for (const auto& [path, what] : std::vector<std::pair<std::string, condition>>{
             {"/weak", condition::disconnected}, {"/wrong", condition::invalid_input}}) {
      std::string text;
      std::optional<error> failure;
      try {
        static_cast<void>(co_await download(c, request_spec("GET", base + path), into(text)));
      } catch (const error& e) {
        failure = e;
      }
      EDDY_REQUIRE(failure);
      EXPECT_EQ(*failure, what) << path;
      EXPECT_EQ(text, "01234");
    }
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(download, that_is_complete_already_ends_at_once) {
  auto script = [](scripted_peer& peer) -> task<void> {
    co_await peer.answer("HTTP/1.1 416 R\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n");
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    std::string text = "01234";
    download_options options;
    options.offset = 5;
    options.validator = "\"v\"";
    const download_result done =
        co_await download(c, request_spec("GET", base), into(text), options);
    EXPECT_EQ(done.size, 5u);
    std::optional<status_error> failure;
    try {
      static_cast<void>(co_await download(c, request_spec("GET", base), into(text)));
    } catch (const status_error& e) {
      failure = e;
    }
    EDDY_REQUIRE(failure);
    EXPECT_EQ(failure->status(), 416);
  };
  co_await with_scripted_server(script, body);
}

// --- proxies ---

constexpr std::string_view through = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nthrough";

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
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    seen = *request;
    co_await peer.send(through);
  };
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

}  // namespace
}  // namespace eddy::http
