// Slow clients and long answers, over both versions of HTTP, and connections beyond the limits over TLS; on the virtual
// clock.
#include "http2_raw.hpp"
#include "server_fixture.hpp"
#include "tls/connected.hpp"

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

task<h2_reaction> reaction_of(h2_peer& peer, duration patience = duration(1)) {
  const std::vector<h2_frame> frames = co_await peer.read_all(patience);
  co_return h2_reaction(frames);
}

task<void> write_forever(body_writer& out) {
  for (;;) {
    co_await out.write("tick\n");
    co_await sleep(1s);
  }
}

task<void> say_nothing(body_writer&) { co_await sleep(1h); }

void add_routes(server& app) {
  app.get("/forever", [](request&) { return response::stream("text/plain", write_forever); });
  app.get("/ten", [](request&) { return response::stream("text/plain", write_forever); },
          {.request_timeout = 10s});
  app.get("/silent", [](request&) { return response::stream("text/plain", say_nothing); },
          {.request_timeout = 10s});
  app.get("/slow",
          [](request&) -> task<std::string> {
            co_await sleep(1h);
            co_return "never";
          },
          {.request_timeout = 10s});
  app.get("/large", [](request&) { return std::string(200'000, 'x'); });
  app.post("/", [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::to_string(body.size());
  });
}

// --- HTTP/2: the rates of one stream ---

EDDY_TEST(http2_server_pace, a_body_has_to_come_at_a_minimum_rate) {
  server app;  // 240 bytes per second after 10 seconds
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_post(1, "/") + h2_post(3, "/"));
    const std::string steady(300, 'x');
    for (int second = 1; second <= 9; ++second) {
      co_await sleep(1s);
      co_await peer.send(h2_data(1, "0123456789", false) + h2_data(3, steady, false));
    }
    const h2_reaction before = co_await reaction_of(peer);
    EXPECT_THAT(before.finished, ElementsAre());
    for (int second = 10; second <= 30; ++second) {
      co_await sleep(1s);
      co_await peer.send(h2_data(3, steady, second == 30));
    }
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 408);
    EXPECT_EQ(got.body_of(3), "9000");
    EXPECT_FALSE(got.goaway);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server_pace, an_answer_has_to_be_taken_at_a_minimum_rate) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open(h2_setting(4, 1));
    co_await peer.send(h2_get(1, "/large") + h2_get(3, "/large"));
    const time_point start = now();
    std::optional<std::uint32_t> slow_one;
    duration took{};
    for (int second = 1; second <= 40; ++second) {
      co_await sleep(1s);
      co_await peer.send(h2_update(3, 1000));
      if (!slow_one) co_await peer.send(h2_update(1, 10));
      const h2_reaction got = co_await reaction_of(peer);
      EXPECT_FALSE(got.reset_of(3));
      if (slow_one || !got.reset_of(1)) continue;
      slow_one = got.reset_of(1);
      took = now() - start;
    }
    EXPECT_EQ(slow_one, h2::cancel);
    EXPECT_GE(took, 10s);
    EXPECT_LE(took, 12s);
  };
  co_await with_h2_peer(app, body);
}

// Two answers on a slow connection: that the second has to wait for the first is not its client's doing.
EDDY_TEST(http2_server_pace, a_stream_that_waits_for_another_is_not_slow) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open(h2_setting(4, 1'000'000));
    const std::string first = h2_bytes(h2::headers, 5, 1,
                                       hpack({{":method", "GET"},
                                              {":scheme", "http"},
                                              {":path", "/large"},
                                              {":authority", "h"},
                                              {"priority", "u=0"}}));
    co_await peer.send(first + h2_get(3, "/large"));
    std::size_t taken = 0;
    for (int second = 1; second <= 60 && taken < 400'000; ++second) {
      co_await peer.send(h2_update(0, 10'000));
      co_await sleep(1s);
      const h2_reaction got = co_await reaction_of(peer);
      EXPECT_TRUE(got.resets.empty());
      taken += got.body_of(1).size() + got.body_of(3).size();
    }
    EXPECT_EQ(taken, 400'000U);
  };
  co_await with_h2_peer(app, body);
}

// --- the whole request's time ---

EDDY_TEST(http_server_request_timeout, breaks_a_streamed_answer_off) {
  server app;
  add_routes(app);
  testing::error_recorder recorder;
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const time_point start = now();
    co_await client.send(get("/ten"));
    const std::string all = co_await client.read_rest();
    EXPECT_EQ(now() - start, 10s);
    EXPECT_THAT(all, HasSubstr("tick"));
    EXPECT_EQ(all.find("\r\n0\r\n"), std::string::npos);  // the client is not to think it complete
    for (const std::string_view target : {"/silent", "/slow"}) {
      raw_client other = co_await raw_client::connect(at);
      const time_point asked = now();
      const answer got = co_await other.ask(get(target));
      EXPECT_EQ(got.status, 503);
      EXPECT_EQ(now() - asked, 10s);
    }
  };
  co_await with_server(app, body);
  EXPECT_EQ(recorder.count(), 1U);
}

