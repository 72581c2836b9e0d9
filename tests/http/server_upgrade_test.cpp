// Connections that leave HTTP for another protocol.
#include "server_fixture.hpp"

#include <array>
#include <string>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

task<void> echo(upgraded_connection& on) {
  std::array<std::byte, 64> buffer{};
  for (;;) {
    const std::size_t count = co_await on.stream().read_some(buffer);
    if (count == 0) break;
    co_await io::write_all(on.stream(), std::span<const std::byte>(buffer).first(count));
  }
}

response upgrade_to(upgraded_handler run) {
  fields extra;
  extra.add("X-Extra", "yes");
  return response::upgrade("echo", std::move(extra), std::move(run));
}

constexpr std::string_view asks = "Connection: upgrade\r\nUpgrade: echo\r\n";

task<std::string> read_exactly(raw_client& client, std::size_t count) {
  std::string got(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const auto rest = std::as_writable_bytes(std::span(got)).subspan(done);
    const std::size_t size = co_await client.stream().read_some(rest);
    if (size == 0) break;
    done += size;
  }
  got.resize(done);
  co_return got;
}

const std::string accepted =
    "HTTP/1.1 101 Switching Protocols\r\nX-Extra: yes\r\nConnection: Upgrade\r\n"
    "Upgrade: echo\r\n\r\n";

EDDY_TEST(http_upgrade, hands_the_connection_over_with_what_was_sent_too_early) {
  server app;
  app.get("/echo", [](request&) { return upgrade_to(echo); });
  app.get("/late", [](request&) -> task<response> {
    co_await sleep(100ms);  // long enough for the watch for hang-ups to read on
    co_return upgrade_to(echo);
  });
  auto body = [&app](net::address at) -> task<void> {
    for (const char* path : {"/echo", "/late"}) {
      raw_client client = co_await raw_client::connect(at);
      co_await client.send(get(path, asks) + "early");
      co_await sleep(50ms);
      co_await client.send(", and more");
      const std::string got = co_await read_exactly(client, accepted.size() + 15);
      EXPECT_EQ(got, accepted + "early, and more");
      co_await sleep(24h);  // none of the server's limits counts any more
      co_await client.send("x");
      const std::string later = co_await read_exactly(client, 1);
      EXPECT_EQ(later, "x");
      co_await client.stream().shutdown_write();
      const std::string rest = co_await client.read_rest();
      EXPECT_EQ(rest, "");
      co_await sleep(1s);
      EXPECT_EQ(app.statistics().connections_open, 0u);
    }
    EXPECT_EQ(app.statistics().requests, 2u);
    EXPECT_EQ(app.statistics().requests_running, 0u);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_upgrade, is_refused_unless_the_client_asked_for_it) {
  server app;
  app.get("/echo", [](request&) { return upgrade_to(echo); });
  app.post("/echo", [](request&) { return upgrade_to(echo); });
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(get("/echo"));
    EXPECT_EQ(got.status, 426);
    EXPECT_EQ(got.field("upgrade"), "echo");
    EXPECT_EQ(got.field("connection"), "Upgrade");
    EXPECT_EQ(got.field("x-extra"), "");
    got = co_await client.ask(get("/echo", "Upgrade: echo\r\n"));  // without Connection
    EXPECT_EQ(got.status, 426);
    got = co_await client.ask(post("/echo", "unread", asks));
    EXPECT_EQ(got.status, 426);
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_upgrade, tells_the_handler_when_the_servers_end_begins) {
  server app;
  app.get("/", [](request&) {
    return upgrade_to([](upgraded_connection& on) -> task<void> {
      co_await io::write_all(on.stream(), on.peer().host());
      co_await on.draining();
      co_await io::write_all(on.stream(), "bye");
    });
  });
  app.get("/slow", [](request&) -> task<response> {
    co_await sleep(2s);
    co_return upgrade_to(echo);
  });
  auto body = [&app](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/", asks));
    const std::string got = co_await read_exactly(client, accepted.size() + 9);
    EXPECT_EQ(got, accepted + "127.0.0.1");
    raw_client late = co_await raw_client::connect(at);
    co_await late.send(get("/slow", asks));
    co_await sleep(1s);
    app.shutdown();
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "bye");
    const answer refused = co_await late.read();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.field("retry-after"), "1");
  };
  co_await with_server(app, body);
}

EDDY_TEST(http_upgrade, is_cancelled_at_the_drain_limit) {
  server_options options;
  options.drain_limit = 5s;
  server app(options);
  bool cancelled_in_it = false;
  app.get("/", [&cancelled_in_it](request&) {
    return upgrade_to([&cancelled_in_it](upgraded_connection& on) -> task<void> {
      try {
        co_await echo(on);
      } catch (const cancelled&) {
        cancelled_in_it = true;
        throw;
      }
    });
  });
  time_point end{};
  auto body = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/", asks));
    static_cast<void>(co_await read_exactly(client, accepted.size()));
    app.shutdown();
    const time_point start = now();
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "");
    end = time_point(now() - start);
  };
  co_await with_server(app, body);
  EXPECT_EQ(end.time_since_epoch(), 5s);
  EXPECT_TRUE(cancelled_in_it);
}

EDDY_TEST(http_upgrade, reports_a_handler_that_fails_and_resets_the_connection) {
  server app;
  app.get("/", [](request&) {
    return upgrade_to([](upgraded_connection& on) -> task<void> {
      static_cast<void>(on);
      throw std::runtime_error("broken");
      co_return;
    });
  });
  testing::error_recorder recorder;
  auto body = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await client.send(get("/", asks));
    static_cast<void>(co_await client.read_rest());
    co_await sleep(1s);
    EXPECT_EQ(recorder.count(), 1u);
    EXPECT_EQ(app.statistics().connections_open, 0u);
  };
  co_await with_server(app, body);
}

TEST(http_upgrade_responses, need_a_handler) {
  EXPECT_THROW(static_cast<void>(response::upgrade("echo", {}, nullptr)), error);
  response made = upgrade_to(echo);
  EXPECT_TRUE(made.is_upgrade());
  EXPECT_NE(made.upgrade_part(), nullptr);
  EXPECT_FALSE(response().is_upgrade());
}

}  // namespace
}  // namespace eddy::http::test
