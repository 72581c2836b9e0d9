// Content codings on their way in and out.
#include <eddy/web/compression.hpp>

#include "web/fixture.hpp"

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::web::test {
namespace {

using namespace std::chrono_literals;
using http::content_coding;
using ::testing::HasSubstr;

template <class Body>
task<void> with_client(http::server& app, Body body) {
  auto connected = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await body(client);
  };
  co_await with_server(app, connected);
}

std::string large_text() {
  std::string text;
  while (text.size() < 5000) text += "all work and no play " + std::to_string(text.size()) + " ";
  return text;
}

std::string decoded(std::string_view coding, const std::string& body) {
  return http::decode_whole(http::content_coding_from(coding).value(), body, 1 << 24).value();
}

EDDY_TEST(compression, codes_what_the_client_accepts_and_likes_best) {
  http::server app;
  app.use(compression());
  app.get("/", [](http::request&) { return large_text(); });
  auto body = [](raw_client& client) -> task<void> {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"gzip, deflate, br, zstd", "br"},
        {"gzip, zstd", "zstd"},
        {"GZIP", "gzip"},
        {"x-gzip", "gzip"},
        {"br;q=0.1, gzip;q=0.2", "gzip"},
        {"br;q=0, *", "zstd"},
        {"gzip;q=0", ""},
        {"*;q=0", ""},
        {"compress", ""},
        {"gzip;q=2", "gzip"},
        {"gzip;q=nonsense", ""},
        {"identity, gzip;q=0.5", ""},
        {"identity;q=0.5, gzip;q=0.8", "gzip"},
        {"gzip, identity", "gzip"},
        {"identity, *;q=0.5", ""},
        {"identity;q=0, gzip;q=0.1", "gzip"},
        {"", ""}};
    for (const auto& [accepts, coding] : cases) {
      const answer got = co_await client.ask(get_with("/", "Accept-Encoding: " + accepts));
      EXPECT_EQ(got.field("content-encoding"), coding) << accepts;
      EXPECT_EQ(got.field("vary"), "Accept-Encoding");
      EXPECT_EQ(decoded(coding, got.body), large_text()) << accepts;
      EXPECT_EQ(got.field("content-length"), std::to_string(got.body.size()));
    }
    const answer plain = co_await client.ask(get("/"));
    EXPECT_EQ(plain.field("content-encoding"), "");
    const answer lines =
        co_await client.ask(get_with("/", "Accept-Encoding: identity", "Accept-Encoding: gzip"));
    EXPECT_EQ(lines.field("content-encoding"), "gzip");
  };
  co_await with_client(app, body);
}

EDDY_TEST(compression, leaves_alone_what_gains_nothing_or_must_not_change) {
  http::server app;
  app.use(compression());
  app.get("/small", [](http::request&) { return std::string(1023, 'a'); });
  app.get("/image",
          [](http::request&) { return http::response::of("image/png", std::string(5000, 'a')); });
  app.get("/coded", [](http::request&) {
    auto made = http::response::text(std::string(5000, 'a'));
    made.set("Content-Encoding", "gzip");
    return made;
  });
  app.get("/final", [](http::request&) {
    auto made = http::response::text(std::string(5000, 'a'));
    made.set("Cache-Control", "private, no-transform");
    return made;
  });
  app.get("/part", [](http::request&) {
    auto made = http::response::text(std::string(5000, 'a'), 206);
    made.set("Content-Range", "bytes 0-4999/9999");
    return made;
  });
  app.get("/nothing", [](http::request&) { return http::response(204); });
  app.get("/same", [](http::request&) { return http::response(304); });
  auto body = [](raw_client& client) -> task<void> {
    for (const std::string target :
         {"/small", "/image", "/coded", "/final", "/part", "/nothing", "/same"}) {
      const answer got = co_await client.ask(get_with(target, "Accept-Encoding: gzip"));
      EXPECT_EQ(got.field("content-encoding"), target == "/coded" ? "gzip" : "") << target;
      const bool varies = target == "/small" || target == "/same";
      if (!varies && target != "/nothing") {
        EXPECT_EQ(got.body, std::string(5000, 'a')) << target;
      }
      EXPECT_EQ(got.field("vary"), varies ? "Accept-Encoding" : "") << target;
    }
  };
  co_await with_client(app, body);
}

