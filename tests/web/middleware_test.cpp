// The ready-made middlewares, in virtual time.
#include "web/fixture.hpp"

#include <map>
#include <optional>

#include <gmock/gmock.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/web/access_log.hpp>
#include <eddy/web/cors.hpp>
#include <eddy/web/limits.hpp>
#include <eddy/web/request_metrics.hpp>
#include <eddy/web/security.hpp>

namespace eddy::web::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// Serves `app` while `body(client)` runs.
template <class Body>
task<void> with_client(http::server& app, Body body) {
  auto connected = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await body(client);
  };
  co_await with_server(app, connected);
}

[[nodiscard]] std::string options_with(std::string_view target, std::string_view lines) {
  std::string text = "OPTIONS ";
  return text.append(target).append(" HTTP/1.1\r\nHost: h\r\n").append(lines).append("\r\n");
}

// --- access log and ids ---

struct logged {
  std::vector<std::string> lines;
  std::vector<access_record> records;  // without its views' texts
  std::vector<std::string> ids;
};

access_sink into(logged& all) {
  return [&all](const access_record& record) {
    all.lines.push_back(to_json_line(record));
    all.ids.emplace_back(record.id);
    all.records.push_back(record);
  };
}

EDDY_TEST(access_log, has_one_line_for_every_answer) {
  http::server app;
  logged all;
  app.use(access_log(into(all)));
  app.get("/items/{id}", [](http::request&) -> task<std::string> {
    co_await sleep(250ms);
    co_return "four";
  });
  auto body = [](raw_client& client) -> task<void> {
    co_await client.ask(get_with("/items/7?q=1", "User-Agent: te\"st"));
    co_await client.ask(get("/none"));
    co_await client.ask(post("/items/7", "x"));
  };
  co_await with_client(app, body);
  EDDY_REQUIRE(all.lines.size() == 3U);
  EXPECT_EQ(all.lines[0],
            "{\"time\":\"2026-01-01T00:00:00.000Z\",\"client\":\"127.0.0.1\",\"method\":\"GET\","
            "\"target\":\"/items/7?q=1\",\"route\":\"/items/{id}\",\"status\":200,\"bytes\":4,"
            "\"micros\":250000,\"user_agent\":\"te\\\"st\"}");
  EXPECT_EQ(all.records[1].status, 404);
  EXPECT_EQ(all.records[2].status, 405);
}

EDDY_TEST(access_log, tells_of_a_streamed_body_when_it_has_ended) {
  const eddy::testing::error_recorder reported;
  http::server app;
  logged all;
  app.use(access_log(into(all)));
  app.get("/stream", [](http::request&) {
    return http::response::stream("text/plain", [](http::body_writer& out) -> task<void> {
      co_await out.write("12345");
      co_await sleep(2s);
      co_await out.write("678");
    });
  });
  app.get("/broken", [](http::request&) {
    return http::response::stream("text/plain", [](http::body_writer& out) -> task<void> {
      co_await out.write("12");
      throw http::http_error(500, "lost");
    });
  });
  auto body = [&](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/stream"));
    EXPECT_EQ(got.body, "12345678");
    co_await client.ask("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n", http::method::head);
    co_await client.send(get("/broken"));
    co_await client.read_rest();
  };
  co_await with_client(app, body);
  EDDY_REQUIRE(all.records.size() == 3U);
  EXPECT_EQ(all.records[0].body_bytes, 8U);
  EXPECT_EQ(all.records[0].elapsed, 2s);
  EXPECT_TRUE(all.records[0].complete);
  EXPECT_EQ(all.records[1].body_bytes, 0U);
  EXPECT_FALSE(all.records[2].complete);
  EXPECT_THAT(all.lines[2], HasSubstr("\"complete\":false"));
  EXPECT_EQ(reported.count(), 1U);
}

