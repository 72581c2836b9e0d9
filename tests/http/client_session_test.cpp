// What makes a client a session: base URL, hooks, cookies, codings, limits of each phase, rules for redirects.
#include "http/client_requests.hpp"
#include "http/scripted_server.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/content_coding.hpp>
#include <eddy/http/server.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/testing/test_client.hpp>
#include <eddy/tls/certificate_authority.hpp>
#include <eddy/tls/error.hpp>
#include <eddy/tls/stream.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using eddy::testing::with_test_client;
using http::testing::error_of;
using http::testing::fetch;
using http::testing::scripted_peer;
using http::testing::with_scripted_server;
using ::testing::HasSubstr;
using ::testing::Not;

response echo_fields(request& r) {
  std::string text;
  for (const field_view field : r.fields()) {
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return response::text(text);
}

// --- without sockets ---

EDDY_TEST(test_client, reaches_an_application_without_sockets) {
  server app;
  app.get("/hello/{name}", [](request& r) { return "hello, " + std::string(r.parameter("name")); });
  auto body = [](client& c) -> task<std::string> {
    const std::string first = co_await fetch(c, "/hello/you");
    EXPECT_EQ(first, "hello, you");
    const client_response missing = co_await c.get("/none");
    EXPECT_EQ(missing.status(), 404);
    EXPECT_EQ(missing.url(), "http://app/none");
    EXPECT_EQ(c.statistics().connects, 1u);
    co_return co_await fetch(c, "https://elsewhere/hello/all");
  };
  const std::string last = co_await with_test_client(app, body);
  EXPECT_EQ(last, "hello, all");
}

EDDY_TEST(test_client, cancels_handlers_that_still_run) {
  server app;
  bool cancelled_there = false;
  app.get("/slow", [&](request&) -> task<response> {
    try {
      co_await sleep(24h);
    } catch (const cancelled&) {
      cancelled_there = true;
      throw;
    }
    co_return response();
  });
  auto body = [](client& c) -> task<void> {
    const auto failure = co_await error_of(c.get("/slow"));
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, condition::timed_out);
    EXPECT_EQ(now().time_since_epoch(), 30s);
  };
  co_await with_test_client(app, body);
  EXPECT_TRUE(cancelled_there);
}

EDDY_TEST(http_client_session, resolves_urls_against_its_base) {
  server app;
  app.get("/{path...}", [](request& r) { return std::string(r.target()); });
  client_options options;
  options.base_url = "http://app/v1/api/";
  auto body = [](client& c) -> task<void> {
    for (const auto& [url, target] :
         std::vector<std::pair<std::string, std::string>>{{"notes", "/v1/api/notes"},
                                                          {"/root", "/root"},
                                                          {"../x?q=1", "/v1/x?q=1"},
                                                          {"http://other/abs", "/abs"},
                                                          {"", "/v1/api/"}}) {
      const std::string seen = co_await fetch(c, url);
      EXPECT_EQ(seen, target) << url;
    }
  };
  co_await with_test_client(app, body, options);
}

EDDY_TEST(http_client_session, raises_for_status_with_what_to_do) {
  server app;
  app.get("/{status}",
          [](request& r) { return response(std::stoi(std::string(r.parameter("status")))); });
  auto body = [](client& c) -> task<void> {
    for (const auto& [path, what] : std::vector<std::pair<std::string, std::optional<condition>>>{
             {"/200", std::nullopt},
             {"/304", std::nullopt},
             {"/404", condition::invalid_input},
             {"/429", condition::overloaded},
             {"/500", condition::failed},
             {"/501", condition::unsupported},
             {"/503", condition::overloaded},
             {"/504", condition::timed_out}}) {
      const client_response response = co_await c.get(path);
      std::optional<status_error> thrown;
      try {
        response.raise_for_status();
      } catch (const status_error& e) {
        thrown = e;
      }
      EXPECT_EQ(thrown.has_value(), what.has_value()) << path;
      if (!thrown) continue;
      EXPECT_EQ(*thrown, *what) << path;
      EXPECT_EQ("/" + std::to_string(thrown->status()), path);
      if (path == "/404") {
        EXPECT_STREQ(thrown->what(), "GET http://app/404: 404 Not Found");
      }
    }
  };
  co_await with_test_client(app, body);
}

// --- hooks ---