EDDY_TEST(compression, weakens_a_strong_tag_and_keeps_other_vary_names) {
  http::server app;
  app.use(compression());
  app.get("/", [](http::request&) {
    auto made = http::response::json(boost::json::string(std::string(5000, 'j')));
    made.set("ETag", "\"v1\"");
    made.set("Vary", "Cookie");
    made.set("Accept-Ranges", "bytes");
    return made;
  });
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get_with("/", "Accept-Encoding: zstd"));
    EXPECT_EQ(got.field("etag"), "W/\"v1\"");
    EXPECT_EQ(got.field("vary"), "Cookie, Accept-Encoding");
    EXPECT_EQ(got.field("accept-ranges"), "");
    got = co_await client.ask(get("/"));
    EXPECT_EQ(got.field("accept-ranges"), "bytes");
    EXPECT_EQ(got.field("etag"), "\"v1\"");
  };
  co_await with_client(app, body);
}

EDDY_TEST(compression, sends_a_streamed_body_piece_by_piece) {
  http::server app;
  app.use(compression());
  app.get("/", [](http::request&) {
    return http::response::stream("text/event-stream", [](http::body_writer& out) -> task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await out.write("data: " + std::to_string(i) + "\n\n");
        co_await sleep(1h);
      }
    });
  });
  auto body = [](raw_client& client) -> task<void> {
    co_await client.send(get_with("/", "Accept-Encoding: gzip"));
    // What has arrived after a second can be decoded, although the rest takes hours.
    std::string got(4096, '\0');
    co_await sleep(1s);
    const std::size_t size =
        co_await client.stream().read_some(std::as_writable_bytes(std::span(got)));
    got.resize(size);
    const std::size_t head = got.find("\r\n\r\n") + 4;
    const std::size_t chunk = got.find("\r\n", head) + 2;
    http::content_decoder decoder(content_coding::gzip);
    std::string plain(100, '\0');
    const auto step = decoder.decode(std::as_bytes(std::span(got)).subspan(chunk),
                                     std::as_writable_bytes(std::span(plain)));
    EDDY_REQUIRE(step.has_value());
    EXPECT_EQ(plain.substr(0, step->produced), "data: 0\n\n");
    client.stream().abort();
  };
  co_await with_client(app, body);
}

