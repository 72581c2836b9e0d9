// The server over HTTP/2, spoken by hand, on the virtual clock.
#include "http2_raw.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/middleware.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

/// Notes how a handler that waits has ended.
class waiting_handler {
 public:
  task<std::string> run(duration how_long) {
    ++started;
    struct note {
      int& left;
      ~note() { ++left; }
    };
    const note at_exit{left};
    co_await sleep(how_long);
    ++finished;
    co_return "done";
  }

  int started = 0;
  int left = 0;
  int finished = 0;
};

void add_routes(server& app) {
  app.get("/", [](request&) { return "root"; });
  app.get("/slow", [](request&) -> task<std::string> {
    co_await sleep(1s);
    co_return "slow";
  });
  app.post("/echo", [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::string(body);
  });
  app.post("/ignore", [](request&) { return "ignored"; });
}

task<h2_reaction> reaction_of(h2_peer& peer, duration patience = duration(1)) {
  const std::vector<h2_frame> frames = co_await peer.read_all(patience);
  co_return h2_reaction(frames);
}

EDDY_TEST(http2_server, answers_a_request) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 200);
    EXPECT_EQ(got.body_of(1), "root");
    EXPECT_THAT(got.finished, ElementsAre(1));
    EXPECT_EQ(got.settings, 1);
    EXPECT_EQ(got.settings_acks, 1);
    EXPECT_FALSE(got.goaway);
  };
  co_await with_h2_peer(app, body);
  EXPECT_EQ(app.statistics().requests, 1U);
  EXPECT_EQ(app.statistics().connections_total, 1U);
  EXPECT_EQ(app.statistics().connections_open, 0U);
  EXPECT_EQ(app.statistics().requests_running, 0U);
}

EDDY_TEST(http2_server, answers_requests_as_they_become_ready) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1, "/slow") + h2_get(3) + h2_get(5, "/nowhere"));
    const h2_reaction first = co_await reaction_of(peer);
    EXPECT_THAT(first.finished, ElementsAre(3, 5));
    EXPECT_EQ(first.status_of(5), 404);
    const h2_reaction then = co_await reaction_of(peer, 2s);
    EXPECT_EQ(then.body_of(1), "slow");
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, gives_the_body_to_the_handler) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_post(1) + h2_data(1, "abc", false));
    co_await sleep(1s);
    co_await peer.send(h2_data(1, "def"));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 200);
    EXPECT_EQ(got.body_of(1), "abcdef");
  };
  co_await with_h2_peer(app, body);
}

}  // namespace
}  // namespace eddy::http::test