EDDY_TEST(http_server_request_timeout, may_be_the_servers_and_is_none_by_default) {
  server unlimited;
  add_routes(unlimited);
  const auto read_for_an_hour = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/forever"));
    const auto all = co_await move_on_after(1h, client.read_rest());
    EXPECT_FALSE(all.has_value());
  };
  co_await with_server(unlimited, read_for_an_hour);
  server_options options;
  options.request_timeout = 20s;
  server limited(options);
  add_routes(limited);
  testing::error_recorder recorder;
  const auto read_until_cut = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const time_point start = now();
    co_await client.send(get("/forever"));
    static_cast<void>(co_await client.read_rest());
    EXPECT_EQ(now() - start, 20s);
  };
  co_await with_server(limited, read_until_cut);
}

EDDY_TEST(http2_server_request_timeout, resets_the_stream_of_a_streamed_answer) {
  server app;
  add_routes(app);
  testing::error_recorder recorder;
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1, "/ten") + h2_get(3, "/silent") + h2_get(5, "/slow"));
    const h2_reaction before = co_await reaction_of(peer, 900ms);
    EXPECT_EQ(before.status_of(1), 200);
    co_await sleep(10s);
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.reset_of(1), h2::internal_error);
    EXPECT_EQ(got.status_of(3), 503);
    EXPECT_EQ(got.status_of(5), 503);
    EXPECT_THAT(got.body_of(1), StartsWith("tick"));
    EXPECT_FALSE(got.goaway);
  };
  co_await with_h2_peer(app, body);
  EXPECT_EQ(recorder.count(), 1U);
}

// --- connections beyond the limits, over TLS ---

task<std::string> ask_securely(net::address at, bool only_http2) {
  io::any_stream tcp(co_await net::tcp_stream::connect(at));
  const std::array<std::string_view, 2> offered{"h2", "http/1.1"};
  tls::handshake_options how;
  how.alpn = std::span(offered).first(only_http2 ? 1 : 2);
  tls::stream client = co_await tls::stream::connect(std::move(tcp), tls::testing::plain_client(),
                                                     "example.org", how);
  std::string all(client.alpn());
  std::array<std::byte, 4096> piece{};
  for (;;) {
    const std::size_t count = co_await client.read_some(piece);
    if (count == 0) break;
    all += io::text_of(std::span(piece).first(count));
  }
  co_await client.close();
  co_return all;
}

EDDY_TEST(http_server_connections, beyond_the_limits_are_told_503_over_tls) {
  server_options options;
  options.max_connections = 1;
  options.max_refusals = 1;
  server app(options);
  tls::server_options secure = tls::testing::server_for({"example.org"});
  secure.alpn = {"h2", "http/1.1"};
  net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener, tls::context::server(secure)));
    raw_client served = co_await raw_client::connect(listener.local());
    const std::string told = co_await ask_securely(listener.local(), false);
    EXPECT_THAT(told, StartsWith("http/1.1HTTP/1.1 503 "));
    EXPECT_THAT(told, HasSubstr("Retry-After: 1\r\n"));
    bool failed = false;
    try {
      static_cast<void>(co_await ask_securely(listener.local(), true));
    } catch (const tls::tls_error&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    // One that does not even shake hands is kept for two seconds, and no longer.
    const time_point start = now();
    raw_client silent = co_await raw_client::connect(listener.local());
    const std::string nothing = co_await silent.read_rest();
    EXPECT_EQ(nothing, "");
    EXPECT_EQ(now() - start, 2s);
    EXPECT_EQ(app.statistics().connections_refused, 3U);
    EXPECT_EQ(app.statistics().connections_open, 1U);
    app.shutdown();
  };
  co_await with_group(both);
}

EDDY_TEST(http_server_connections, rest_over_tls_without_the_client_noticing) {
  server app;
  app.get("/", [](request&) { return "root"; });
  net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener, tls::testing::plain_server()));
    io::any_stream tcp(co_await net::tcp_stream::connect(listener.local()));
    tls::stream client =
        co_await tls::stream::connect(std::move(tcp), tls::testing::plain_client(), "example.org");
    for (const duration pause : {0ms, 999ms, 1000ms, 1001ms, 70'000ms, 2000ms}) {
      co_await sleep(pause);
      const std::string asked = get("/");
      co_await io::write_all(client, asked);
      std::array<std::byte, 4096> piece{};
      std::string got;
      while (!got.ends_with("root")) {
        const std::size_t count = co_await client.read_some(piece);
        EXPECT_GT(count, 0U);
        got += io::text_of(std::span(piece).first(count));
      }
    }
    EXPECT_EQ(app.statistics().connections_total, 1U);
    EXPECT_EQ(app.statistics().requests, 6U);
    app.shutdown();
    std::array<std::byte, 16> piece{};
    const std::size_t end = co_await client.read_some(piece);
    EXPECT_EQ(end, 0U);
  };
  co_await with_group(both);
}

}  // namespace
}  // namespace eddy::http::test