EDDY_TEST(http_client_hooks, run_around_each_request_in_order) {
  server app;
  app.get("/", echo_fields);
  std::string order;
  auto body = [&](client& c) -> task<void> {
    c.use([&](request_spec& spec, client_next next) -> task<client_response> {
      order += "a(";
      spec.fields.set("Authorization", "Bearer token");
      client_response response = co_await next(spec);
      order += ")a";
      co_return response;
    });
    c.use([&](request_spec& spec, client_next next) -> task<client_response> {
      order += "b(";
      client_response response = co_await next(spec);
      order += ")b";
      co_return response;
    });
    const std::string seen = co_await fetch(c, "/");
    EXPECT_THAT(seen, HasSubstr("Authorization: Bearer token\n"));
    EXPECT_EQ(order, "a(b()b)a");
  };
  co_await with_test_client(app, body);
}

EDDY_TEST(http_client_hooks, may_repeat_a_request) {
  server app;
  int asked = 0;
  app.get("/", [&](request&) { return response(++asked < 3 ? 503 : 200); });
  auto body = [&](client& c) -> task<void> {
    c.use([](request_spec& spec, client_next next) -> task<client_response> {
      for (;;) {
        client_response response = co_await next(spec);
        if (response.status() != 503) co_return response;
        co_await response.discard();
        co_await sleep(1s);
      }
    });
    const client_response response = co_await c.get("/");
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(asked, 3);
    EXPECT_GE(now().time_since_epoch(), 2s);
  };
  co_await with_test_client(app, body);
}

// --- cookies ---

EDDY_TEST(http_client_cookies, are_kept_and_sent_back_also_across_redirects) {
  server app;
  app.get("/login", [](request&) {
    response made = response::redirect("/home");
    made.add("Set-Cookie", "sid=1; Path=/; HttpOnly");
    made.add("Set-Cookie", "other=2; Path=/elsewhere");
    return made;
  });
  app.get("/home", echo_fields);
  client_options options;
  options.cookies = std::make_shared<cookie_jar>();
  auto body = [](client& c) -> task<void> {
    const std::string home = co_await fetch(c, "/login");
    EXPECT_THAT(home, HasSubstr("Cookie: sid=1\n"));
    const std::string other_host = co_await fetch(c, "http://other/home");
    EXPECT_THAT(other_host, Not(HasSubstr("Cookie")));
    request_spec own("GET", "/home");
    own.fields.set("Cookie", "mine=3");
    client_response response = co_await c.request(std::move(own));
    const std::string seen = co_await response.body();
    EXPECT_THAT(seen, HasSubstr("Cookie: mine=3\n"));
    EXPECT_THAT(seen, Not(HasSubstr("sid")));
  };
  co_await with_test_client(app, body, options);
  EXPECT_EQ(options.cookies->size(), 2u);
}

// --- codings ---

EDDY_TEST(http_client_codings, are_decoded_whichever_way_the_body_is_read) {
  server app;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "row " + std::to_string(i) + "\n";
  app.get("/{coding}", [&](request& r) {
    const auto coding = content_coding_from(r.parameter("coding"));
    response made = response::text(encode_whole(*coding, text));
    made.add("Content-Encoding", r.parameter("coding"));
    return made;
  });
  auto body = [&](client& c) -> task<void> {
    for (const std::string coding : {"gzip", "deflate", "br", "zstd", "identity"}) {
      const std::string whole = co_await fetch(c, "/" + coding);
      EXPECT_EQ(whole, text) << coding;
      client_response pieces = co_await c.get("/" + coding);
      std::string collected;
      std::string room(100, ' ');
      for (;;) {
        const std::size_t got = co_await pieces.read_some(std::as_writable_bytes(std::span(room)));
        if (got == 0) break;
        collected.append(room, 0, got);
      }
      EXPECT_EQ(collected, text) << coding;
      EXPECT_TRUE(pieces.finished());
      client_response dropped = co_await c.get("/" + coding);
      co_await dropped.discard();
      request_spec raw("GET", "/" + coding);
      raw.decompress = false;
      client_response coded = co_await c.request(std::move(raw));
      const std::string as_sent = co_await coded.body();
      EXPECT_EQ(as_sent, encode_whole(*content_coding_from(coding), text)) << coding;
    }
    EXPECT_EQ(c.statistics().connects, 1u);
  };
  co_await with_test_client(app, body);
}

