// Exchanges of each kind that a client and a server know, for tests that disturb one of them.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/json.hpp>
#include <eddy/http/server.hpp>

namespace eddy::http::test {

/// A middleware, and routes that use every way to read a request and to write an answer.
inline void add_routes(server& app) {
  app.use([](request& r, next rest) -> task<response> {
    co_await yield();
    co_return co_await rest(r);
  });
  app.get("/hello", [](request&) { return std::string("hello"); });
  app.post("/echo", [](request& r) -> task<response> {
    const std::string_view text = co_await r.body();
    co_return response::text(std::string(text));
  });
  app.post("/json", [](request& r) -> task<response> {
    auto value = co_await r.json();
    co_return response::json(value);
  });
  app.post("/count", [](request& r) -> task<response> {
    std::array<std::byte, 4> buffer;
    std::size_t sum = 0;
    for (;;) {
      const std::size_t n = co_await r.read_some(buffer);
      if (n == 0) break;
      sum += n;
    }
    co_return response::text(std::to_string(sum));
  });
  app.get("/stream", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await out.write("piece");
        co_await sleep(std::chrono::milliseconds(10));
      }
    });
  });
}

/// A request of each kind, one after the other.
inline task<void> ask_everything(client& c, std::string base) {
  {
    auto got = co_await c.get(base + "/hello");
    const std::string text = co_await got.body();
    EXPECT_EQ(text, "hello");
  }
  {
    auto got = co_await c.post(base + "/echo", "some text");
    std::array<std::byte, 4> buffer;
    const std::size_t n = co_await got.read_some(buffer);
    EXPECT_GT(n, 0U);
    co_await got.discard();
  }
  {
    const boost::json::value note = parse_json(R"({"a":1})");
    auto got = co_await c.post_json(base + "/json", note);
    const boost::json::value back = co_await got.json();
    EXPECT_EQ(back.at("a").as_int64(), 1);
  }
  {
    request_spec spec("POST", base + "/count");
    spec.set_body("0123456789", "text/plain");
    auto got = co_await c.request(std::move(spec));
    const std::string text = co_await got.body();
    EXPECT_EQ(text, "10");
  }
  {
    auto got = co_await c.head(base + "/hello");
    co_await got.discard();
    EXPECT_TRUE(got.finished());
  }
  {
    auto got = co_await c.get(base + "/stream");
    const std::string text = co_await got.body();
    EXPECT_EQ(text, "piecepiecepiece");
  }
}

/// The same without looking at the answers.
inline task<void> ask_anything(client& c, std::string base) {
  for (const char* path : {"/hello", "/stream"}) {
    auto got = co_await c.get(base + path);
    co_await got.discard();
  }
  for (const char* path : {"/echo", "/json", "/count"}) {
    auto got = co_await c.post(base + path, "{}");
    co_await got.discard();
  }
}

}  // namespace eddy::http::test