EDDY_TEST(access_log, tells_of_a_request_that_got_no_answer) {
  http::server app;
  logged all;
  app.use(access_log(into(all)));
  app.get("/slow", [](http::request&) -> task<std::string> {
    co_await sleep(1h);
    co_return "late";
  });
  app.post("/upload", [](http::request& r) -> task<std::string> {
    const std::string_view sent = co_await r.body();
    co_return std::string(sent);
  });
  auto body = [&](net::address at) -> task<void> {
    raw_client leaving = co_await raw_client::connect(at);
    co_await leaving.send(get("/slow"));
    co_await sleep(2s);
    co_await leaving.stream().close();
    co_await sleep(1s);
    EXPECT_EQ(all.records.size(), 1U);
    raw_client stuck = co_await raw_client::connect(at);
    co_await stuck.send("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    const std::string told = co_await stuck.read_rest();
    EXPECT_THAT(told, HasSubstr(" 408 "));
  };
  co_await with_server(app, body);
  EDDY_REQUIRE(all.records.size() == 2U);
  EXPECT_EQ(all.records[0].elapsed, 2s);
  for (const access_record& one : all.records) {
    EXPECT_EQ(one.status, 0);
    EXPECT_FALSE(one.complete);
  }
  EXPECT_THAT(all.lines[1], HasSubstr("\"route\":\"/upload\",\"status\":0"));
}

TEST(access_log, no_line_can_be_forged) {
  access_record record;
  record.client = "192.0.2.1";
  record.method = "GET";
  record.target = "/";
  record.user_agent = "a\" \n\x01\\b";
  record.status = 200;
  const std::string combined = to_combined_line(record);
  EXPECT_EQ(combined,
            "192.0.2.1 - - [01/Jan/1970:00:00:00 +0000] \"GET / HTTP/1.1\" 200 0 \"-\" "
            "\"a\\\" \\x0a\\x01\\\\b\"");
  EXPECT_EQ(to_json_line(record).find('\n'), std::string::npos);
}

EDDY_TEST(request_id, goes_with_the_request_and_its_answer) {
  http::server app;
  logged all;
  app.use(request_id());
  app.use(access_log(into(all)));
  app.get("/", [](http::request& r) { return r.get<id_of_request>()->value; });
  std::string first;
  auto body = [&](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/"));
    first = got.body;
    EXPECT_EQ(got.body.size(), 32U);
    EXPECT_EQ(got.field("x-request-id"), got.body);
    got = co_await client.ask(get_with("/", "X-Request-Id: mine"));
    EXPECT_EQ(got.body.size(), 32U);
    EXPECT_NE(got.body, first);
    got = co_await client.ask(get("/none"));
    EXPECT_EQ(got.field("x-request-id").size(), 32U);
  };
  co_await with_client(app, body);
  EXPECT_EQ(all.ids.at(0), first);
}

EDDY_TEST(request_id, of_a_trusted_proxy_is_taken_over_if_it_is_one) {
  http::server app;
  request_id_options how;
  how.trust_client = true;
  how.field = "X-Trace";
  app.use(request_id(how));
  app.get("/", [](http::request&) { return ""; });
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get_with("/", "X-Trace: abc-1.2_3"));
    EXPECT_EQ(got.field("x-trace"), "abc-1.2_3");
    for (const std::string& bad :
         {std::string("a b"), std::string("a\"b"), std::string(129, 'a')}) {
      got = co_await client.ask(get_with("/", "X-Trace: " + bad));
      EXPECT_EQ(got.field("x-trace").size(), 32U) << bad;
    }
  };
  co_await with_client(app, body);
}

EDDY_TEST(failures, are_answered_with_an_id_that_is_reported_and_nothing_else_leaks) {
  const eddy::testing::error_recorder reported;
  http::server app;
  app.use(security_headers());
  app.get("/", [](http::request&) -> http::response {
    throw std::runtime_error("password=hunter2 at /etc/app.conf");
  });
  std::string id;
  auto body = [&](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 500);
    EXPECT_THAT(got.body, Not(HasSubstr("hunter2")));
    EXPECT_EQ(got.field("x-content-type-options"), "nosniff");
    const std::size_t at = got.body.find("\"id\":\"");
    EDDY_REQUIRE(at != std::string::npos);
    id = got.body.substr(at + 6, got.body.find('"', at + 6) - at - 6);
  };
  co_await with_client(app, body);
  EDDY_REQUIRE(reported.count() == 1U);
  EXPECT_THAT(reported.reports()[0].message, HasSubstr(id));
}

