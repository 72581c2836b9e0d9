// From the request to the websocket, on both sides: our server and our client with each other and with raw bytes.
#include "scripted_server.hpp"
#include "server_fixture.hpp"
#include "tls/connected.hpp"
#include "websocket_fixture.hpp"

#include <array>
#include <chrono>
#include <string>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/http/client.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::string_view asks =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string url_of(net::address at, std::string_view path) {
  return "ws://127.0.0.1:" + std::to_string(at.port()) + std::string(path);
}

void add_echo(server& app, websocket_accept_options options = {}) {
  app.get("/echo", [options](request& r) { return websocket_upgrade(r, echo, options); });
}

EDDY_TEST(websocket_handshake, our_client_and_our_server_talk_compressed_and_not) {
  server app;
  add_echo(app);
  auto body = [](net::address at) -> task<void> {
    for (const bool compress : {false, true}) {
      websocket_connect_options options;
      options.connection.compress = compress;
      auto ws = co_await websocket_connect(url_of(at, "/echo"), options);
      EXPECT_EQ(ws.is_compressed(), compress);
      for (const std::size_t size : {0u, 5u, 300u, 70'000u}) {
        const std::string text(size, 'x');
        co_await ws.send_text(text);
        const auto back = co_await ws.receive();
        EDDY_REQUIRE(back.has_value());
        EXPECT_EQ(back->data, text);
      }
      co_await ws.close(1000, "done");
      EXPECT_EQ(ws.close_code(), 1000);
    }
  };
  co_await with_server(app, body);
}

EDDY_TEST(websocket_handshake, a_client_brings_its_base_url_and_fields) {
  server app;
  app.get("/echo", [](request& r) {
    EXPECT_EQ(r.field("X-Token"), "secret");
    return websocket_upgrade(r, echo);
  });
  auto body = [](net::address at) -> task<void> {
    client_options each;
    each.base_url = "http://" + at.to_string() + "/";
    client through(each);
    through.default_fields().set("X-Token", "secret");
    for (const std::string& url : {std::string("echo"), url_of(at, "/echo")}) {
      auto on = co_await websocket_connect(through, url);
      EXPECT_TRUE(on.is_compressed());
      co_await on.send_text("hello");
      const auto back = co_await on.receive();
      EXPECT_TRUE(back && back->data == "hello");
      co_await on.close();
      EXPECT_EQ(on.close_code(), 1000);
    }
    EXPECT_THROW(co_await websocket_connect(through, "nothing"), websocket_error);
  };
  co_await with_server(app, body);
}

EDDY_TEST(websocket_handshake, wss_has_tls_below) {
  server app;
  add_echo(app);
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const std::string url = "wss://127.0.0.1:" + std::to_string(listener.local().port()) + "/echo";
  const auto ours = tls::context::server(tls::testing::server_for({"127.0.0.1"}));
  const tls::context trusting = tls::testing::plain_client();
  auto run = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener, ours));
    websocket_connect_options options;
    options.tls = &trusting;
    auto on = co_await websocket_connect(url, options);
    const std::string text(100'000, 'x');
    co_await on.send_text(text);
    const auto back = co_await on.receive();
    EXPECT_TRUE(back && back->data == text);
    co_await on.close();
    EXPECT_EQ(on.close_code(), 1000);
    app.shutdown();
  };
  co_await with_group(run);
}

EDDY_TEST(websocket_handshake, context_takeover_and_small_windows_can_be_agreed_on) {
  websocket_accept_options accepting;
  accepting.connection.deflate = {.server_max_window_bits = 9, .client_max_window_bits = 10};
  server app;
  add_echo(app, accepting);
  auto body = [](net::address at) -> task<void> {
    websocket_connect_options options;
    options.connection.deflate = {};
    auto ws = co_await websocket_connect(url_of(at, "/echo"), options);
    std::string text;
    for (int i = 0; i < 3000; ++i) text += std::to_string(i * i);
    for (int i = 0; i < 4; ++i) {
      co_await ws.send_text(text);
      const auto back = co_await ws.receive();
      EDDY_REQUIRE(back.has_value());
      EXPECT_EQ(back->data, text);
    }
  };
  co_await with_server(app, body);
}

