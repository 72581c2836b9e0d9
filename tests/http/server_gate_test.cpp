// The gate's rows at the level of a server: the status of the answer, and that the connection ends behind it.
#include "server_fixture.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <wire/http1_cases.hpp>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Serves `text` and gives everything the server answered.
class transcript {
 public:
  explicit transcript(server& app) : app_(app) {}

  /// Written in the pieces that `cuts` marks, with a pause after each; then the client's side ends.
  task<std::string> of(std::string text, std::vector<std::size_t> cuts = {}) {
    auto [client, served] = io::memory_stream_pair();
    io::memory_stream mine = std::move(client);
    io::any_stream stream(std::move(served));
    std::string got;
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app_.serve_connection(std::move(stream)));
      group.spawn(send(mine, text, cuts));
      co_await receive(mine, got);
    };
    co_await with_group(both);
    co_return got;
  }

 private:
  static task<void> send(io::memory_stream& to, const std::string& text,
                         const std::vector<std::size_t>& cuts) {
    std::size_t done = 0;
    try {
      for (const std::size_t cut : cuts) {
        co_await io::write_all(to, std::string_view(text).substr(done, cut - done));
        done = cut;
        co_await sleep(std::chrono::milliseconds(1));
      }
      co_await io::write_all(to, std::string_view(text).substr(done));
      co_await to.shutdown_write();
    } catch (const error& refused) {
      if (!(refused == condition::disconnected)) throw;
    }
  }

  static task<void> receive(io::memory_stream& from, std::string& got) {
    std::array<std::byte, 4096> piece;
    try {
      for (;;) {
        const std::size_t count = co_await from.read_some(piece);
        if (count == 0) break;
        got += io::text_of(std::span(piece).first(count));
      }
    } catch (const error& reset) {
      if (!(reset == condition::disconnected)) throw;
    }
  }

  server& app_;
};

/// Takes every path, and notes which were served.
class any_path {
 public:
  explicit any_path(server& app) {
    for (const method m : {method::get, method::post, method::put, method::delete_, method::options,
                           method::patch}) {
      app.route(m, "/{path...}", [this](request& r) { return serve(r); });
    }
  }

  task<std::string> serve(request& r) {
    const std::string_view body = co_await r.body();
    served.push_back(std::string(r.path()));
    co_return std::string(r.path()) + "|" + std::string(body);
  }

  std::vector<std::string> served;
};

int status_of(const std::string& got) {
  return got.starts_with("HTTP/1.1 ") ? std::stoi(got.substr(9, 3)) : 0;
}

EDDY_TEST(http_gate, everything_refused_is_answered_and_nothing_behind_it_is_served) {
  server app;
  any_path handler(app);
  transcript talk(app);
  for (const auto& [bytes, why] : wire::http1::test::refused_requests()) {
    handler.served.clear();
    const std::string got = co_await talk.of(bytes);
    EXPECT_EQ(status_of(got), wire::http1::suggested_status(why)) << bytes;
    EXPECT_THAT(got, HasSubstr("Connection: close\r\n")) << bytes;
    EXPECT_EQ(handler.served, std::vector<std::string>()) << bytes;
    EXPECT_EQ(got.find("HTTP/1.1", 1), std::string::npos) << bytes;
  }
}

EDDY_TEST(http_gate, everything_accepted_is_served_with_its_body) {
  server app;
  any_path handler(app);
  transcript talk(app);
  for (const auto& good : wire::http1::test::accepted_requests()) {
    if (!good.path.starts_with('/')) continue;
    const auto m = wire::http1::method_from(good.method);
    if (m == method::unknown || m == method::trace || m == method::head) continue;
    const std::string got = co_await talk.of(good.bytes);
    EXPECT_EQ(status_of(got), 200) << good.bytes << got;
    EXPECT_THAT(got, HasSubstr(good.path + "|" + good.body)) << good.bytes;
  }
}

EDDY_TEST(http_gate, connection_close_is_honoured_in_any_case_and_position) {
  server app;
  any_path handler(app);
  transcript talk(app);
  for (const char* value :
       {"close", "Close", "CLOSE", "keep-alive, close", "close, keep-alive", "foo, close , bar"}) {
    handler.served.clear();
    const std::string fields = "Connection: " + std::string(value) + "\r\n";
    const std::string got = co_await talk.of(get("/first", fields) + get("/second"));
    EXPECT_EQ(handler.served, std::vector<std::string>{"/first"}) << value;
    EXPECT_THAT(got, HasSubstr("Connection: close\r\n")) << value;
  }
}

EDDY_TEST(http_gate, pipelined_requests_are_answered_in_order_however_many) {
  server app;
  any_path handler(app);
  transcript talk(app);
  for (const int count : {1, 2, 16, 1000}) {
    std::string text;
    std::string expected;
    for (int i = 0; i < count; ++i) text += post("/" + std::to_string(i), std::to_string(i * 7));
    handler.served.clear();
    const std::string got = co_await talk.of(text);
    EDDY_REQUIRE(handler.served.size() == static_cast<std::size_t>(count));
    std::size_t from = 0;
    for (int i = 0; i < count; ++i) {
      from = got.find("\r\n\r\n/" + std::to_string(i) + "|" + std::to_string(i * 7), from);
      EDDY_REQUIRE(from != std::string::npos);
      ++from;
    }
  }
}

EDDY_TEST(http_gate, pipelined_requests_may_be_cut_at_every_byte) {
  server app;
  any_path handler(app);
  transcript talk(app);
  const std::string text = get("/a") + post("/b", "hello") +
                           "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n" +
                           get("/d");
  const std::string whole = co_await talk.of(text);
  EXPECT_THAT(whole, HasSubstr("/b|hello"));
  EXPECT_THAT(whole, HasSubstr("/c|abcde"));
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    std::vector<std::size_t> cuts;
    cuts.push_back(cut);
    const std::string got = co_await talk.of(text, cuts);
    EXPECT_EQ(got, whole) << cut;
  }
  std::vector<std::size_t> everywhere;
  for (std::size_t cut = 1; cut < text.size(); ++cut) everywhere.push_back(cut);
  const std::string got = co_await talk.of(text, everywhere);
  EXPECT_EQ(got, whole);
}

EDDY_TEST(http_gate, a_message_cut_short_is_never_served) {
  server app;
  any_path handler(app);
  transcript talk(app);
  const std::string text = post("/p", "hello");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string got = co_await talk.of(text.substr(0, size));
    EXPECT_THAT(got, Not(HasSubstr("200 OK"))) << size;
  }
  EXPECT_EQ(handler.served, std::vector<std::string>());
}

}  // namespace
}  // namespace eddy::http::test