// --- CORS ---

cors_options one_origin() {
  cors_options how;
  how.origins = {"https://app.example.org"};
  how.credentials = true;
  how.exposed_fields = {"X-Total"};
  return how;
}

EDDY_TEST(cors, an_allowed_origin_may_read_answers_and_errors) {
  http::server app;
  app.use(cors(one_origin()));
  app.get("/", [](http::request&) {
    http::response made = http::response::text("x");
    made.set("Vary", "Accept");
    return made;
  });
  auto body = [](raw_client& client) -> task<void> {
    for (const std::string target : {"/", "/none"}) {
      const answer got = co_await client.ask(get_with(target, "Origin: https://app.example.org"));
      EXPECT_EQ(got.field("access-control-allow-origin"), "https://app.example.org");
      EXPECT_EQ(got.field("access-control-allow-credentials"), "true");
      EXPECT_EQ(got.field("access-control-expose-headers"), "X-Total");
      EXPECT_THAT(got.field("vary"), HasSubstr("Origin"));
    }
    const answer merged = co_await client.ask(get("/"));
    EXPECT_EQ(merged.field("vary"), "Accept, Origin");
    EXPECT_EQ(merged.field("access-control-allow-origin"), "");
    const answer refused =
        co_await client.ask(post("/", "", "Origin: https://app.example.org\r\n"));
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.field("access-control-allow-origin"), "https://app.example.org");
  };
  co_await with_client(app, body);
}

EDDY_TEST(cors, other_origins_may_not) {
  http::server app;
  app.use(cors(one_origin()));
  app.get("/", [](http::request&) { return "x"; });
  auto body = [](raw_client& client) -> task<void> {
    for (const std::string origin :
         {"https://app.example.org.evil.net", "http://app.example.org", "null", "https://evil.net",
          "https://app.example.org:8443", "HTTPS://APP.EXAMPLE.ORG"}) {
      const answer got = co_await client.ask(get_with("/", "Origin: " + origin));
      EXPECT_EQ(got.status, 200);
      EXPECT_EQ(got.field("access-control-allow-origin"), "") << origin;
      EXPECT_EQ(got.field("vary"), "Origin");
    }
    const answer twice = co_await client.ask(
        get_with("/", "Origin: https://app.example.org", "Origin: https://evil.net"));
    EXPECT_EQ(twice.field("access-control-allow-origin"), "");
  };
  co_await with_client(app, body);
}

EDDY_TEST(cors, a_preflight_is_answered_before_authentication_and_routing) {
  http::server app;
  app.use(cors(one_origin()));
  app.use(bearer_auth("api", known_tokens({{"secret", "me"}})));
  app.put("/", [](http::request&) { return "x"; });
  auto body = [](raw_client& client) -> task<void> {
    answer got =
        co_await client.ask(options_with("/",
                                         "Origin: https://app.example.org\r\n"
                                         "Access-Control-Request-Method: PUT\r\n"
                                         "Access-Control-Request-Headers: authorization\r\n"),
                            http::method::options);
    EXPECT_EQ(got.status, 204);
    EXPECT_EQ(got.field("access-control-allow-origin"), "https://app.example.org");
    EXPECT_THAT(got.field("access-control-allow-methods"), HasSubstr("PUT"));
    EXPECT_THAT(got.field("access-control-allow-headers"), HasSubstr("Authorization"));
    EXPECT_EQ(got.field("access-control-max-age"), "600");
    EXPECT_THAT(got.field("vary"), HasSubstr("Access-Control-Request-Headers"));
    got = co_await client.ask(options_with("/",
                                           "Origin: https://evil.net\r\n"
                                           "Access-Control-Request-Method: PUT\r\n"),
                              http::method::options);
    EXPECT_EQ(got.status, 204);
    EXPECT_EQ(got.field("access-control-allow-methods"), "");
    // No preflight: OPTIONS as any request.
    got = co_await client.ask(options_with("/", "Origin: https://app.example.org\r\n"),
                              http::method::options);
    EXPECT_EQ(got.status, 401);
    EXPECT_EQ(got.field("access-control-allow-origin"), "https://app.example.org");
  };
  co_await with_client(app, body);
}

