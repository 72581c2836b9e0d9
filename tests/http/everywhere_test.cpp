// HTTP exchanges on the simulated network, cancelled and made to fail at every point on either side: no connection is
// left, and the next exchange works.
#include <eddy/testing/everywhere.hpp>

#include "server_fixture.hpp"
#include "undisturbed.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/json.hpp>
#include <eddy/http/server.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::disturbance;
using ::eddy::testing::error_recorder;
using ::eddy::testing::everywhere_options;
using ::eddy::testing::trial;
using tests::expect_value_when_undisturbed;

everywhere_options slow_network() {
  everywhere_options options;
  options.run.network.latency = 10ms;
  return options;
}

/// A middleware, and routes that use every way to read a request and to write an answer.
void add_routes(server& app) {
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
        co_await sleep(10ms);
      }
    });
  });
}

/// A request of each kind, one after the other.
task<void> ask_everything(client& c, std::string base) {
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
    EXPECT_TRUE(got.finished());
  }
  {
    auto got = co_await c.get(base + "/stream");
    const std::string text = co_await got.body();
    EXPECT_EQ(text, "piecepiecepiece");
  }
}

/// The same without looking at the answers.
task<void> ask_anything(client& c, std::string base) {
  for (const char* path : {"/hello", "/stream"}) {
    auto got = co_await c.get(base + path);
    co_await got.discard();
  }
  for (const char* path : {"/echo", "/json", "/count"}) {
    auto got = co_await c.post(base + path, "{}");
    co_await got.discard();
  }
}

// clk.6
// Exposes: http/client.get http/client.head http/client.post http/client.post_json http/client.request
// Exposes: http/client_response.read_some http/client_response.body http/client_response.json
// Exposes: http/client_response.discard
TEST(everywhere, a_client_gives_all_its_connections_back) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        server app;
        add_routes(app);
        co_await test::with_server(app, [&](net::address at) -> task<void> {
          const std::string base = "http://" + at.to_string();
          client c;
          const auto ended = co_await t.expose(ask_everything(c, base));
          expect_value_when_undisturbed(t, ended);
          const auto rest = c.statistics();
          EXPECT_EQ(rest.waiting, 0U);
          EXPECT_EQ(rest.connections, rest.idle);
          co_await ask_everything(c, base);
        });
        EXPECT_EQ(app.statistics().connections_open, 0U);
        EXPECT_EQ(app.statistics().requests_running, 0U);
      },
      slow_network());
}

// clk.6
// Exposes: http/server.serve http/request.body http/request.read_some http/request.json http/response.write
TEST(everywhere, a_server_ends_with_all_its_connections) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        const error_recorder failed_handlers;
        server_options quick;
        quick.drain_limit = 1s;
        server app(quick);
        add_routes(app);
        net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
        const std::string base = "http://" + listener.local().to_string();
        auto asking = spawn([&]() -> task<void> {
          client c;
          // How it ends, and what the answers are, depends on the disturbance.
          const auto ended = co_await as_result(with_timeout(1min, ask_anything(c, base)));
          app.shutdown();
          if (ended.is_cancelled()) static_cast<void>(ended.value());
        });
        const auto ended = co_await t.expose(app.serve(listener));
        expect_value_when_undisturbed(t, ended);
        EXPECT_EQ(app.statistics().connections_open, 0U);
        EXPECT_EQ(app.statistics().requests_running, 0U);
        listener.close();
        co_await asking;
      },
      slow_network());
}

// clk.6
// Exposes: http/server.serve_connection
TEST(everywhere, a_connection_ends_with_its_handler) {
  cancel_everywhere([](trial& t) -> task<void> {
    const error_recorder failed_handlers;
    int running = 0;
    server app;
    app.get("/slow", [&running](request&) -> task<response> {
      ++running;
      const auto napped = co_await as_result(sleep(1s));
      --running;
      if (napped.is_cancelled()) static_cast<void>(napped.value());
      co_return response::text("done");
    });
    auto [near, far] = io::memory_stream_pair();
    io::any_stream served(std::move(near));
    auto asking = spawn(
        [](io::memory_stream stream) -> task<void> {
          const auto talk = [&]() -> task<void> {
            co_await io::write_all(stream, test::get("/slow", "Connection: close\r\n"));
            std::array<std::byte, 256> buffer;
            for (;;) {
              const std::size_t n = co_await stream.read_some(buffer);
              if (n == 0) break;
            }
          };
          const auto ended = co_await as_result(with_timeout(1min, talk()));
          if (ended.is_cancelled()) static_cast<void>(ended.value());
        },
        std::move(far));
    const auto ended = co_await t.expose(app.serve_connection(std::move(served)));
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(running, 0);
    EXPECT_EQ(app.statistics().connections_open, 0U);
    co_await asking;
  });
}

// clk.6
// Exposes: http/server.listen_and_serve
TEST(everywhere, listening_ends_with_its_socket) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        server app;
        add_routes(app);
        auto stop = spawn([&]() -> task<void> {
          co_await sleep(1s);
          app.shutdown();
        });
        const auto ended = co_await t.expose(app.listen_and_serve("127.0.0.1", 0));
        expect_value_when_undisturbed(t, ended);
        EXPECT_EQ(::eddy::testing::virtual_io().network().open_sockets(), 0U);
        co_await stop;
      },
      slow_network());
}

}  // namespace
}  // namespace eddy::http
