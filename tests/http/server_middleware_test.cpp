// Middlewares, and what they may do with requests and responses.
#include "server_fixture.hpp"

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

task<response> mark(request& r, next rest, std::string name) {
  auto made = co_await rest(r);
  made.add("X-Seen", name + " " + std::to_string(made.status()));
  co_return made;
}

void add_mark(server& app, std::string name) {
  app.use([name](request& r, next rest) { return mark(r, rest, name); });
}

std::vector<std::string> seen_by(const answer& got) {
  std::vector<std::string> all;
  for (const field_view field : got.fields) {
    if (field.name == "X-Seen") all.emplace_back(field.value);
  }
  return all;
}

EDDY_TEST(http_middlewares, run_around_everything_that_is_answered_the_first_outermost) {
  server app;
  add_mark(app, "outer");
  add_mark(app, "inner");
  app.get("/plain", [](request&) { return "plain"; });
  app.get("/waits", [](request&) -> task<std::string> {
    co_await sleep(1ms);
    co_return "waits";
  });
  route_options small;
  small.max_body = 3;
  app.post("/small", [](request&) { return "x"; }, small);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(get("/plain"));
    EXPECT_EQ(got.body, "plain");
    EXPECT_THAT(seen_by(got), ElementsAre("inner 200", "outer 200"));
    got = co_await client.ask(get("/waits"));
    EXPECT_EQ(got.body, "waits");
    EXPECT_THAT(seen_by(got), ElementsAre("inner 200", "outer 200"));
    got = co_await client.ask(get("/missing"));
    EXPECT_THAT(seen_by(got), ElementsAre("inner 404", "outer 404"));
    got = co_await client.ask(post("/plain", ""));
    EXPECT_THAT(seen_by(got), ElementsAre("inner 405", "outer 405"));
    EXPECT_EQ(got.field("allow"), "GET, HEAD, OPTIONS");
    got = co_await client.ask("OPTIONS /plain HTTP/1.1\r\nHost: h\r\n\r\n", method::options);
    EXPECT_THAT(seen_by(got), ElementsAre("inner 204", "outer 204"));
    got = co_await client.ask("BREW /plain HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(seen_by(got), ElementsAre("inner 501", "outer 501"));
    got = co_await client.ask(post("/small", "1234"));
    EXPECT_THAT(seen_by(got), ElementsAre("inner 413", "outer 413"));
    got = co_await client.ask("HEAD /plain HTTP/1.1\r\nHost: h\r\n\r\n", method::head);
    EXPECT_THAT(seen_by(got), ElementsAre("inner 200", "outer 200"));
    EXPECT_EQ(got.field("content-length"), "5");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_middlewares, see_what_failed_behind_them_as_an_answer) {
  server app;
  add_mark(app, "outer");
  app.use([](request& r, next rest) -> task<response> {
    if (r.path() == "/refused") throw http_error(429, "slow down").with("Retry-After", "5");
    if (r.path() == "/busy") throw http_error(503).with("Retry-After", "7");
    if (r.path() == "/down") throw http_error(503);
    co_return co_await rest(r);
  });
  app.get("/teapot", [](request&) -> response { throw http_error(418, "short and stout"); });
  app.get("/broken", [](request&) -> task<response> {
    co_await sleep(1ms);
    throw std::runtime_error("secret");
  });
  app.post("/json", [](request& r) -> task<std::string> {
    const auto value = co_await r.json();
    co_return "fine";
  });
  testing::error_recorder recorder;
  auto body = [&recorder](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(get("/teapot"));
    EXPECT_THAT(seen_by(got), ElementsAre("outer 418"));
    EXPECT_THAT(got.body, HasSubstr("short and stout"));
    got = co_await client.ask(get("/refused"));
    EXPECT_THAT(seen_by(got), ElementsAre("outer 429"));
    EXPECT_EQ(got.field("retry-after"), "5");
    got = co_await client.ask(get("/busy"));
    EXPECT_EQ(got.field("retry-after"), "7");
    got = co_await client.ask(get("/down"));
    EXPECT_EQ(got.field("retry-after"), "1");
    got = co_await client.ask(post("/json", "{"));
    EXPECT_THAT(seen_by(got), ElementsAre("outer 400"));
    EXPECT_EQ(recorder.count(), 0u);
    got = co_await client.ask(get("/broken"));
    EXPECT_THAT(seen_by(got), ElementsAre("outer 500"));
    EXPECT_THAT(got.body, ::testing::Not(HasSubstr("secret")));
    EXPECT_EQ(recorder.count(), 1u);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_middlewares, may_answer_themselves_and_leave_values_for_those_behind) {
  struct user {
    std::string name;
  };
  server app;
  app.use([](request& r, next rest) -> task<response> {
    EXPECT_EQ(r.get<user>(), nullptr);
    const auto name = r.field("x-user");
    if (!name) co_return response::error(status::unauthorized);
    r.set(user{"first"});
    r.set(user{std::string(*name)});
    r.set(7);
    co_return co_await rest(r);
  });
  app.get("/", [](request& r) { return r.get<user>()->name + std::to_string(*r.get<int>()); });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.status, 401);
    got = co_await client.ask(get("/", "X-User: ann\r\n"));
    EXPECT_EQ(got.body, "ann7");
    got = co_await client.ask(get("/"));  // nothing is left of the request before
    EXPECT_EQ(got.status, 401);
  };
  co_await with_server(app, body);
}

// A body_sink in front of another, as compression has one.
class upper_case_sink final : public body_sink {
 public:
  explicit upper_case_sink(body_writer& to) : to_(to) {}
  task<void> send_body(std::string_view data) override {
    std::string loud(data);
    std::ranges::transform(loud, loud.begin(), [](char c) { return c == 'a' ? 'A' : c; });
    co_await to_.write(loud);
  }
  void set_trailers(const fields& trailers) override { to_.trailers(trailers); }