EDDY_TEST(cors, a_predicate_or_any_origin) {
  http::server by_rule;
  cors_options rule;
  rule.allow = [](std::string_view origin) { return origin.ends_with(".example.org"); };
  by_rule.use(cors(rule));
  auto first = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get_with("/", "Origin: https://a.example.org"));
    EXPECT_EQ(got.field("access-control-allow-origin"), "https://a.example.org");
    EXPECT_EQ(got.field("access-control-allow-credentials"), "");
  };
  co_await with_client(by_rule, first);
  http::server open;
  cors_options any;
  any.any_origin = true;
  open.use(cors(any));
  auto second = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get_with("/", "Origin: https://x.net"));
    EXPECT_EQ(got.field("access-control-allow-origin"), "*");
    EXPECT_EQ(got.field("vary"), "");
  };
  co_await with_client(open, second);
}

TEST(cors, options_that_cannot_be_meant_are_refused) {
  cors_options any;
  any.any_origin = true;
  any.credentials = true;
  EXPECT_THROW(static_cast<void>(cors(any)), error);
  EXPECT_THROW(static_cast<void>(cors({})), error);
}

// --- limits ---

EDDY_TEST(rate_limit, answers_429_with_the_time_to_wait) {
  http::server app;
  rate_limit_options often;
  often.count = 2;
  often.period = 10s;
  often.key = [](http::request& r) { return std::string(r.field("X-Key").value_or("")); };
  app.use(rate_limit(often));
  app.get("/", [](http::request&) { return "x"; });
  auto body = [](raw_client& client) -> task<void> {
    const std::string mine = get_with("/", "X-Key: me");
    answer got = co_await client.ask(mine);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.field("ratelimit-policy"), "\"default\";q=2;w=10");
    EXPECT_EQ(got.field("ratelimit"), "\"default\";r=1;t=5");
    co_await client.ask(mine);
    got = co_await client.ask(mine);
    EXPECT_EQ(got.status, 429);
    EXPECT_EQ(got.field("retry-after"), "5");
    EXPECT_EQ(got.field("ratelimit"), "\"default\";r=0;t=10");
    // Others, and those without a key, are not concerned.
    got = co_await client.ask(get_with("/", "X-Key: you"));
    EXPECT_EQ(got.status, 200);
    got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.field("ratelimit"), "");
    co_await sleep(5s);
    got = co_await client.ask(mine);
    EXPECT_EQ(got.status, 200);
    got = co_await client.ask(mine);
    EXPECT_EQ(got.status, 429);
  };
  co_await with_client(app, body);
}

EDDY_TEST(rate_limit, remembers_so_many_keys_and_no_more) {
  http::server app;
  rate_limit_options often;
  often.count = 1;
  often.period = 1h;
  often.max_keys = 2;
  often.key = [](http::request& r) { return std::string(r.query()); };
  app.use(rate_limit(often));
  app.get("/", [](http::request&) { return "x"; });
  auto body = [](raw_client& client) -> task<void> {
    const std::vector<std::pair<const char*, int>> asked = {
        {"/?a", 200}, {"/?b", 200}, {"/?a", 429}, {"/?c", 200}, {"/?a", 429}, {"/?b", 200}};
    for (const auto& [target, status] : asked) {
      const answer got = co_await client.ask(get(target));
      EXPECT_EQ(got.status, status) << target;
    }
  };
  co_await with_client(app, body);
}

