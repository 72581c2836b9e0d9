#include <eddy/http/server.hpp>

#include "server_fixture.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

task<std::string> echo(request& r) {
  const std::string_view body = co_await r.body();
  co_return std::string(body);
}

/// Routes that many tests use.
void add_routes(server& app) {
  app.get("/", [](request&) { return "root"; });
  app.get("/users/{id}", [](request& r) { return "user " + std::string(r.parameter("id")); });
  app.get("/users/me", [](request&) { return "me"; });
  app.get("/users/{id}/posts",
          [](request& r) { return "posts " + std::string(r.parameter("id")); });
  app.get("/files/{path...}",
          [](request& r) { return "file " + std::string(r.parameter("path")); });
  app.post("/echo", [](request& r) { return echo(r); });
  app.get("/query", [](request& r) { return r.query_value("q").value_or("none"); });
}

EDDY_TEST(http_server, answers_a_text) {
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "root");
    EXPECT_EQ(got.field("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(got.field("content-length"), "4");
    EXPECT_EQ(got.field("date"), "Thu, 01 Jan 2026 00:00:00 GMT");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, chooses_routes_exact_before_parameter_before_tail) {
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const std::pair<std::string, std::string> expected[] = {
        {"/users/7", "user 7"},          {"/users/me", "me"},
        {"/users/me/posts", "posts me"}, {"/users/a%20b", "user a b"},
        {"/files/a/b/c", "file a/b/c"},  {"/files/", "file "},
        {"/query?q=a+b%21", "a b!"},     {"/query", "none"}};
    for (const auto& [target, text] : expected) {
      const answer got = co_await client.ask(get(target));
      EXPECT_EQ(got.status, 200) << target;
      EXPECT_EQ(got.body, text) << target;
    }
    for (const char* target : {"/users", "/users/", "/users/7/", "/files", "//", "/nope"}) {
      const answer got = co_await client.ask(get(target));
      EXPECT_EQ(got.status, 404) << target;
      EXPECT_EQ(got.body, R"({"error":{"status":404,"message":"Not Found"}})");
      EXPECT_EQ(got.field("content-type"), "application/json");
    }
  };
  co_await with_server(app, body);
}