EDDY_TEST(http_client_codings, may_lie_one_over_the_other) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "row " + std::to_string(i) + "\n";
  const auto coded = [](std::string whole, const std::vector<content_coding>& codings) {
    for (const content_coding each : codings) whole = encode_whole(each, whole);
    return whole;
  };
  using enum content_coding;
  struct row {
    std::vector<std::string> fields;
    std::string body;
    bool decoded;
  };
  const std::vector<row> rows{
      {{"gzip, br"}, coded(text, {gzip, br}), true},
      {{"br", "gzip"}, coded(text, {br, gzip}), true},
      {{"identity, zstd ,, Deflate,x-gzip"}, coded(text, {zstd, deflate, gzip}), true},
      {{"gzip,gzip,gzip,gzip"}, coded(text, {gzip, gzip, gzip, gzip}), true},
      {{"gzip,gzip,gzip,gzip,gzip"}, coded(text, {gzip, gzip, gzip, gzip, gzip}), false},
      {{"gzip, rot13"}, coded(text, {gzip}), false},
      {{"gzip, br"}, coded(std::string(600'000'000 / 512, 'x'), {gzip, br}), false},  // a bomb
      {{"gzip, br"}, coded(text, {gzip}), false},
  };
  server app;
  app.get("/{row}", [&](request& r) {
    const row& each = rows.at(std::stoul(std::string(r.parameter("row"))));
    response made = response::text(each.body);
    for (const std::string& field : each.fields) made.add("Content-Encoding", field);
    return made;
  });
  auto body = [&](client& c) -> task<void> {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      client_response response = co_await c.get("/" + std::to_string(i));
      const auto got = co_await as_result(response.body());
      const bool fails = i >= 6;
      EXPECT_EQ(got.has_error(), fails) << i;
      if (!fails) {
        EXPECT_TRUE(*got == (rows[i].decoded ? text : rows[i].body)) << i;
      }
    }
  };
  co_await with_test_client(app, body);
}

