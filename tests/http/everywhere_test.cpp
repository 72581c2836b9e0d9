// HTTP exchanges on the simulated network, cancelled and made to fail at every point on either side: no connection is
// left, and the next exchange works.
#include <eddy/testing/everywhere.hpp>

#include "every_exchange.hpp"
#include "everywhere_on_system.hpp"
#include "scratch_folder.hpp"
#include "server_fixture.hpp"
#include "undisturbed.hpp"

#include <array>
#include <functional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/download.hpp>
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
using ::eddy::testing::virtual_io;
using test::add_routes;
using test::ask_anything;
using test::ask_everything;
using tests::expect_value_when_undisturbed;

everywhere_options slow_network() {
  everywhere_options options;
  options.run.network.latency = 10ms;
  return options;
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
// Exposes: http/middleware.operator
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

/// Asks for the rest of the request's spec twice, and gives the second answer.
task<client_response> ask_twice(request_spec& spec, client_next next) {
  {
    client_response first = co_await next(spec);
    co_await first.discard();
  }
  co_return co_await next(spec);
}

// clk.6
// Exposes: http/client_hook.operator
TEST(everywhere, a_hook_gives_all_its_connections_back) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        server app;
        add_routes(app);
        co_await test::with_server(app, [&](net::address at) -> task<void> {
          const std::string url = "http://" + at.to_string() + "/stream";
          client c;
          c.use(ask_twice);
          const auto ask = [&]() -> task<void> {
            auto got = co_await c.get(url);
            const std::string text = co_await got.body();
            EXPECT_EQ(text, "piecepiecepiece");
          };
          const auto ended = co_await t.expose(ask());
          expect_value_when_undisturbed(t, ended);
          EXPECT_EQ(c.statistics().waiting, 0U);
          EXPECT_EQ(c.statistics().connections, c.statistics().idle);
          co_await ask();
        });
        EXPECT_EQ(app.statistics().requests_running, 0U);
      },
      slow_network());
}

task<void> echo(upgraded_connection& on) {
  std::array<std::byte, 8> buffer;
  for (;;) {
    const std::size_t n = co_await on.stream().read_some(buffer);
    if (n == 0) break;
    co_await io::write_all(on.stream(), std::span<const std::byte>(buffer).first(n));
  }
}

// clk.6
// Exposes: http/client.upgrade
TEST(everywhere, an_upgraded_connection_is_the_callers_or_closed) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        const error_recorder broken_handlers;
        server app;
        app.get("/echo", [](request&) { return response::upgrade("echo", fields(), echo); });
        co_await test::with_server(app, [&](net::address at) -> task<void> {
          const std::string url = "http://" + at.to_string() + "/echo";
          client c;
          const auto talk = [&]() -> task<void> {
            client_upgrade changed = co_await c.upgrade(request_spec("GET", url), "echo");
            EXPECT_EQ(changed.response.status(), 101);
            EDDY_REQUIRE(changed.stream.has_value());
            co_await io::write_all(*changed.stream, "hello");
            std::string back(5, '\0');
            std::size_t done = 0;
            while (done < back.size()) {
              const auto rest = std::as_writable_bytes(std::span(back)).subspan(done);
              const std::size_t n = co_await changed.stream.value().read_some(rest);
              EDDY_REQUIRE(n != 0);
              done += n;
            }
            EXPECT_EQ(back, "hello");
          };
          const auto ended = co_await t.expose(talk());
          expect_value_when_undisturbed(t, ended);
          EXPECT_EQ(c.statistics().waiting, 0U);
          EXPECT_EQ(c.statistics().connections, 0U);
          co_await talk();
          EXPECT_EQ(c.statistics().connections, 0U);
        });
        EXPECT_EQ(app.statistics().connections_open, 0U);
      },
      slow_network());
}

const std::string whole_file(300, 'x');

/// "/file" with a validator, as a whole or from where the request says.
void add_file(server& app) {
  app.get("/file", [](request& r) {
    const std::string_view range = r.field("Range").value_or("bytes=0-");
    const std::size_t from = std::stoul(std::string(range.substr(6)));
    const std::string size = std::to_string(whole_file.size());
    if (from >= whole_file.size()) {
      response made(status::range_not_satisfiable);
      made.set("Content-Range", "bytes */" + size);
      return made;
    }
    auto made = response::of("x/y", whole_file.substr(from), from == 0 ? 200 : 206);
    made.set("ETag", "\"v1\"");
    if (from != 0) {
      const std::string last = std::to_string(whole_file.size() - 1);
      made.set("Content-Range", "bytes " + std::to_string(from) + "-" + last + "/" + size);
    }
    return made;
  });
}