TEST(http_server_routes, refuses_patterns_that_mean_nothing_or_are_taken) {
  server app;
  const auto nothing = [](request&) { return ""; };
  for (const char* pattern : {"", "a", "/{", "/{}", "/{a}b", "/x{a}", "/{a...}/b", "/{a}/{a}",
                              "/{a b}", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"}) {
    EXPECT_THROW(app.get(pattern, nothing), error) << pattern;
  }
  app.get("/a/{b}", nothing);
  EXPECT_THROW(app.get("/a/{c}", nothing), error);
  EXPECT_NO_THROW(app.post("/a/{c}", nothing));
}

EDDY_TEST(http_server, tells_which_methods_there_are) {
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer refused = co_await client.ask(post("/users/7", "x"));
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.field("allow"), "GET, HEAD, OPTIONS");
    const answer options = co_await client.ask("OPTIONS /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.field("allow"), "POST, OPTIONS");
    const answer all = co_await client.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(all.status, 204);
    EXPECT_EQ(all.field("allow"), "GET, HEAD, POST, OPTIONS");
    const answer unknown = co_await client.ask("BREW / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(unknown.status, 501);
    const answer head =
        co_await client.ask("HEAD /users/me HTTP/1.1\r\nHost: h\r\n\r\n", method::head);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("content-length"), "2");
    EXPECT_EQ(head.body, "");
    const answer last = co_await client.ask(get("/"));
    EXPECT_EQ(last.body, "root");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, reads_bodies_whole_whatever_their_framing) {
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer small = co_await client.ask(post("/echo", "hello"));
    EXPECT_EQ(small.body, "hello");
    const answer none = co_await client.ask(post("/echo", ""));
    EXPECT_EQ(none.body, "");
    const std::string large(300'000, 'x');
    const answer big = co_await client.ask(post("/echo", large));
    EXPECT_EQ(big.body, large);
    const answer chunked = co_await client.ask(
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
    EXPECT_EQ(chunked.body, "abcdefg");
    std::string chunks = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 50; ++i) wire::http1::write_chunk(chunks, std::string(3000, 'y'));
    chunks += "0\r\n\r\n";
    const answer many = co_await client.ask(chunks);
    EXPECT_EQ(many.body, std::string(150'000, 'y'));
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, gives_a_body_in_pieces_and_its_trailers) {
  server app;
  app.post("/count", [](request& r) -> task<std::string> {
    std::array<std::byte, 7> piece;
    std::size_t total = 0;
    for (;;) {
      const std::size_t count = co_await r.read_some(piece);
      if (count == 0) break;
      total += count;
    }
    co_return std::to_string(total) + std::string(r.trailers().find("x-sum").value_or("-"));
  });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer sized = co_await client.ask(post("/count", std::string(1000, 'a')));
    EXPECT_EQ(sized.body, "1000-");
    const answer chunked = co_await client.ask(
        "POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "14\r\n01234567890123456789\r\n0\r\nX-Sum: abc\r\n\r\n");
    EXPECT_EQ(chunked.body, "20abc");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, asks_for_a_body_the_client_holds_back_when_it_is_read) {
  server app;
  add_routes(app);
  app.post("/refuse", [](request&) { return response::error(403); });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    const answer interim = co_await client.read();
    EXPECT_EQ(interim.status, 100);
    const answer got = co_await client.ask("abc");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "abc");
    const answer refused = co_await client.ask(
        "POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.field("connection"), "close");
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, does_not_ask_for_a_body_that_is_there_already) {
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(post("/echo", "abc", "Expect: 100-continue\r\n"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "abc");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, reads_and_writes_json) {
  server app;
  app.post("/json", [](request& r) -> task<response> {
    const boost::json::value value = co_await r.json();
    const boost::json::object made{{"got", value}};
    co_return response::json(made, 201);
  });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const std::string type = "Content-Type: application/json\r\n";
    const answer good = co_await client.ask(post("/json", R"([1,"a"])", type));
    EXPECT_EQ(good.status, 201);
    EXPECT_EQ(good.body, R"({"got":[1,"a"]})");
    const answer bad = co_await client.ask(post("/json", "[1,", type));
    EXPECT_EQ(bad.status, 400);
    EXPECT_THAT(bad.body, HasSubstr("invalid JSON at byte 3"));
    const answer deep = co_await client.ask(post("/json", std::string(100, '['), type));
    EXPECT_EQ(deep.status, 400);
    const answer wrong = co_await client.ask(post("/json", "1", "Content-Type: text/plain\r\n"));
    EXPECT_EQ(wrong.status, 415);
    const answer more = co_await client.ask(post("/json", "1 2", type));
    EXPECT_EQ(more.status, 400);
    const answer last = co_await client.ask(post("/json", " 1\n", type));
    EXPECT_EQ(last.status, 201);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, hides_what_failed_but_for_an_id) {
  server app;
  app.get("/throw", [](request&) -> std::string { throw std::runtime_error("secret"); });
  app.get("/wait", [](request&) -> task<std::string> {
    co_await sleep(1ms);
    throw std::runtime_error("secret");
  });
  app.get("/odd", [](request&) -> response { throw 7; });
  app.get("/teapot", [](request&) -> std::string {
    throw http_error(418, "short \"and\" stout").with("X-Pot", "tea");
  });
  testing::error_recorder recorder;
  auto body = [&recorder](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    for (const char* target : {"/throw", "/wait", "/odd"}) {
      const answer got = co_await client.ask(get(target));
      EXPECT_EQ(got.status, 500);
      EXPECT_THAT(got.body, Not(HasSubstr("secret")));
      const auto reports = recorder.take();
      EDDY_REQUIRE(reports.size() == 1);
      const std::string id = got.body.substr(got.body.find("\"id\":\"") + 6, 8);
      EXPECT_THAT(reports[0].message, HasSubstr(id));
      EXPECT_THAT(reports[0].message, HasSubstr(target));
    }
    const answer told = co_await client.ask(get("/teapot"));
    EXPECT_EQ(told.status, 418);
    EXPECT_EQ(told.body, R"({"error":{"status":418,"message":"short \"and\" stout"}})");
    EXPECT_EQ(told.field("x-pot"), "tea");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, does_not_send_what_would_break_framing) {
  server app;
  app.get("/length", [](request&) {
    response made = response::text("abc");
    made.set("Content-Length", "1");
    return made;
  });
  testing::error_recorder recorder;
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/length"));
    EXPECT_EQ(got.status, 500);
  };
  co_await with_server(app, body);
  EXPECT_EQ(recorder.count(), 1u);
}

task<void> write_numbers(body_writer& out) {
  for (int i = 0; i < 5; ++i) {
    co_await out.write(std::to_string(i));
    co_await sleep(10ms);
  }
  fields trailers;
  trailers.set("X-Count", "5");
  out.trailers(trailers);
}

EDDY_TEST(http_server, streams_answers) {
  server app;
  app.get("/chunks", [](request&) { return response::stream("text/plain", write_numbers); });
  app.get("/sized", [](request&) { return response::stream("text/plain", write_numbers, 5); });
  app.get("/large", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      const std::string piece(100'000, 'z');
      for (int i = 0; i < 10; ++i) co_await out.write(piece);
    });
  });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer chunks = co_await client.ask(get("/chunks"));
    EXPECT_TRUE(chunks.chunked);
    EXPECT_EQ(chunks.body, "01234");
    EXPECT_EQ(chunks.trailers.find("x-count"), "5");
    const answer sized = co_await client.ask(get("/sized"));
    EXPECT_EQ(sized.field("content-length"), "5");
    EXPECT_EQ(sized.body, "01234");
    const answer large = co_await client.ask(get("/large"));
    EXPECT_EQ(large.body, std::string(1'000'000, 'z'));
    const answer head =
        co_await client.ask("HEAD /chunks HTTP/1.1\r\nHost: h\r\n\r\n", method::head);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.body, "");
    co_await client.send("GET /chunks HTTP/1.0\r\n\r\n");
    const answer old = co_await client.read();
    EXPECT_FALSE(old.chunked);
    EXPECT_EQ(old.body, "01234");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, breaks_off_a_stream_that_failed_half_way) {
  server app;
  app.get("/early", [](request&) {
    return response::stream("text/plain", [](body_writer&) -> task<void> {
      co_await sleep(1ms);
      throw http_error(503, "not now");
    });
  });
  app.get("/late", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      co_await out.write("begun");
      throw std::runtime_error("secret");
    });
  });
  testing::error_recorder recorder;
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer early = co_await client.ask(get("/early"));
    EXPECT_EQ(early.status, 503);
    co_await client.send(get("/late"));
    const std::string rest = co_await client.read_rest();
    EXPECT_THAT(rest, Not(HasSubstr("\r\n0\r\n")));
  };
  co_await with_server(app, body);
  EXPECT_EQ(recorder.count(), 1u);
}

