// Whom a request comes from, behind proxies: their fields, and the PROXY protocol.
#include "server_fixture.hpp"

#include <string>
#include <string_view>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

server_options trusting(std::initializer_list<const char*> networks) {
  server_options options;
  for (const char* one : networks) {
    options.trusted_proxies.push_back(net::network::parse(one).value());
  }
  return options;
}

void add_origin(server& app) {
  app.get("/", [](request& r) { return r.client().host() + " " + std::string(r.scheme()); });
}

task<std::string> origin(net::address at, std::string fields) {
  raw_client client = co_await raw_client::connect(at);
  const answer got = co_await client.ask(get("/", fields));
  co_return got.body;
}

EDDY_TEST(http_server_proxies, are_believed_when_they_are_trusted) {
  server app(trusting({"127.0.0.0/8", "10.0.0.0/8"}));
  add_origin(app);
  auto body = [](net::address at) -> task<void> {
    const auto expect = [at](std::string fields, std::string_view expected) -> task<void> {
      const std::string got = co_await origin(at, fields);
      EXPECT_EQ(got, expected) << fields;
    };
    co_await expect("", "127.0.0.1 http");
    co_await expect("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n",
                    "192.0.2.7 https");
    co_await expect("X-Forwarded-For: 8.8.8.8, 192.0.2.7, 10.1.1.1\r\n", "192.0.2.7 http");
    co_await expect("X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-For: 192.0.2.7 , 10.1.1.1\r\n",
                    "192.0.2.7 http");
    co_await expect("X-Forwarded-For: 10.2.2.2, 10.1.1.1\r\n", "10.2.2.2 http");
    co_await expect("X-Forwarded-For: 8.8.8.8, unknown, 10.1.1.1\r\n", "10.1.1.1 http");
    co_await expect("X-Forwarded-For: [2001:db8::1]:80\r\n", "2001:db8::1 http");
    co_await expect("X-Forwarded-For: 2001:db8::2\r\n", "2001:db8::2 http");
    co_await expect("X-Forwarded-For: 192.0.2.7:9999\r\n", "192.0.2.7 http");
    co_await expect("X-Forwarded-Proto: gopher\r\n", "127.0.0.1 http");
    co_await expect("Forwarded: for=192.0.2.9;proto=https\r\n", "127.0.0.1 http");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_proxies, may_use_the_standard_field_instead) {
  server_options options = trusting({"127.0.0.1", "10.0.0.0/8"});
  options.proxy_fields = forwarding::forwarded;
  server app(options);
  add_origin(app);
  auto body = [](net::address at) -> task<void> {
    std::string got = co_await origin(at, "Forwarded: for=192.0.2.9;proto=https;by=10.0.0.1\r\n");
    EXPECT_EQ(got, "192.0.2.9 https");
    got =
        co_await origin(at, "Forwarded: for=\"[2001:db8::7]:4711\";Proto=HTTPS, For=10.0.0.2\r\n");
    EXPECT_EQ(got, "2001:db8::7 https");
    got = co_await origin(at, "Forwarded: for=8.8.8.8, for=_hidden\r\n");
    EXPECT_EQ(got, "127.0.0.1 http");
    got = co_await origin(at, "X-Forwarded-For: 192.0.2.9\r\n");
    EXPECT_EQ(got, "127.0.0.1 http");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_proxies, that_are_not_trusted_say_nothing) {
  server nobody;
  server others(trusting({"10.0.0.0/8"}));
  for (server* app : {&nobody, &others}) {
    add_origin(*app);
    auto body = [](net::address at) -> task<void> {
      const std::string got =
          co_await origin(at, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n");
      EXPECT_EQ(got, "127.0.0.1 http");
    };
    co_await with_server(*app, body);
  }
}

EDDY_TEST(http_server_proxy_protocol, names_the_client_of_all_requests_of_a_connection) {
  server_options options = trusting({"127.0.0.1"});
  options.proxy_protocol = true;
  server app(options);
  add_origin(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send("PROXY TCP4 192.0.2.1 198.51.100.2 563");
    co_await sleep(1s);
    co_await client.send("24 443\r\n" + get("/"));
    for (int i = 0; i < 2; ++i) {
      const answer got = co_await client.read();
      EXPECT_EQ(got.body, "192.0.2.1 http");
      co_await sleep(2s);  // it may rest in between
      co_await client.send(get("/"));
    }
    using namespace std::string_view_literals;
    std::string second("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"sv);
    second += "\xc0\x00\x02\x05\xc6\x33\x64\x02\xdc\x04\x01\xbb"sv;
    raw_client other = co_await raw_client::connect(at);
    const answer got = co_await other.ask(second + get("/"));
    EXPECT_EQ(got.body, "192.0.2.5 http");
    raw_client check = co_await raw_client::connect(at);
    const answer local = co_await check.ask("PROXY UNKNOWN\r\n" + get("/"));
    EXPECT_EQ(local.body, "127.0.0.1 http");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_proxy_protocol, is_demanded_of_every_connection_and_of_trusted_peers) {
  for (const char* trusted : {"127.0.0.1", "10.0.0.0/8"}) {
    server_options options = trusting({trusted});
    options.proxy_protocol = true;
    server app(options);
    add_origin(app);
    auto body = [&](net::address at) -> task<void> {
      raw_client plain = co_await raw_client::connect(at);
      co_await plain.send(get("/"));
      std::string rest = co_await plain.read_rest();
      EXPECT_EQ(rest, "");
      raw_client announced = co_await raw_client::connect(at);
      co_await announced.send("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n" +
                              get("/", "Connection: close\r\n"));
      rest = co_await announced.read_rest();
      EXPECT_EQ(rest.empty(), trusted != std::string_view("127.0.0.1"));
      const time_point start = now();
      raw_client silent = co_await raw_client::connect(at);
      rest = co_await silent.read_rest();
      EXPECT_EQ(rest, "");
      EXPECT_LE(now() - start, 10s);
      EXPECT_EQ(app.statistics().connections_open, 0u);
    };
    co_await with_server(app, body);
  }
}

}  // namespace
}  // namespace eddy::http::test