EDDY_TEST(compression, of_a_streamed_body_is_whole) {
  http::server app;
  app.use(compression());
  app.get("/", [](http::request&) {
    return http::response::stream(
        "text/plain",
        [](http::body_writer& out) -> task<void> {
          for (int i = 0; i < 100; ++i) co_await out.write(std::string(100, 'x'));
        },
        10'000);
  });
  auto body = [](raw_client& client) -> task<void> {
    for (const std::string coding : {"gzip", "br", "zstd"}) {
      const answer got = co_await client.ask(get_with("/", "Accept-Encoding: " + coding));
      EXPECT_TRUE(got.chunked);
      EXPECT_EQ(decoded(coding, got.body), std::string(10'000, 'x'));
    }
    const answer head = co_await client.ask(
        "HEAD / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n", http::method::head);
    EXPECT_EQ(head.field("content-encoding"), "gzip");
    const answer after = co_await client.ask(get("/none"));
    EXPECT_EQ(after.status, 404);
  };
  co_await with_client(app, body);
}

EDDY_TEST(compression, of_a_streamed_body_lets_others_run_though_no_write_waits) {
  constexpr std::size_t pieces = 100;
  int turns = 0;  // of a task that does nothing else, while the body is coded
  http::server app;
  app.use(compression());
  app.get("/", [&turns](http::request&) {
    return http::response::stream("text/plain", [&turns](http::body_writer& out) -> task<void> {
      const std::string piece(8 << 10, 'z');
      turns = 0;
      for (std::size_t i = 0; i < pieces; ++i) co_await out.write(piece);
      EXPECT_GE(turns, 10);
    });
  });
  auto body = [&turns](raw_client& client) -> task<void> {
    auto ask = [&](task_group& group) -> task<void> {
      auto count = [&turns]() -> task<void> {
        for (;; ++turns) co_await yield();
      };
      group.spawn(count);
      const answer got = co_await client.ask(get_with("/", "Accept-Encoding: br"));
      EXPECT_EQ(decoded("br", got.body), std::string(pieces << 13, 'z'));
      group.cancel();
    };
    co_await with_group(ask);
  };
  co_await with_client(app, body);
}

EDDY_TEST(compression, of_a_large_text_runs_on_a_thread) {
  http::server app;
  app.use(compression());
  app.get("/", [](http::request&) { return std::string(1'000'000, 'y'); });
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get_with("/", "Accept-Encoding: gzip"));
    EXPECT_EQ(decoded("gzip", got.body), std::string(1'000'000, 'y'));
    EXPECT_LT(got.body.size(), 10'000U);
  };
  co_await with_client(app, body);
}

// --- requests ---

void add_echo(http::server& app, std::uint64_t most = 1 << 20) {
  app.use(decompression());
  http::route_options how;
  how.max_body = most;
  app.post(
      "/",
      [](http::request& r) -> task<std::string> {
        std::string all;
        std::string piece(777, '\0');
        for (;;) {
          const std::size_t got = co_await r.read_some(std::as_writable_bytes(std::span(piece)));
          if (got == 0) break;
          all.append(piece, 0, got);
        }
        co_return all;
      },
      how);
  app.post(
      "/whole",
      [](http::request& r) -> task<std::string> { co_return std::string(co_await r.body()); }, how);
}

EDDY_TEST(decompression, gives_handlers_the_plain_body) {
  http::server app;
  add_echo(app);
  auto body = [](raw_client& client) -> task<void> {
    for (const auto coding : {content_coding::gzip, content_coding::deflate, content_coding::br,
                              content_coding::zstd, content_coding::identity}) {
      const std::string coded = http::encode_whole(coding, large_text());
      const std::string line = "Content-Encoding: " + std::string(http::to_string(coding)) + "\r\n";
      for (const std::string target : {"/", "/whole"}) {
        const answer got = co_await client.ask(post(target, coded, line));
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, large_text()) << line;
      }
    }
    const answer empty = co_await client.ask(post("/", "", "Content-Encoding: gzip\r\n"));
    EXPECT_EQ(empty.body, "");
  };
  co_await with_client(app, body);
}

EDDY_TEST(decompression, refuses_bombs_damage_and_unknown_codings) {
  http::server app;
  add_echo(app, 100'000);
  auto body = [](net::address at) -> task<void> {
    struct refusal {
      std::string coding;
      std::string body;
      int status;
    };
    const std::string bomb = http::encode_whole(content_coding::gzip, std::string(50'000'000, 'b'));
    const std::string good = http::encode_whole(content_coding::gzip, "good");
    const std::vector<refusal> cases = {
        {"gzip", bomb, 413},
        {"gzip", http::encode_whole(content_coding::gzip, std::string(100'001, 'x')), 413},
        {"gzip", "nonsense", 400},
        {"gzip", good.substr(0, good.size() - 3), 400},
        {"gzip, br", good, 415},
        {"lzma", good, 415},
    };
    for (const refusal& one : cases) {
      for (const std::string target : {"/", "/whole"}) {
        raw_client client = co_await raw_client::connect(at);
        const answer got =
            co_await client.ask(post(target, one.body, "Content-Encoding: " + one.coding + "\r\n"));
        EXPECT_EQ(got.status, one.status) << one.coding << one.body.size();
        if (one.status == 415) {
          EXPECT_THAT(got.field("accept-encoding"), HasSubstr("gzip"));
        }
      }
    }
  };
  co_await with_server(app, body);
}

}  // namespace
}  // namespace eddy::web::test