EDDY_TEST(http_server, sends_large_bodies_from_where_they_are) {
  server app;
  const std::string large(500'000, 'b');
  app.get("/large", [&large](request&) { return response::text(large); });
  app.get("/", [](request&) { return response::constant("text/plain", "constant"); });
  auto body = [&large](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/large") + get("/") + get("/large"));
    const answer first = co_await client.read();
    const answer second = co_await client.read();
    const answer third = co_await client.read();
    EXPECT_EQ(first.body, large);
    EXPECT_EQ(second.body, "constant");
    EXPECT_EQ(third.body, large);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, reads_on_behind_a_body_that_nobody_wanted) {
  server app;
  app.post("/ignore", [](request&) { return "ignored"; });
  app.get("/", [](request&) { return "root"; });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(post("/ignore", std::string(100'000, 'x')));
    co_await client.send(get("/"));
    const answer ignored = co_await client.read();
    EXPECT_EQ(ignored.body, "ignored");
    const answer root = co_await client.read();
    EXPECT_EQ(root.body, "root");
    const answer large = co_await client.ask(post("/ignore", std::string(900'000, 'x')));
    EXPECT_EQ(large.field("connection"), "close");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, serves_http_1_0) {
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const answer kept = co_await client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(kept.body, "root");
    EXPECT_EQ(kept.field("connection"), "keep-alive");
    const answer last = co_await client.ask("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(last.body, "root");
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_server, tells_an_observer_of_every_exchange) {
  server app;
  add_routes(app);
  app.get("/slow", [](request&) -> task<std::string> {
    co_await sleep(30ms);
    co_return "slow";
  });
  std::vector<std::string> seen;
  app.observe([&seen](const exchange_record& record) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(record.elapsed);
    seen.push_back(std::string(record.method) + " " + std::string(record.route) + " " +
                   std::to_string(record.status) + " " + std::to_string(elapsed.count()));
  });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.ask(get("/users/7"));
    co_await client.ask(get("/slow"));
    co_await client.ask(get("/nope"));
  };
  co_await with_server(app, body);
  EXPECT_THAT(seen,
              ::testing::ElementsAre("GET /users/{id} 200 0", "GET /slow 200 30", "GET  404 0"));
  const server_statistics sum = app.statistics();
  EXPECT_EQ(sum.requests, 3u);
  EXPECT_EQ(sum.client_errors, 1u);
  EXPECT_EQ(sum.connections_total, 1u);
  EXPECT_EQ(sum.connections_open, 0u);
  EXPECT_EQ(sum.requests_running, 0u);
}

}  // namespace
}  // namespace eddy::http::test