EDDY_TEST(rate_limit, counts_by_address_unless_told_otherwise) {
  http::server app;
  rate_limit_options often;
  often.count = 1;
  app.use(rate_limit(often));
  std::string key;
  app.get("/", [&](http::request& r) {
    key = client_key(r);
    return "x";
  });
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 200);
    got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 429);
  };
  co_await with_client(app, body);
  EXPECT_EQ(key, std::string("4\x7f\0\0\x01", 5));
}

TEST(rate_limit, options_that_are_none_are_refused) {
  rate_limit_options how;
  how.count = 0;
  EXPECT_THROW(static_cast<void>(rate_limit(how)), error);
  how = rate_limit_options();
  how.name = "a\"b";
  EXPECT_THROW(static_cast<void>(rate_limit(how)), error);
  how = rate_limit_options();
  how.max_keys = 0;
  EXPECT_THROW(static_cast<void>(rate_limit(how)), error);
  how = rate_limit_options();
  how.period = 0s;
  EXPECT_THROW(static_cast<void>(rate_limit(how)), error);
}

EDDY_TEST(timeout, ends_what_takes_too_long) {
  http::server app;
  app.use(web::timeout(1s));
  bool cleaned = false;
  app.get("/slow", [&](http::request&) -> task<std::string> {
    try {
      co_await sleep(1h);
    } catch (const cancelled&) {
      cleaned = true;
      throw;
    }
    co_return "never";
  });
  app.get("/quick", [](http::request&) { return "x"; });
  auto body = [&](raw_client& client) -> task<void> {
    const time_point begin = now();
    answer got = co_await client.ask(get("/slow"));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.field("retry-after"), "1");
    EXPECT_EQ(now() - begin, 1s);
    got = co_await client.ask(get("/quick"));
    EXPECT_EQ(got.status, 200);
  };
  co_await with_client(app, body);
  EXPECT_TRUE(cleaned);
}

EDDY_TEST(body_limit, refuses_announced_and_unannounced_sizes) {
  http::server app;
  app.use(body_limit(5));
  app.post("/",
           [](http::request& r) -> task<std::string> { co_return std::string(co_await r.body()); });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(post("/", "12345"));
    EXPECT_EQ(got.body, "12345");
    got = co_await client.ask(post("/", "123456"));
    EXPECT_EQ(got.status, 413);
    raw_client other = co_await raw_client::connect(at);
    got = co_await other.ask(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4\r\n1234\r\n2\r\n56\r\n0\r\n\r\n");
    EXPECT_EQ(got.status, 413);
  };
  co_await with_server(app, body);
}

// --- security ---

EDDY_TEST(security_headers, stand_on_every_answer_unless_set_already) {
  http::server app;
  security_options how;
  how.permissions_policy = "camera=()";
  how.opener_policy = "";
  app.use(security_headers(how));
  app.get("/", [](http::request&) {
    http::response made = http::response::text("x");
    made.set("X-Frame-Options", "SAMEORIGIN");
    return made;
  });
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.field("x-frame-options"), "SAMEORIGIN");
    EXPECT_THAT(got.field("content-security-policy"), HasSubstr("default-src 'self'"));
    EXPECT_EQ(got.field("permissions-policy"), "camera=()");
    EXPECT_EQ(got.field("cross-origin-opener-policy"), "");
    EXPECT_EQ(got.field("strict-transport-security"), "");  // not over http
    got = co_await client.ask(get("/none"));
    EXPECT_EQ(got.field("x-frame-options"), "DENY");
  };
  co_await with_client(app, body);
}