 private:
  body_writer& to_;
};

task<void> write_upper_case(response::writer& quiet, body_writer& out) {
  upper_case_sink sink(out);
  body_writer inner(sink);
  co_await quiet(inner);
}

EDDY_TEST(http_middlewares, may_replace_bodies_of_both_kinds) {
  server app;
  app.use([](request& r, next rest) -> task<response> {
    auto made = co_await rest(r);
    if (auto* part = made.stream_part()) {
      auto quiet = std::make_shared<response::writer>(std::move(part->write));
      made.set_stream([quiet](body_writer& out) { return write_upper_case(*quiet, out); });
    } else {
      made.set_body("<" + std::string(made.body()) + ">");
    }
    co_return made;
  });
  app.get("/text", [](request&) { return "text"; });
  app.get("/stream", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      co_await out.write("abc ");
      co_await out.write("cba");
      fields last;
      last.add("X-Sum", "6");
      out.trailers(last);
    });
  });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(get("/text"));
    EXPECT_EQ(got.body, "<text>");
    EXPECT_EQ(got.field("content-type"), "text/plain; charset=utf-8");
    got = co_await client.ask(get("/stream"));
    EXPECT_EQ(got.body, "Abc cbA");
    EXPECT_EQ(got.field("content-type"), "text/plain");
    EXPECT_EQ(got.trailers.find("x-sum"), "6");
  };
  co_await with_server(app, body);
}

// Gives every byte three times.
class tripled final : public body_filter {
 public:
  using body_filter::body_filter;
  task<std::size_t> read_body(std::span<std::byte> into) override {
    std::array<std::byte, 1000> piece{};
    const std::size_t got = co_await under().read_body(std::span(piece).first(into.size() / 3));
    for (std::size_t i = 0; i < 3 * got; ++i) into[i] = piece[i / 3];
    count(3 * got);
    co_return 3 * got;
  }
};

EDDY_TEST(http_middlewares, may_decode_bodies_whose_decoded_size_is_limited) {
  server app;
  app.use([](request& r, next rest) -> task<response> {
    r.replace_source(std::make_unique<tripled>(r.source()));
    co_return co_await rest(r);
  });
  route_options small;
  small.max_body = 30;
  app.post(
      "/",
      [](request& r) -> task<std::string> {
        const std::string_view first = co_await r.body();
        const std::string_view again = co_await r.body();
        EXPECT_EQ(first.data(), again.data());
        co_return std::string(first);
      },
      small);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(post("/", "abc"));
    EXPECT_EQ(got.body, "aaabbbccc");
    got = co_await client.ask(post("/", "0123456789"));
    EXPECT_EQ(got.body.size(), 30u);
    got = co_await client.ask(post("/", "0123456789a"));
    EXPECT_EQ(got.status, 413);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_middlewares, may_lower_the_limit_of_a_body_but_not_raise_it) {
  server app;
  app.use([](request& r, next rest) -> task<response> {
    r.limit_body(r.field("x-small") ? 4 : 1000);
    co_return co_await rest(r);
  });
  route_options ten;
  ten.max_body = 10;
  app.post(
      "/",
      [](request& r) -> task<std::string> {
        const std::string_view all = co_await r.body();
        co_return std::string(all);
      },
      ten);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(post("/", "0123456789"));
    EXPECT_EQ(got.status, 200);
    got = co_await client.ask(post("/", "0123456789a"));
    EXPECT_EQ(got.status, 413);
    got = co_await client.ask(post("/", "01234", "X-Small: 1\r\n"));
    EXPECT_EQ(got.status, 413);
    got = co_await client.ask(
        "POST / HTTP/1.1\r\nHost: h\r\nX-Small: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\n01234\r\n0\r\n\r\n");
    EXPECT_EQ(got.status, 413);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_middlewares, are_cancelled_when_the_client_hangs_up) {
  server app;
  int left = 0;
  app.use([&left](request& r, next rest) -> task<response> {
    struct note {
      int& left;
      ~note() { ++left; }
    };
    const note at_exit{left};
    co_return co_await rest(r);
  });
  app.get("/", [](request&) -> task<std::string> {
    co_await sleep(1h);
    co_return "late";
  });
  app.post("/", [](request& r) -> task<std::string> {
    const std::string_view all = co_await r.body();
    co_return std::string(all);
  });
  testing::error_recorder recorder;
  auto body = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/"));
    co_await sleep(1s);
    EXPECT_EQ(left, 0);
    co_await client.stream().close();
    co_await sleep(1s);
    EXPECT_EQ(left, 1);
    raw_client second = co_await raw_client::connect(at);
    co_await second.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    co_await sleep(1s);
    co_await second.stream().close();
    co_await sleep(1s);
    EXPECT_EQ(left, 2);
    EXPECT_EQ(app.statistics().connections_open, 0u);
  };
  co_await with_server(app, body);
  EXPECT_EQ(recorder.count(), 0u);
  EXPECT_EQ(app.statistics().requests_running, 0u);
}

TEST(http_responses, can_be_built_in_one_expression) {
  response made = response::text("x").add("X-A", "1").set("X-A", "2").set_status(202);
  EXPECT_EQ(made.status(), 202);
  EXPECT_EQ(made.fields().find("x-a"), "2");
  made.add("X-B", "3").set_status(203);
  EXPECT_EQ(made.fields().find("x-b"), "3");
  EXPECT_EQ(made.status(), 203);
  EXPECT_THROW(made.set_stream(nullptr), error);
}

}  // namespace
}  // namespace eddy::http::test
