// The server over TLS: in virtual time, and with curl.
#include "server_fixture.hpp"
#include "tls/connected.hpp"
#include "tls/temporary_folder.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/client_certificate.hpp>
#include <eddy/http/server.hpp>
#include <eddy/process/run.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

tls::context secure_server(std::vector<std::string> protocols = {}) {
  tls::server_options options = tls::testing::server_for({"example.org", "127.0.0.1"});
  options.alpn = std::move(protocols);
  return tls::context::server(options);
}

/// Serves `app` over TLS while `body(address)` runs.
template <class Body>
task<void> with_secure_server(server& app, tls::context context, Body body) {
  net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const net::address at = listener.local();
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener, context));
    co_await body(at);
    app.shutdown();
  };
  co_await with_group(both);
}

task<tls::stream> connect_securely(net::address at) {
  io::any_stream tcp(co_await net::tcp_stream::connect(at));
  co_return co_await tls::stream::connect(std::move(tcp), tls::testing::plain_client(),
                                          "example.org");
}

task<std::string> read_rest(tls::stream& from) {
  std::string all;
  std::array<std::byte, 4096> piece{};
  for (;;) {
    const std::size_t count = co_await from.read_some(piece);
    if (count == 0) break;
    all += io::text_of(std::span(piece).first(count));
  }
  co_return all;
}

EDDY_TEST(http_server_tls, serves_requests_whose_scheme_is_https) {
  server app;
  app.get("/", [](request& r) {
    return std::string(r.scheme()) + " " + r.peer().host() + " " + r.client().host();
  });
  auto body = [&app](net::address at) -> task<void> {
    tls::stream client = co_await connect_securely(at);
    const std::string asked = get("/") + get("/", "Connection: close\r\n");
    co_await io::write_all(client, asked);
    const std::string all = co_await read_rest(client);
    EXPECT_THAT(all, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(all.substr(20), HasSubstr("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(all, HasSubstr("https 127.0.0.1 127.0.0.1"));
    co_await client.close();
    co_await sleep(1s);
    EXPECT_EQ(app.statistics().requests, 2u);
    EXPECT_EQ(app.statistics().connections_open, 0u);
  };
  co_await with_secure_server(app, secure_server(), body);
}

EDDY_TEST(http_server_tls, counts_handshakes_that_fail_and_reports_none) {
  server app;
  testing::error_recorder recorder;
  auto body = [&app](net::address at) -> task<void> {
    raw_client plain = co_await raw_client::connect(at);
    co_await plain.send(get("/"));
    static_cast<void>(co_await plain.read_rest());
    const time_point start = now();
    raw_client silent = co_await raw_client::connect(at);
    static_cast<void>(co_await silent.read_rest());
    EXPECT_EQ(now() - start, 10s);
    co_await sleep(1s);
    EXPECT_EQ(app.statistics().handshakes_failed, 2u);
    EXPECT_EQ(app.statistics().connections_open, 0u);
  };
  co_await with_secure_server(app, secure_server(), body);
  EXPECT_EQ(recorder.count(), 0u);
}

EDDY_TEST(http_server_tls, tells_handlers_which_certificate_the_client_showed) {
  server app;
  app.get("/", [](request& r) {
    const auto shown = client_certificate(r);
    return shown ? shown->subject : std::string("nobody");
  });
  tls::server_options options = tls::testing::server_for({"127.0.0.1"});
  options.clients = tls::client_certificates::optional;
  options.client_authorities = tls::testing::authority().trusted();
  options.alpn = {"h2", "http/1.1"};
  auto body = [](net::address at) -> task<void> {
    for (const bool http2 : {false, true}) {
      for (const bool known : {false, true}) {
        tls::client_options trusting = tls::testing::trusting_client();
        if (known) trusting.certificates.push_back(tls::testing::issued("alice"));
        client_options how;
        how.tls = tls::context::client(trusting);
        how.http2 = http2;
        client asking(std::move(how));
        auto got = co_await asking.get("https://127.0.0.1:" + std::to_string(at.port()) + "/");
        const std::string said = co_await got.body();
        EXPECT_EQ(said, known ? "CN=alice" : "nobody") << http2;
      }
    }
  };
  co_await with_secure_server(app, tls::context::server(options), body);
}

EDDY_TEST(http_server, has_no_certificate_of_a_client_without_tls) {
  server app;
  app.get("/", [](request& r) { return client_certificate(r) ? "somebody" : "nobody"; });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.body, "nobody");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server_tls, names_the_peer_when_serving_it_failed) {
  server app;
  app.observe([](const exchange_record&) { throw std::runtime_error("no observer may throw"); });
  app.get("/", [](request&) { return "root"; });
  testing::error_recorder recorder;
  std::string own;
  auto body = [&own](net::address at) -> task<void> {
    net::tcp_stream tcp = co_await net::tcp_stream::connect(at);
    own = tcp.local().to_string();
    io::any_stream under(std::move(tcp));
    tls::stream client = co_await tls::stream::connect(std::move(under),
                                                       tls::testing::plain_client(), "example.org");
    const std::string asked = get("/");
    co_await io::write_all(client, asked);
    try {
      static_cast<void>(co_await read_rest(client));
    } catch (const error&) {  // it ends in the middle
    }
  };
  co_await with_secure_server(app, secure_server(), body);
  EDDY_REQUIRE(recorder.count() == 1U);
  EXPECT_EQ(recorder.reports()[0].message, "serving a connection over TLS failed: " + own);
  EXPECT_EQ(app.statistics().connections_open, 0U);
}

EDDY_TEST(http_server_tls, closes_idle_connections_with_a_goodbye) {
  server app;
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    tls::stream client = co_await connect_securely(at);
    const std::string asked = get("/");
    co_await io::write_all(client, asked);
    const time_point start = now();
    const std::string all = co_await read_rest(client);  // an end without goodbye would throw
    EXPECT_THAT(all, HasSubstr("root"));
    EXPECT_EQ(now() - start, 75s);
  };
  co_await with_secure_server(app, secure_server(), body);
}

TEST(http_server_tls_with_curl, chooses_the_version_by_alpn) {
  const tls::testing::temporary_folder folder;
  const std::string authority = folder.write("ca.pem", tls::testing::authority().pem());
  server app;
  app.get("/", [](request& r) { return std::string(r.scheme()) + "\n"; });
  auto body = [&](net::address at) -> task<void> {
    for (const char* version : {"--http1.1", "--http2"}) {
      std::vector<std::string> words{"-sS", version,           "--cacert",  authority,
                                     "-w",  "%{http_version}", "--noproxy", "*"};
      words.push_back("https://127.0.0.1:" + std::to_string(at.port()) + "/");
      process::options what("curl", std::move(words));
      const process::output said = co_await process::run(what);
      EXPECT_EQ(said.err, "");
      EXPECT_EQ(said.out, version == std::string("--http2") ? "https\n2" : "https\n1.1");
    }
  };
  run_options options;
  options.handle_signals = false;
  auto serving = with_secure_server(app, secure_server({"h2", "http/1.1"}), body);
  run(with_timeout(60s, std::move(serving)), options);
}

}  // namespace
}  // namespace eddy::http::test