EDDY_TEST(basic_auth, lets_those_in_who_know_the_password) {
  http::server app;
  app.use(basic_auth("the \"realm\"", known_passwords({{"ada", "lovelace"}, {"bob", "a:b"}})));
  app.get("/", [](http::request& r) { return r.get<principal>()->name; });
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 401);
    EXPECT_EQ(got.field("www-authenticate"),
              "Basic realm=\"the \\\"realm\\\"\", charset=\"UTF-8\"");
    got = co_await client.ask(get_with("/", "Authorization: Basic YWRhOmxvdmVsYWNl"));
    EXPECT_EQ(got.body, "ada");
    got = co_await client.ask(get_with("/", "Authorization: basic Ym9iOmE6Yg=="));
    EXPECT_EQ(got.body, "bob");
    for (const std::string wrong :
         {"Basic YWRhOndyb25n", "Basic YWRhOg==", "Basic !!!", "Basic", "Basic ", "Bearer abc",
          "Basic YWRh", "Basic YWRhOmxvdmVsYWNl=x", "Basic Ym9iOmxvdmVsYWNl"}) {
      got = co_await client.ask(get_with("/", "Authorization: " + wrong));
      EXPECT_EQ(got.status, 401) << wrong;
    }
    got = co_await client.ask(get_with("/", "Authorization: Basic YWRhOmxvdmVsYWNl",
                                       "Authorization: Basic YWRhOmxvdmVsYWNl"));
    EXPECT_EQ(got.status, 401);
  };
  co_await with_client(app, body);
}

EDDY_TEST(bearer_auth, lets_those_in_who_have_a_token) {
  http::server app;
  app.use(bearer_auth("api", known_tokens({{"t0ken", "deploy"}})));
  app.get("/", [](http::request& r) { return r.get<principal>()->name; });
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.field("www-authenticate"), "Bearer realm=\"api\"");
    got = co_await client.ask(get_with("/", "Authorization: Bearer t0ken"));
    EXPECT_EQ(got.body, "deploy");
    got = co_await client.ask(get_with("/", "Authorization: Bearer t0ken2"));
    EXPECT_EQ(got.status, 401);
    EXPECT_EQ(got.field("www-authenticate"), "Bearer realm=\"api\", error=\"invalid_token\"");
  };
  co_await with_client(app, body);
}

TEST(equal_in_constant_time, compares) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
}

// --- metrics ---

EDDY_TEST(request_metrics, count_by_route_and_status) {
  http::server app;
  request_metrics figures;
  app.observe([&](const http::exchange_record& exchange) { figures.count(exchange); });
  app.get("/items/{id}", [](http::request&) -> task<std::string> {
    co_await sleep(3ms);
    co_return "x";
  });
  app.get("/metrics", [&](http::request&) { return figures.page(app.statistics()); });
  auto body = [](raw_client& client) -> task<void> {
    co_await client.ask(get("/items/1"));
    co_await client.ask(get("/items/2"));
    co_await client.ask(get("/none"));
    const answer got = co_await client.ask(get("/metrics"));
    EXPECT_EQ(got.field("content-type"), request_metrics::content_type);
    EXPECT_THAT(got.body,
                HasSubstr("http_requests_total{route=\"/items/{id}\",status=\"200\"} 2\n"));
    EXPECT_THAT(got.body, HasSubstr("http_requests_total{route=\"(none)\",status=\"404\"} 1\n"));
    EXPECT_THAT(got.body, HasSubstr("_bucket{route=\"/items/{id}\",le=\"0.0025\"} 0\n"));
    EXPECT_THAT(got.body, HasSubstr("_bucket{route=\"/items/{id}\",le=\"0.005\"} 2\n"));
    EXPECT_THAT(got.body, HasSubstr("_bucket{route=\"/items/{id}\",le=\"+Inf\"} 2\n"));
    EXPECT_THAT(got.body, HasSubstr("_sum{route=\"/items/{id}\"} 0.006\n"));
    EXPECT_THAT(got.body, HasSubstr("\nhttp_connections_open 1\n"));
  };
  co_await with_client(app, body);
}

TEST(append_gauge, has_help_and_type) {
  std::string out;
  append_gauge(out, "x", "What.", 1.5);
  EXPECT_EQ(out, "# HELP x What.\n# TYPE x gauge\nx 1.5\n");
}

}  // namespace
}  // namespace eddy::web::test