EDDY_TEST(websocket_handshake, the_server_answers_as_rfc_6455_says) {
  static constexpr std::array<std::string_view, 2> spoken{"chat.v1", "chat.v2"};
  websocket_accept_options options;
  options.subprotocols = spoken;
  server app;
  add_echo(app, options);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(
        get("/echo", std::string(asks) + "Sec-WebSocket-Protocol: x, chat.v2, chat.v1\r\n"
                                         "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    EXPECT_EQ(got.status, 101);
    EXPECT_EQ(got.field("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(got.field("Sec-WebSocket-Protocol"), "chat.v2");
    EXPECT_EQ(got.field("Sec-WebSocket-Extensions"),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    const std::string goodbye = bytes_of({.opcode = 8}, ws::role::client);
    co_await client.send(goodbye);
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, std::string("\x88\x00", 2));
  };
  co_await with_server(app, body);
}

EDDY_TEST(websocket_handshake, the_server_refuses_what_is_not_right) {
  server app;
  add_echo(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer plain = co_await client.ask(get("/echo"));
    EXPECT_EQ(plain.status, 426);
    EXPECT_EQ(plain.field("Upgrade"), "websocket");
    EXPECT_EQ(plain.field("Connection"), "Upgrade");
    std::string old(asks);
    old.replace(old.find("13"), 2, "8");
    const answer version = co_await client.ask(get("/echo", old));
    EXPECT_EQ(version.status, 426);
    EXPECT_EQ(version.field("Sec-WebSocket-Version"), "13");
    std::string keyless(asks);
    keyless.resize(keyless.find("Sec-WebSocket-Key"));
    const answer key = co_await client.ask(get("/echo", keyless));
    EXPECT_EQ(key.status, 400);
    const answer list =
        co_await client.ask(get("/echo", std::string(asks) + "Sec-WebSocket-Extensions: a b\r\n"));
    EXPECT_EQ(list.status, 400);
  };
  co_await with_server(app, body);
}

EDDY_TEST(websocket_handshake, pages_of_other_origins_are_refused_unless_they_are_listed) {
  static constexpr std::array<std::string_view, 1> friends{"https://friend.example"};
  websocket_accept_options listed;
  listed.origins = friends;
  websocket_accept_options open;
  open.any_origin = true;
  server app;
  app.get("/listed", [&](request& r) { return websocket_upgrade(r, echo, listed); });
  app.get("/open", [&](request& r) { return websocket_upgrade(r, echo, open); });
  auto body = [](net::address at) -> task<void> {
    struct expectation {
      const char* path;
      const char* origin;
      int status;
    };
    const std::array<expectation, 6> all{{{"/listed", "", 101},
                                          {"/listed", "Origin: http://h\r\n", 101},
                                          {"/listed", "Origin: https://friend.example\r\n", 101},
                                          {"/listed", "Origin: https://evil.example\r\n", 403},
                                          {"/listed", "Origin: null\r\n", 403},
                                          {"/open", "Origin: https://evil.example\r\n", 101}}};
    for (const expectation& one : all) {
      raw_client client = co_await raw_client::connect(at);
      const answer got = co_await client.ask(get(one.path, std::string(asks) + one.origin));
      EXPECT_EQ(got.status, one.status) << one.path << " " << one.origin;
    }
  };
  co_await with_server(app, body);
}

EDDY_TEST(websocket_handshake, the_end_of_a_handler_closes_with_the_code_that_fits) {
  server app;
  app.get("/returns", [](request& r) {
    return websocket_upgrade(r, [](websocket& on) -> task<void> { co_await on.send_text("bye"); });
  });
  app.get("/throws", [](request& r) {
    return websocket_upgrade(r, [](websocket&) -> task<void> {
      throw std::runtime_error("a secret");
      co_return;
    });
  });
  eddy::testing::error_recorder reports;
  auto body = [](net::address at) -> task<void> {
    auto first = co_await websocket_connect(url_of(at, "/returns"));
    const auto message = co_await first.receive();
    EXPECT_EQ(message->data, "bye");
    const auto end = co_await first.receive();
    EXPECT_FALSE(end.has_value());
    EXPECT_EQ(first.close_code(), 1000);
    auto second = co_await websocket_connect(url_of(at, "/throws"));
    const auto nothing = co_await second.receive();
    EXPECT_FALSE(nothing.has_value());
    EXPECT_EQ(second.close_code(), 1011);
    EXPECT_EQ(second.close_reason(), "");
  };
  co_await with_server(app, body);
  EXPECT_EQ(reports.count(), 1u);
}

EDDY_TEST(websocket_handshake, an_ending_server_says_1001_to_all) {
  server app;
  add_echo(app);
  app.get("/busy", [](request& r) {
    return websocket_upgrade(r, [](websocket& on) -> task<void> {
      while (on.is_open()) co_await sleep(1s);
    });
  });
  auto body = [&](net::address at) -> task<void> {
    auto first = co_await websocket_connect(url_of(at, "/echo"));
    auto second = co_await websocket_connect(url_of(at, "/busy"));
    app.shutdown();
    for (websocket* one : {&first, &second}) {
      const auto end = co_await one->receive();
      EXPECT_FALSE(end.has_value());
      EXPECT_EQ(one->close_code(), 1001);
    }
  };
  const time_point begin = now();
  co_await with_server(app, body);
  EXPECT_LE(now() - begin, 2s);
}

EDDY_TEST(websocket_handshake, what_comes_behind_the_handshake_is_not_lost) {
  server app;
  add_echo(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const std::string frames = bytes_of({.opcode = 1, .payload = "early"}, ws::role::client) +
                               bytes_of({.opcode = 8}, ws::role::client);
    co_await client.send(get("/echo", asks) + frames);
    const std::string got = co_await client.read_rest();
    EXPECT_TRUE(got.ends_with(std::string("\x81\x05", 2) + "early" + std::string("\x88\x00", 2)));
  };
  co_await with_server(app, body);
}

EDDY_TEST(websocket_handshake, the_client_sends_what_it_was_told_to) {
  auto script = [](testing::scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    EDDY_REQUIRE(request.has_value());
    EXPECT_THAT(*request, HasSubstr("GET /chat?room=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
    EXPECT_THAT(*request, HasSubstr("Origin: https://me.example\r\n"));
    EXPECT_THAT(*request, HasSubstr("Authorization: Bearer x\r\n"));
    EXPECT_THAT(*request, HasSubstr("Sec-WebSocket-Protocol: a, b\r\n"));
    EXPECT_THAT(*request, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
    EXPECT_THAT(*request, HasSubstr("Sec-WebSocket-Extensions: permessage-deflate; "
                                    "server_no_context_takeover; client_no_context_takeover; "
                                    "client_max_window_bits\r\n"));
    const std::size_t at = request->find("Sec-WebSocket-Key: ") + 19;
    const std::string early = bytes_of({.opcode = 1, .payload = "early"}, ws::role::server);
    co_await peer.send(
        "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " +
        ws::accept_value(request->substr(at, 24)) + "\r\nSec-WebSocket-Protocol: b\r\n\r\n" +
        early);
    co_await sleep(1s);
  };
  auto body = [](std::string base) -> task<void> {
    static constexpr std::array<std::string_view, 2> subprotocols{"a", "b"};
    fields further;
    further.set("Authorization", "Bearer x");
    websocket_connect_options options;
    options.origin = "https://me.example";
    options.subprotocols = subprotocols;
    options.fields = &further;
    base.replace(0, 4, "ws");
    auto ws = co_await websocket_connect(base + "/chat?room=1", options);
    EXPECT_EQ(ws.subprotocol(), "b");
    EXPECT_FALSE(ws.is_compressed());
    const auto message = co_await ws.receive();
    EXPECT_EQ(message->data, "early");
  };
  co_await testing::with_scripted_server(script, body);
}

task<std::string> connect_failure(std::string url, duration timeout = 30s) {
  std::string what;
  websocket_connect_options options;
  options.timeout = timeout;
  try {
    co_await websocket_connect(std::move(url), options);
  } catch (const error& e) {
    what = e.what();
  }
  co_return what;
}

EDDY_TEST(websocket_handshake, the_client_refuses_answers_that_are_not_right) {
  auto script = [](testing::scripted_peer& peer) -> task<void> {
    static constexpr std::array<std::string_view, 4> answers{
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "nonsense\r\n\r\n", ""};
    co_await peer.answer(answers.at(peer.number()));
  };
  auto body = [](std::string base) -> task<void> {
    base.replace(0, 4, "ws");
    const std::string status = co_await connect_failure(base);
    EXPECT_THAT(status, HasSubstr("answered 403: not a WebSocket handshake"));
    const std::string accept = co_await connect_failure(base);
    EXPECT_THAT(accept, HasSubstr("wrong Sec-WebSocket-Accept"));
    const std::string head = co_await connect_failure(base);
    EXPECT_THAT(head, HasSubstr("malformed status line"));
    const std::string end = co_await connect_failure(base);
    EXPECT_NE(end, "");
  };
  co_await testing::with_scripted_server(script, body);
}

EDDY_TEST(websocket_handshake, the_client_checks_the_url_and_the_time) {
  const std::string scheme = co_await connect_failure("http://h/");
  EXPECT_THAT(scheme, HasSubstr("the scheme of the URL is neither ws nor wss"));
  auto [ours, silent] = io::memory_stream_pair();
  websocket_connect_options options;
  options.timeout = 3s;
  io::any_stream stream(std::move(ours));
  EXPECT_THROW(co_await websocket_connect(std::move(stream), "ws://h/", options), timeout_error);
}

}  // namespace
}  // namespace eddy::http::test