// clk.6
// Exposes: http/download.download
TEST(everywhere, a_download_goes_on_from_the_bytes_it_gave) {
  everywhere_options narrow = slow_network();
  narrow.run.network.max_transfer = 100;
  cancel_everywhere(
      [](trial& t) -> task<void> {
        server app;
        add_file(app);
        co_await test::with_server(app, [&](net::address at) -> task<void> {
          const std::string url = "http://" + at.to_string() + "/file";
          client c;
          std::string got;
          const download_sink keep = [&got](std::uint64_t offset,
                                            std::string_view piece) -> task<void> {
            co_await yield();
            EXPECT_EQ(offset, got.size());
            got += piece;
          };
          auto ended = co_await t.expose(download(c, request_spec("GET", url), keep));
          expect_value_when_undisturbed(t, ended);
          if (ended.has_value()) {
            EXPECT_EQ(ended->size, whole_file.size());
          } else if (got.size() < whole_file.size()) {
            download_options rest;
            rest.offset = got.size();
            rest.validator = got.empty() ? "" : "\"v1\"";
            const auto done = co_await download(c, request_spec("GET", url), keep, rest);
            EXPECT_EQ(done.size, whole_file.size());
          }
          EXPECT_EQ(got, whole_file);
          EXPECT_EQ(c.statistics().connections, c.statistics().idle);
        });
      },
      narrow);
}

/// So that what goes on beside the calls does so alike in each run; threads would come back whenever they do.
void call_files_in_virtual_time() {
  virtual_io().script_calls([] { return duration(100us); });
}

// clk.6
// Exposes: http/download.download_file
TEST(everywhere, a_download_into_a_file_can_be_called_again) {
  everywhere_options narrow = slow_network();
  narrow.run.network.max_transfer = 100;
  cancel_everywhere(
      [](trial& t) -> task<void> {
        call_files_in_virtual_time();
        const tests::scratch_folder folder;
        server app;
        add_file(app);
        co_await test::with_server(app, [&](net::address at) -> task<void> {
          const request_spec file("GET", "http://" + at.to_string() + "/file");
          client c;
          const auto ended = co_await t.expose(download_file(c, file, folder / "out"));
          expect_value_when_undisturbed(t, ended);
          EXPECT_EQ(c.statistics().connections, c.statistics().idle);
          if (!ended.has_value()) co_await download_file(c, file, folder / "out");
          EXPECT_EQ(folder.read("out"), whole_file);
          EXPECT_EQ(folder.count(), 1U);
        });
      },
      narrow);
}

/// Serves a file of 100 kB by `send`, which is disturbed: what the client gets is the whole file, or a body that is
/// recognisably not complete.
task<void> expect_whole_or_cut(
    trial& t,
    std::function<task<void>(body_writer&, const runtime::open_file&, std::uint64_t)> send) {
  const tests::scratch_folder folder;
  const std::string text(100'000, 'x');
  const auto file = runtime::system_files().open(folder.write("file", text), {});
  bool sent = false;
  bool received = false;
  server app;
  app.get("/file", [&](request&) {
    const auto write = [&](body_writer& out) -> task<void> {
      const auto ended = co_await t.expose(send(out, *file, text.size()));
      expect_value_when_undisturbed(t, ended);
      sent = ended.has_value();
      if (!sent) throw std::runtime_error("the file was not sent");
    };
    return response::stream("x/y", write, text.size());
  });
  co_await test::with_server(app, [&](net::address at) -> task<void> {
    client_options once;
    once.retries = 0;
    client c(once);
    const auto ask = [&]() -> task<std::string> {
      auto got = co_await c.get("http://" + at.to_string() + "/file");
      co_return co_await got.body();
    };
    const auto got = co_await as_result(ask());
    received = got.has_value();
    if (got.has_value()) {
      EXPECT_EQ(*got, text);
    }
  });
  EXPECT_TRUE(received ||
              !sent);  // disturbed behind its last byte, it was not told that it is whole
  EXPECT_EQ(app.statistics().connections_open, 0U);
  EXPECT_EQ(app.statistics().requests_running, 0U);
}

// clk.6
// Exposes: http/response.write_file
TEST(everywhere, a_file_is_read_whole_or_its_answer_is_cut) {
  cancel_everywhere([](trial& t) -> task<void> {
    call_files_in_virtual_time();
    const error_recorder broken_bodies;
    co_await expect_whole_or_cut(
        t, [](body_writer& out, const runtime::open_file& from, std::uint64_t size) -> task<void> {
          co_await out.write_file(from, 0, size);
        });
  });
}

// Exposes: http/response.send_file
TEST(everywhere, a_file_is_sent_whole_or_its_answer_is_cut) {
  tests::cancel_everywhere_on_system(
      [](trial& t) -> task<void> {
        co_await expect_whole_or_cut(
            t,
            [](body_writer& out, const runtime::open_file& from, std::uint64_t size) -> task<void> {
              const std::uint64_t sent = co_await out.sink().send_file(from, 0, size);
              EXPECT_EQ(sent, size);
            });
      },
      [](const failure_report&) {});  // broken bodies
}

}  // namespace
}  // namespace eddy::http