EDDY_TEST(http_client_codings, that_are_bombs_or_damaged_fail) {
  server app;
  app.get("/bomb", [](request&) {
    response made = response::text(encode_whole(content_coding::gzip, std::string(20 << 20, 'x')));
    made.add("Content-Encoding", "gzip");
    return made;
  });
  app.get("/large", [](request&) {
    std::string text;
    for (int i = 0; i < 300'000; ++i) text += std::to_string(i * 37);
    response made = response::text(encode_whole(content_coding::gzip, text));
    made.add("Content-Encoding", "gzip");
    return made;
  });
  app.get("/damaged", [](request&) {
    response made = response::text("this is not gzip");
    made.add("Content-Encoding", "gzip");
    return made;
  });
  app.get("/cut", [](request&) {
    response made = response::text(encode_whole(content_coding::gzip, "text").substr(0, 12));
    made.add("Content-Encoding", "gzip");
    return made;
  });
  client_options options;
  options.max_body = 1 << 20;
  auto body = [](client& c) -> task<void> {
    for (const auto& [path, code] :
         std::vector<std::pair<std::string, std::error_code>>{{"/large", errc::limit_exceeded},
                                                              {"/damaged", coding_errc::bad_data},
                                                              {"/cut", coding_errc::incomplete}}) {
      client_response response = co_await c.get(path);
      const auto failure = co_await error_of(response.body());
      EDDY_REQUIRE(failure);
      EXPECT_EQ(failure->code(), code) << path;
      EXPECT_EQ(failure->phase(), request_phase::reading);
    }
    request_spec unlimited("GET", "/bomb");
    unlimited.max_body = 1 << 30;
    client_response bomb = co_await c.request(std::move(unlimited));
    const auto failure = co_await error_of(bomb.body());
    EDDY_REQUIRE(failure);
    EXPECT_EQ(failure->code(), coding_errc::ratio_exceeded);
  };
  co_await with_test_client(app, body, options);
}

EDDY_TEST(http_client_codings, are_not_asked_for_with_ranges) {
  server app;
  app.get("/", echo_fields);
  auto body = [](client& c) -> task<void> {
    request_spec part("GET", "/");
    part.fields.set("Range", "bytes=0-9");
    client_response response = co_await c.request(std::move(part));
    const std::string seen = co_await response.body();
    EXPECT_THAT(seen, Not(HasSubstr("Accept-Encoding")));
  };
  co_await with_test_client(app, body);
}

// --- streamed bodies ---

EDDY_TEST(http_client_upload, streams_a_body_with_and_without_a_length) {
  server app;
  app.post("/", [](request& r) -> task<response> {
    std::string text(r.fields().contains("Content-Length") ? "sized:" : "chunked:");
    text += co_await r.body();
    co_return response::text(text);
  });
  auto body = [](client& c) -> task<void> {
    for (const bool sized : {true, false}) {
      request_spec spec("POST", "/");
      streamed_body content;
      content.write = [](body_writer& out) -> task<void> {
        for (const std::string_view piece : {"one,", "", "two,", "three"}) {
          co_await sleep(1s);
          co_await out.write(piece);
        }
      };
      if (sized) content.length = 13;
      spec.set_stream(content, "text/plain");
      client_response response = co_await c.request(std::move(spec));
      const std::string seen = co_await response.body();
      EXPECT_EQ(seen, std::string(sized ? "sized:" : "chunked:") + "one,two,three");
    }
    EXPECT_EQ(c.statistics().connects, 1u);
  };
  co_await with_test_client(app, body);
}

EDDY_TEST(http_client_upload, refuses_other_than_the_announced_length) {
  server app;
  app.post("/", [](request& r) -> task<response> {
    co_return response::text(std::string(co_await r.body()));
  });
  auto body = [](client& c) -> task<void> {
    for (const std::string text : {"short", "much too long"}) {
      request_spec spec("POST", "/");
      streamed_body content;
      content.length = 8;
      content.write = [text](body_writer& out) -> task<void> { co_await out.write(text); };
      spec.set_stream(content, "text/plain");
      const auto failure = co_await error_of(c.request(std::move(spec)));
      EDDY_REQUIRE(failure);
      EXPECT_EQ(*failure, condition::invalid_input) << text;
    }
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_test_client(app, body);
}

EDDY_TEST(http_client_upload, ends_early_when_the_server_says_no) {
  std::size_t sent = 0;
  auto script = [](scripted_peer& peer) -> task<void> {
    std::array<std::byte, 1000> some{};
    co_await peer.stream().read_some(some);
    co_await peer.send("HTTP/1.1 413 no\r\nContent-Length: 2\r\n\r\nno");
    co_await sleep(1h);
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    request_spec spec("POST", base);
    streamed_body content;
    content.write = [&](body_writer& out) -> task<void> {
      const std::string piece(64 * 1024, 'x');
      for (;; sent += piece.size()) co_await out.write(piece);
    };
    spec.set_stream(content, "text/plain");
    client_response response = co_await c.request(std::move(spec));
    EXPECT_EQ(response.status(), 413);
    const std::string said = co_await response.body();
    EXPECT_EQ(said, "no");
    EXPECT_EQ(c.statistics().connections, 0u);
    EXPECT_LT(now().time_since_epoch(), 5s);
  };
  co_await with_scripted_server(script, body);
  EXPECT_LT(sent, 64u << 20);
}

EDDY_TEST(http_client_upload, waits_for_100_continue_but_not_for_ever) {
  std::vector<std::string> seen;
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto head = co_await peer.read_head();
    seen.push_back(*head);
    if (peer.number() == 0) {
      co_await peer.send("HTTP/1.1 417 no\r\nContent-Length: 0\r\n\r\n");
      co_return;
    }
    if (peer.number() == 1) co_await peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    const std::string content = co_await peer.read_bytes(4);
    seen.push_back(content);
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    for (const int expected : {417, 200, 200}) {
      request_spec spec("PUT", base);
      spec.set_body("body", "text/plain");
      spec.expect_continue = true;
      const client_response response = co_await c.request(std::move(spec));
      EXPECT_EQ(response.status(), expected);
      EXPECT_EQ(c.statistics().connections, expected == 200 ? 1u : 0u);
      if (seen.size() == 3) c.close();
      if (seen.size() == 3) break;
    }
    client patient;
    request_spec spec("PUT", base);
    spec.set_body("body", "text/plain");
    spec.expect_continue = true;
    const time_point before = now();
    const client_response response = co_await patient.request(std::move(spec));
    EXPECT_EQ(response.status(), 200);
    EXPECT_GE(now() - before, 1s);
  };
  co_await with_scripted_server(script, body);
  EDDY_REQUIRE(seen.size() == 5);
  EXPECT_THAT(seen[0], HasSubstr("Expect: 100-continue\r\n"));
  EXPECT_EQ(seen[2], "body");
  EXPECT_EQ(seen[4], "body");
}

// --- limits of each phase ---

EDDY_TEST(http_client_limits, count_in_each_phase) {
  auto script = [](scripted_peer& peer) -> task<void> {
    const auto head = co_await peer.read_head();
    if (head->find("/mute") != std::string::npos) co_await sleep(1h);
    co_await peer.send("HTTP/1.1 200 OK\r\n");
    if (head->find("/head") != std::string::npos) co_await sleep(1h);
    co_await peer.send("Content-Length: 10\r\n\r\n12345");
    co_await sleep(1h);
  };
  auto body = [](const std::string& base) -> task<void> {
    client_options options;
    options.timeouts.total = 10min;
    options.timeouts.first_byte = 7s;
    options.timeouts.idle_read = 3s;
    client c(options);
    time_point began = now();
    const auto mute = co_await error_of(c.get(base + "/mute"));
    EDDY_REQUIRE(mute);
    EXPECT_EQ(now() - began, 7s);
    EXPECT_EQ(mute->phase(), request_phase::waiting);
    EXPECT_EQ(*mute, errc::timed_out);
    EXPECT_THAT(mute->what(), HasSubstr("no response in 7 s"));
    began = now();
    const auto head = co_await error_of(c.get(base + "/head"));
    EDDY_REQUIRE(head);
    EXPECT_EQ(now() - began, 3s);
    began = now();
    client_response response = co_await c.get(base + "/body");
    const auto rest = co_await error_of(response.body());
    EDDY_REQUIRE(rest);
    EXPECT_EQ(now() - began, 3s);
    EXPECT_EQ(rest->phase(), request_phase::reading);
    EXPECT_THAT(rest->what(), HasSubstr("nothing came in 3 s"));
    request_spec quick("GET", base + "/mute");
    quick.timeouts.first_byte = 1s;
    began = now();
    const auto quickly = co_await error_of(c.request(std::move(quick)));
    EXPECT_TRUE(quickly);
    EXPECT_EQ(now() - began, 1s);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client_limits, of_the_first_byte_begins_when_a_long_body_is_sent) {
  constexpr std::size_t size = 8 << 20;
  auto script = [](scripted_peer& peer) -> task<void> {
    const auto head = co_await peer.read_head();
    constexpr std::size_t piece = 1 << 20;
    for (std::size_t got = 0; got < size; got += piece) {
      co_await sleep(1s);
      static_cast<void>(co_await peer.read_bytes(piece));
    }
    if (head->find("/mute") != std::string::npos) co_await sleep(1h);
    co_await sleep(1s);
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    static_cast<void>(co_await peer.read_head());
  };
  auto body = [](const std::string& base) -> task<void> {
    client_options options;
    options.timeouts.first_byte = 3s;
    options.keep_alive = 0s;
    client c(options);
    const client_response response = co_await c.post(base + "/slow", std::string(size, 'x'));
    EXPECT_EQ(response.status(), 200);
    const time_point began = now();
    const auto mute = co_await error_of(c.post(base + "/mute", std::string(size, 'x')));
    EDDY_REQUIRE(mute);
    EXPECT_THAT(mute->what(), HasSubstr("no response in 3 s"));
    EXPECT_GE(now() - began, 8s);
    EXPECT_LE(now() - began, 12s);
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client_limits, count_for_waiting_and_for_sending) {
  auto script = [](scripted_peer&) -> task<void> { co_await sleep(1h); };
  auto body = [](const std::string& base) -> task<void> {
    client_options options;
    options.max_connections_per_host = 1;
    options.timeouts.pool = 2s;
    options.timeouts.idle_write = 5s;
    client c(options);
    request_spec stuck("POST", base);
    stuck.set_body(std::string(64 << 20, 'x'), "text/plain");
    const time_point began = now();
    auto both = [&](task_group& group) -> task<void> {
      auto sending = group.spawn(error_of(c.request(std::move(stuck))));
      co_await sleep(1s);
      const auto waiting = co_await error_of(c.get(base));
      EDDY_REQUIRE(waiting);
      EXPECT_EQ(waiting->phase(), request_phase::queued);
      EXPECT_EQ(now() - began, 3s);
      const auto sent = co_await sending;
      EDDY_REQUIRE(sent);
      EXPECT_EQ(sent->phase(), request_phase::sending);
      EXPECT_THAT(sent->what(), HasSubstr("nothing was taken in 5 s"));
      EXPECT_LT(now() - began, 7s);
    };
    co_await with_group(both);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client_limits, count_for_the_handshake) {
  auto script = [](scripted_peer&) -> task<void> { co_await sleep(1h); };
  auto body = [](const std::string& base) -> task<void> {
    client_options options;
    options.timeouts.tls = 3s;
    client c(options);
    const std::string url = "https" + base.substr(4);
    const time_point began = now();
    const auto mute = co_await error_of(c.get(url));
    EDDY_REQUIRE(mute);
    EXPECT_EQ(now() - began, 3s);
    EXPECT_EQ(*mute, condition::timed_out);
    EXPECT_EQ(mute->phase(), request_phase::connecting);
    request_spec quick("GET", url);
    quick.timeouts.tls = 1s;
    const auto quickly = co_await error_of(c.request(std::move(quick)));
    EXPECT_TRUE(quickly);
    EXPECT_EQ(now() - began, 4s);
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(script, body);
}

// --- https without sockets ---

/// What a program writes that wants https over streams of its own: TLS in the connector.
client_connector secure_connector(server& app, task_group& group, tls::context server_side,
                                  tls::context client_side) {
  return [&app, &group, server_side, client_side](connect_target to) -> task<io::any_stream> {
    auto ends = io::memory_stream_pair();
    auto serve = [&app, server_side](io::memory_stream end) -> task<void> {
      io::any_stream under(std::move(end));
      auto stream = co_await as_result(tls::stream::accept(std::move(under), server_side));
      if (stream.has_error()) co_return;  // the client has said no
      io::any_stream secured(std::move(*stream));
      co_await app.serve_connection(std::move(secured));
    };
    group.spawn(serve, std::move(ends.second));
    io::any_stream under(std::move(ends.first));
    tls::stream stream = co_await tls::stream::connect(std::move(under), client_side, to.host);
    co_return io::any_stream(std::move(stream));
  };
}

EDDY_TEST(http_client_tls, runs_over_the_streams_of_a_connector_in_virtual_time) {
  const tls::certificate_authority authority;
  tls::server_options shown;
  shown.certificates.push_back(authority.issue({"app.example"}));
  tls::client_options trusting;
  trusting.authorities = authority.trusted();
  const tls::context server_side = tls::context::server(shown);
  const tls::context client_side = tls::context::client(trusting);
  for (const bool http2 : {false, true}) {
    server app;
    app.get("/", [](request&) -> task<std::string> {
      co_await sleep(20s);
      co_return "secret";
    });
    auto run = [&](task_group& group) -> task<void> {
      client_options options;
      options.connector = secure_connector(app, group, server_side, client_side);
      options.http2_prior_knowledge = http2;
      client c(options);
      const time_point began = now();
      const std::string text = co_await fetch(c, "https://app.example/");
      EXPECT_EQ(text, "secret");
      EXPECT_EQ(now() - began, 20s);
      const std::string again = co_await fetch(c, "https://app.example/");
      EXPECT_EQ(again, "secret");
      EXPECT_EQ(c.statistics().connects, 1u);
      const auto other = co_await error_of(c.get("https://other.example/"));
      EDDY_REQUIRE(other);
      EXPECT_EQ(other->code(), tls::errc::wrong_host);
      group.cancel();
    };
    co_await with_group(run);
  }
}

// --- rules for redirects and addresses ---

EDDY_TEST(http_client_rules, refuse_redirects_to_plain_http_and_those_the_program_refuses) {
  server app;
  app.get("/down", [](request&) { return response::redirect("http://app/end"); });
  app.get("/on", [](request&) { return response::redirect("/end"); });
  app.get("/end", [](request&) { return "end"; });
  std::vector<std::string> steps;
  client_options options;
  options.allow_redirect = [&](const redirect_step& step) {
    steps.push_back(std::string(step.from) + " " + std::string(step.to));
    return step.to != "http://app/end";
  };
  auto body = [](client& c) -> task<void> {
    const auto down = co_await error_of(c.get("https://app/down"));
    EDDY_REQUIRE(down);
    EXPECT_EQ(down->code(), request_errc::insecure_redirect);
    const auto refused = co_await error_of(c.get("http://app/on"));
    EDDY_REQUIRE(refused);
    EXPECT_EQ(refused->code(), request_errc::redirect_refused);
    const std::string end = co_await fetch(c, "https://app/on");
    EXPECT_EQ(end, "end");
    EXPECT_EQ(c.statistics().idle, 2u);  // one for each scheme
  };
  co_await with_test_client(app, body, options);
  EXPECT_THAT(steps, ::testing::ElementsAre("http://app/on http://app/end",
                                            "https://app/on https://app/end"));
  options.follow_to_http = true;
  options.allow_redirect = nullptr;
  auto follows = [](client& c) -> task<void> {
    const std::string end = co_await fetch(c, "https://app/down");
    EXPECT_EQ(end, "end");
  };
  co_await with_test_client(app, follows, options);
}

EDDY_TEST(http_client_rules, refuse_addresses_before_connecting_to_them) {
  std::vector<std::string> asked;
  int connections = 0;
  auto script = [&](scripted_peer& peer) -> task<void> {
    ++connections;
    co_await peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  auto body = [&](const std::string& base) -> task<void> {
    client_options options;
    bool allowed = false;
    options.allow_address = [&](const net::address& to) {
      asked.push_back(to.to_string());
      return allowed;
    };
    client c(options);
    const auto refused = co_await error_of(c.get(base));
    EDDY_REQUIRE(refused);
    EXPECT_EQ(refused->code(), request_errc::address_refused);
    EXPECT_EQ(refused->phase(), request_phase::connecting);
    EXPECT_EQ(connections, 0);
    allowed = true;
    const client_response response = co_await c.get(base);
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ("http://" + response.peer().to_string(), base);
    EXPECT_EQ("http://" + asked.back(), base);
  };
  co_await with_scripted_server(script, body);
}

// --- repetitions ---

EDDY_TEST(http_client_retries, safe_requests_on_new_connections_only_so_often) {
  int connections = 0;
  auto script = [&](scripted_peer& peer) -> task<void> {
    ++connections;
    const auto request = co_await peer.read_request();
    if (request->find("/third") != std::string::npos && connections >= 3) {
      co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    const client_response third = co_await c.get(base + "/third");
    EXPECT_EQ(third.status(), 200);
    EXPECT_EQ(connections, 3);
    connections = 0;
    const auto never_answered = co_await error_of(c.get(base + "/never"));
    EDDY_REQUIRE(never_answered);
    EXPECT_EQ(*never_answered, condition::disconnected);
    EXPECT_EQ(connections, 3);
    connections = 0;
    const auto posted = co_await error_of(c.post(base + "/never", "x"));
    EXPECT_TRUE(posted);
    EXPECT_EQ(connections, 1);
    client_options options;
    options.retries = 0;
    client once(options);
    connections = 0;
    const auto tried = co_await error_of(once.get(base + "/never"));
    EXPECT_TRUE(tried);
    EXPECT_EQ(connections, 1);
  };
  co_await with_scripted_server(script, body);
}

// --- upgrades ---

EDDY_TEST(http_client_upgrade, gives_the_connection_away_with_what_came_early) {
  server app;
  app.get("/echo", [](request&) {
    return response::upgrade("echo", {}, [](upgraded_connection& on) -> task<void> {
      co_await io::write_all(on.stream(), std::string_view("welcome"));
      std::array<std::byte, 100> room{};
      for (;;) {
        const std::size_t got = co_await on.stream().read_some(room);
        if (got == 0) co_return;
        co_await io::write_all(on.stream(), std::span<const std::byte>(room).first(got));
      }
    });
  });
  app.get("/plain", [](request&) { return "no upgrade here"; });
  auto body = [](client& c) -> task<void> {
    client_upgrade made = co_await c.upgrade(request_spec("GET", "/echo"), "echo");
    EXPECT_EQ(made.response.status(), 101);
    EXPECT_EQ(made.response.fields().find("Upgrade"), "echo");
    EDDY_REQUIRE(made.stream);
    co_await io::write_all(*made.stream, std::string_view(" back"));
    std::string said;
    std::array<std::byte, 4> room{};
    while (said.size() < 12) {
      const std::size_t got = co_await made.stream->read_some(room);
      said += io::text_of(std::span(room).first(got));
    }
    EXPECT_EQ(said, "welcome back");
    EXPECT_EQ(c.statistics().connections, 0u);
    client_upgrade refused = co_await c.upgrade(request_spec("GET", "/plain"), "echo");
    EXPECT_FALSE(refused.stream);
    const std::string text = co_await refused.response.body();
    EXPECT_EQ(text, "no upgrade here");
  };
  co_await with_test_client(app, body);
}

}  // namespace
}  // namespace eddy::http
