// The client over HTTP/2, against our own server and against one that is made by hand, on the virtual clock.
#include "http2_raw.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/http2_error.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

io::any_stream as_it_is(io::memory_stream near) { return io::any_stream(std::move(near)); }

/// Options of a client whose connections are what `wrap` makes of memory streams; `accept` gets their other ends.
client_options options_to(std::function<void(io::memory_stream)> accept,
                          std::function<io::any_stream(io::memory_stream)> wrap = as_it_is) {
  client_options options;
  options.http2_prior_knowledge = true;
  options.keep_alive = 30s;
  options.connector = [accept = std::move(accept),
                       wrap = std::move(wrap)](connect_target) -> task<io::any_stream> {
    auto [near, far] = io::memory_stream_pair();
    accept(std::move(far));
    co_return wrap(std::move(near));
  };
  return options;
}

/// Runs `body(client)` against `app`.
template <class Body>
task<void> with_h2_client(server& app, Body body) {
  auto both = [&](task_group& group) -> task<void> {
    const auto accept = [&](io::memory_stream far) {
      group.spawn(app.serve_connection(io::any_stream(std::move(far))));
    };
    {
      client web(options_to(accept));
      co_await body(web);
    }
    app.shutdown();
  };
  co_await with_group(both);
}

/// Runs `body(client)` while `script(peer, number)` plays the server of each connection.
template <class Script, class Body>
task<void> with_h2_script(Script script, Body body,
                          std::function<io::any_stream(io::memory_stream)> wrap = as_it_is) {
  auto both = [&](task_group& group) -> task<void> {
    int connections = 0;
    auto play = [&](std::shared_ptr<h2_peer> peer, int number) -> task<void> {
      co_await peer->accept();
      co_await script(*peer, number);
    };
    const auto accept = [&](io::memory_stream far) {
      group.spawn(play, std::make_shared<h2_peer>(std::move(far)), connections++);
    };
    {
      client web(options_to(accept, std::move(wrap)));
      co_await body(web);
    }
    group.cancel();
  };
  co_await with_group(both);
}

task<std::string> body_of(client& web, std::string url) {
  auto response = co_await web.get(std::move(url));
  co_return co_await response.body();
}

void add_routes(server& app) {
  app.get("/", [](request&) { return "root"; });
  app.get("/slow/{n}", [](request& r) -> task<std::string> {
    co_await sleep(1s);
    co_return "slow " + std::string(r.parameter("n"));
  });
  route_options large;
  large.max_body = 100'000'000;
  const auto echo = [](request& r) -> task<response> {
    const std::string_view whole = co_await r.body();
    co_return response::of("x/y", std::string(whole));
  };
  app.post("/echo", echo, large);
}

EDDY_TEST(http2_client, gets_a_page) {
  server app;
  add_routes(app);
  auto body = [](client& web) -> task<void> {
    auto response = co_await web.get("http://h/");
    EXPECT_EQ(response.status(), 200);
    EXPECT_TRUE(response.fields().contains("date"));
    const std::string text = co_await response.body();
    EXPECT_EQ(text, "root");
    EXPECT_TRUE(response.finished());
    auto missing = co_await web.get("http://h/missing");
    EXPECT_EQ(missing.status(), 404);
    EXPECT_TRUE(missing.reused_connection());
    EXPECT_EQ(web.statistics().connects, 1U);
  };
  co_await with_h2_client(app, body);
  EXPECT_EQ(app.statistics().connections_total, 1U);
}

EDDY_TEST(http2_client, sends_many_requests_at_once_on_one_connection) {
  server app;
  add_routes(app);
  auto body = [](client& web) -> task<void> {
    const time_point start = now();
    std::vector<task<std::string>> all;
    for (int i = 0; i < 80; ++i) {
      all.push_back(body_of(web, "http://h/slow/" + std::to_string(i)));
    }
    const std::vector<std::string> got = co_await gather(std::move(all));
    EXPECT_EQ(got.size(), 80U);
    EXPECT_EQ(got[79], "slow 79");
    EXPECT_EQ(now() - start, 1s);
    EXPECT_EQ(web.statistics().connects, 1U);
  };
  co_await with_h2_client(app, body);
}

/// The failure of a request.
task<std::optional<request_error>> failure_of(client& web, request_spec spec) {
  std::optional<request_error> failure;
  try {
    static_cast<void>(co_await web.request(std::move(spec)));
  } catch (const request_error& e) {
    failure = e;
  }
  co_return failure;
}

EDDY_TEST(http2_client, keeps_the_limits_of_the_first_byte_and_of_sending_for_each_request) {
  server app;
  add_routes(app);
  route_options large;
  large.max_body = 100'000'000;
  const auto stick = [](request&) -> task<std::string> {
    co_await sleep(1h);
    co_return "";
  };
  app.post("/stuck", stick, large);
  auto body = [](client& web) -> task<void> {
    auto both = [&](task_group& group) -> task<void> {
      auto beside = group.spawn(body_of(web, "http://h/slow/1"));
      time_point began = now();
      request_spec hasty("GET", "http://h/slow/2");
      hasty.timeouts.first_byte = 500ms;
      const auto late = co_await failure_of(web, std::move(hasty));
      EDDY_REQUIRE(late);
      EXPECT_EQ(*late, errc::timed_out);
      EXPECT_EQ(late->phase(), request_phase::waiting);
      EXPECT_EQ(now() - began, 500ms);
      const std::string text = co_await beside;
      EXPECT_EQ(text, "slow 1");

      began = now();
      request_spec stuck("POST", "http://h/stuck");
      stuck.set_body(std::string(8 << 20, 'x'), "text/plain");
      stuck.timeouts.idle_write = 2s;
      stuck.timeouts.first_byte = 500ms;  // begins when all is sent: never
      const auto unsent = co_await failure_of(web, std::move(stuck));
      EDDY_REQUIRE(unsent);
      EXPECT_EQ(*unsent, errc::timed_out);
      EXPECT_GE(now() - began, 2s);
      EXPECT_LE(now() - began, 4s);
      const std::string root = co_await body_of(web, "http://h/");
      EXPECT_EQ(root, "root");
      EXPECT_EQ(web.statistics().connects, 1U);
    };
    co_await with_group(both);
  };
  co_await with_h2_client(app, body);
}

EDDY_TEST(http2_client, waits_when_the_servers_limit_of_streams_is_reached) {
  server_options few;
  few.http2_streams = 10;
  server app(few);
  add_routes(app);
  auto body = [](client& web) -> task<void> {
    const std::string first = co_await body_of(web, "http://h/");
    const time_point start = now();
    std::vector<task<std::string>> all;
    for (int i = 0; i < 30; ++i) all.push_back(body_of(web, "http://h/slow/1"));
    const auto got = co_await gather(std::move(all));
    EXPECT_EQ(now() - start, 3s);
    EXPECT_EQ(web.statistics().connects, 1U);
  };
  co_await with_h2_client(app, body);
}

EDDY_TEST(http2_client, bodies_go_both_ways) {
  server app;
  add_routes(app);
  auto body = [](client& web) -> task<void> {
    std::string large(3'000'000, 'x');
    large[1'234'567] = 'y';
    auto response = co_await web.post("http://h/echo", large);
    const std::string back = co_await response.body();
    EXPECT_TRUE(back == large);
    auto empty = co_await web.post("http://h/echo", "");
    const std::string nothing = co_await empty.body();
    EXPECT_EQ(nothing, "");
  };
  co_await with_h2_client(app, body);
}

EDDY_TEST(http2_client, streams_an_upload) {
  server app;
  add_routes(app);
  auto body = [](client& web) -> task<void> {
    request_spec spec("POST", "http://h/echo");
    streamed_body upload;
    upload.write = [](body_writer& out) -> task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await out.write("piece ");
        co_await sleep(1s);
      }
    };
    spec.set_stream(std::move(upload), "text/plain");
    auto response = co_await web.request(std::move(spec));
    const std::string back = co_await response.body();
    EXPECT_EQ(back, "piece piece piece ");
  };
  co_await with_h2_client(app, body);
}

EDDY_TEST(http2_client, a_slow_reader_slows_the_server_down) {
  server app;
  std::size_t written = 0;
  app.get("/", [&](request&) {
    return response::stream("x/y", [&](body_writer& out) -> task<void> {
      const std::string piece(16'384, 'x');
      for (int i = 0; i < 1000; ++i, written += piece.size()) co_await out.write(piece);
      fields trailers;
      trailers.add("X-Sum", "7");
      out.trailers(trailers);
    });
  });
  auto body = [&](client& web) -> task<void> {
    auto response = co_await web.get("http://h/");
    co_await sleep(1s);
    EXPECT_LE(written, 1024U * 1024);
    std::size_t got = 0;
    std::string piece(100'000, '\0');
    for (;;) {
      const auto count = co_await response.read_some(std::as_writable_bytes(std::span(piece)));
      if (count == 0) break;
      got += count;
    }
    EXPECT_EQ(got, 1000U * 16'384);
    EXPECT_EQ(response.trailers().find("x-sum"), "7");
  };
  co_await with_h2_client(app, body);
}

EDDY_TEST(http2_client, giving_a_request_up_resets_its_stream_and_nothing_else) {
  server app;
  add_routes(app);
  int left = 0;
  app.get("/long", [&](request&) -> task<std::string> {
    struct note {
      int& left;
      ~note() { ++left; }
    };
    const note at_exit{left};
    co_await sleep(10s);
    co_return "late";
  });
  auto body = [&](client& web) -> task<void> {
    const auto other = spawn(body_of(web, "http://h/slow/1"));
    const auto given_up = co_await move_on_after(500ms, web.get("http://h/long"));
    EXPECT_FALSE(given_up.has_value());
    co_await testing::settle();
    EXPECT_EQ(left, 1);
    const std::string still = co_await other;
    EXPECT_EQ(still, "slow 1");
    EXPECT_EQ(web.statistics().connects, 1U);
  };
  co_await with_h2_client(app, body);
}

EDDY_TEST(http2_client, a_response_that_is_not_read_is_given_up) {
  server app;
  add_routes(app);
  app.get("/large", [](request&) { return std::string(5'000'000, 'x'); });
  auto body = [&](client& web) -> task<void> {
    {
      auto response = co_await web.get("http://h/large");
      EXPECT_EQ(response.status(), 200);
    }
    for (int i = 0; i < 20; ++i) {
      auto response = co_await web.get("http://h/large");
      EXPECT_EQ(response.status(), 200);
    }
    const std::string text = co_await body_of(web, "http://h/");
    EXPECT_EQ(text, "root");
    EXPECT_EQ(web.statistics().connects, 1U);
  };
  co_await with_h2_client(app, body);
}

// --- servers that behave in their own way ---

std::string h2_answer(std::uint32_t stream, std::string_view body = "ok") {
  return h2_bytes(h2::headers, h2::end_headers, stream, hpack({{":status", "200"}})) +
         h2_data(stream, body);
}
std::string h2_goaway(std::uint32_t last_stream, std::uint32_t code) {
  return h2_bytes(h2::goaway, 0, 0, h2_number(last_stream, 4) + h2_number(code, 4));
}

/// The next HEADERS frame of a client; its stream, 0 when it has gone.
task<std::uint32_t> next_request(h2_peer& peer) {
  for (;;) {
    const auto one = co_await peer.read(std::chrono::hours(1));
    if (!one) co_return 0;
    if (one->type == h2::headers) co_return one->stream;
  }
}

EDDY_TEST(http2_client, a_refused_stream_is_sent_again_whatever_its_method) {
  auto script = [](h2_peer& peer, int) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    co_await peer.send(h2_reset(first, h2::refused_stream));
    const std::uint32_t second = co_await next_request(peer);
    co_await peer.send(h2_answer(second));
    co_await next_request(peer);
  };
  auto body = [](client& web) -> task<void> {
    auto response = co_await web.post("http://h/", "x");
    const std::string text = co_await response.body();
    EXPECT_EQ(text, "ok");
  };
  co_await with_h2_script(script, body);
}

EDDY_TEST(http2_client, what_goaway_leaves_out_is_sent_again_on_a_new_connection) {
  auto script = [](h2_peer& peer, int number) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    if (number == 0) {
      const std::uint32_t second = co_await next_request(peer);
      co_await peer.send(h2_goaway(first, h2::no_error));
      co_await sleep(1s);
      EXPECT_EQ(second, 3U);
    }
    co_await peer.send(h2_answer(first, number == 0 ? "old" : "new"));
    co_await next_request(peer);
  };
  auto body = [](client& web) -> task<void> {
    auto post = [&]() -> task<std::string> {
      auto response = co_await web.post("http://h/", "x");
      co_return co_await response.body();
    };
    const auto [one, other] = co_await gather(post(), post());
    EXPECT_THAT(std::vector({one, other}), ::testing::UnorderedElementsAre("old", "new"));
    EXPECT_EQ(web.statistics().connects, 2U);
  };
  co_await with_h2_script(script, body);
}

EDDY_TEST(http2_client, a_connection_that_breaks_repeats_only_what_is_safe) {
  auto script = [](h2_peer& peer, int number) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    if (number % 2 == 0) co_return;  // the end
    co_await peer.send(h2_answer(first));
    co_await sleep(1s);
    peer.stream().abort();
  };
  auto body = [](client& web) -> task<void> {
    const std::string text = co_await body_of(web, "http://h/");
    EXPECT_EQ(text, "ok");
    co_await sleep(2s);
    const auto failed = co_await as_result(web.post("http://h/", "x"));
    EXPECT_TRUE(failed.has_error());
    EXPECT_EQ(web.statistics().connects, 3U);
  };
  co_await with_h2_script(script, body);
}

/// Writes fail from some moment on, while what the peer has sent can be read.
class one_way_stream final : public io::stream_interface {
 public:
  one_way_stream(io::memory_stream under, const bool& broken)
      : under_(std::move(under)), broken_(broken) {}

  task<std::size_t> read_some(std::span<std::byte> into) override {
    co_return co_await under_.read_some(into);
  }
  task<std::size_t> write_some(std::span<const std::byte> bytes) override {
    refuse();
    co_return co_await under_.write_some(bytes);
  }
  task<std::size_t> write_some(io::const_buffers pieces) override {
    refuse();
    co_return co_await under_.write_some(pieces);
  }
  task<void> shutdown_write() override { co_await under_.shutdown_write(); }
  task<void> close() override { co_await under_.close(); }
  void abort() noexcept override { under_.abort(); }

 private:
  void refuse() const {
    if (broken_) throw error(std::make_error_code(std::errc::connection_reset), "write");
  }

  io::memory_stream under_;
  const bool& broken_;
};

EDDY_TEST(http2_client, what_came_before_a_write_failed_is_read) {
  bool broken = false;  // the first connection
  auto script = [](h2_peer& peer, int number) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    const std::string answer = h2_answer(first, number == 0 ? "late body" : "new");
    const std::size_t held_back = number == 0 ? 9 : 0;
    co_await peer.send(answer.substr(0, answer.size() - held_back));
    for (std::size_t left = held_back; left > 0; left -= 3) {
      co_await sleep(900ms);
      co_await peer.send(answer.substr(answer.size() - left, 3));
    }
    co_await next_request(peer);
  };
  auto body = [&](client& web) -> task<void> {
    auto old = co_await web.get("http://h/");
    broken = true;
    const time_point start = now();
    const std::string other = co_await body_of(web, "http://h/");
    EXPECT_EQ(other, "new");
    EXPECT_EQ(now() - start, 3700ms);  // a second without a byte behind the last one
    const std::string text = co_await old.body();
    EXPECT_EQ(text, "late body");
    EXPECT_EQ(web.statistics().connects, 2U);
  };
  const auto wrap = [&, first = true](io::memory_stream near) mutable {
    if (!std::exchange(first, false)) return as_it_is(std::move(near));
    return io::any_stream(std::make_unique<one_way_stream>(std::move(near), broken));
  };
  co_await with_h2_script(script, body, wrap);
}

EDDY_TEST(http2_client, a_server_that_has_died_is_found_out_by_ping) {
  int pings = 0;
  auto script = [&](h2_peer& peer, int number) -> task<void> {
    co_await peer.send(h2_settings());
    for (;;) {
      const auto one = co_await peer.read(std::chrono::hours(1));
      if (!one) co_return;
      if (one->type == h2::ping && number == 0) ++pings;
    }
  };
  auto body = [&](client& web) -> task<void> {
    const time_point start = now();
    request_spec spec("POST", "http://h/");
    spec.timeouts.total = 5min;
    const auto failed = co_await as_result(web.request(std::move(spec)));
    EXPECT_TRUE(failed.has_error());
    EXPECT_EQ(now() - start, 25s);
    EXPECT_EQ(pings, 1);
  };
  co_await with_h2_script(script, body);
}

EDDY_TEST(http2_client, errors_say_what_the_server_has_said) {
  auto script = [&](h2_peer& peer, int) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    co_await peer.send(h2_reset(first, h2::enhance_your_calm));
    const std::uint32_t second = co_await next_request(peer);
    const h2_fields bad{{":status", "200"}, {"X-Bad", "upper"}};
    co_await peer.send(h2_bytes(h2::headers, 5, second, hpack(bad)));
    const std::uint32_t third = co_await next_request(peer);
    const h2_fields fine{{":status", "200"}};
    co_await peer.send(h2_bytes(h2::headers, 4, third, hpack(fine)) +
                       h2_data(third, "begun", false) + h2_reset(third, h2::internal_error));
    co_await next_request(peer);
  };
  auto body = [&](client& web) -> task<void> {
    const auto calm = co_await as_result(web.get("http://h/"));
    EXPECT_TRUE(calm.has_error());
    try {
      std::rethrow_exception(calm.error());
    } catch (const request_error& e) {
      EXPECT_EQ(e.code(), http2_errc::enhance_your_calm);
      EXPECT_TRUE(e == condition::overloaded);
    }
    const auto malformed = co_await as_result(web.get("http://h/"));
    EXPECT_TRUE(malformed.has_error());
    auto broken = co_await web.get("http://h/");
    EXPECT_EQ(broken.status(), 200);
    const auto rest = co_await as_result(broken.body());
    EXPECT_TRUE(rest.has_error());
    EXPECT_EQ(web.statistics().connects, 1U);
  };
  co_await with_h2_script(script, body);
}

EDDY_TEST(http2_client, interim_responses_are_left_out) {
  auto script = [&](h2_peer& peer, int) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    const h2_fields hints{{":status", "103"}, {"link", "x"}};
    co_await peer.send(h2_bytes(h2::headers, 4, first, hpack(hints)) + h2_answer(first));
    co_await next_request(peer);
  };
  auto body = [&](client& web) -> task<void> {
    auto response = co_await web.get("http://h/");
    EXPECT_EQ(response.status(), 200);
    EXPECT_FALSE(response.fields().contains("link"));
  };
  co_await with_h2_script(script, body);
}

// --- answers that come early ---

EDDY_TEST(http2_client, an_answer_that_says_no_ends_the_upload) {
  for (const bool resets : {false, true}) {
    auto script = [&](h2_peer& peer, int) -> task<void> {
      co_await peer.send(h2_settings());
      const std::uint32_t first = co_await next_request(peer);
      const h2_fields no{{":status", "413"}};
      std::string answer = h2_bytes(h2::headers, h2::end_headers, first, hpack(no));
      answer += h2_data(first, "too much");
      if (resets) answer += h2_reset(first, h2::no_error);
      co_await peer.send(std::move(answer));
      const std::uint32_t second = co_await next_request(peer);
      co_await peer.send(h2_answer(second));
      co_await next_request(peer);
    };
    auto body = [&](client& web) -> task<void> {
      request_spec endless("POST", "http://h/");
      streamed_body upload;
      upload.write = [](body_writer& out) -> task<void> {
        for (;;) co_await out.write("more and more ");
      };
      endless.set_stream(std::move(upload), "text/plain");
      const time_point start = now();
      auto response = co_await web.request(std::move(endless));
      EXPECT_EQ(response.status(), 413);
      const std::string said = co_await response.body();
      EXPECT_EQ(said, "too much");
      EXPECT_LT(now() - start, 1s);
      const std::string next = co_await body_of(web, "http://h/");
      EXPECT_EQ(next, "ok");
      EXPECT_EQ(web.statistics().connects, 1U) << "the connection goes on";
    };
    co_await with_h2_script(script, body);
  }
}

EDDY_TEST(http2_client, a_whole_answer_with_a_reset_behind_it_is_whole) {
  // RFC 9113, section 8.1: a server that needs no more of the request resets the stream with NO_ERROR.
  auto script = [&](h2_peer& peer, int) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    co_await peer.send(h2_answer(first, "enough") + h2_reset(first, h2::no_error));
    co_await next_request(peer);
  };
  auto body = [&](client& web) -> task<void> {
    request_spec endless("POST", "http://h/");
    streamed_body upload;
    upload.write = [](body_writer& out) -> task<void> {
      for (;;) {
        co_await out.write("piece");
        co_await sleep(1s);
      }
    };
    endless.set_stream(std::move(upload), "text/plain");
    auto response = co_await web.request(std::move(endless));
    const std::string said = co_await response.body();
    EXPECT_EQ(said, "enough");
  };
  co_await with_h2_script(script, body);
}

// --- goodbyes ---

EDDY_TEST(http2_client, a_notice_of_goaway_lets_requests_end_and_sends_new_ones_elsewhere) {
  auto script = [](h2_peer& peer, int number) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    if (number == 0) {
      co_await peer.send(h2_goaway(0x7fffffff, h2::no_error));
      co_await sleep(1s);
      co_await peer.send(h2_goaway(first, h2::no_error));
      co_await sleep(1s);
    }
    co_await peer.send(h2_answer(first, number == 0 ? "old" : "new"));
    co_await next_request(peer);
  };
  auto body = [](client& web) -> task<void> {
    auto post = [&](duration wait) -> task<std::string> {
      co_await sleep(wait);
      auto response = co_await web.post("http://h/", "x");
      co_return co_await response.body();
    };
    const time_point start = now();
    const auto [one, other] = co_await gather(post(0s), post(500ms));
    EXPECT_EQ(one, "old");
    EXPECT_EQ(other, "new");
    EXPECT_EQ(now() - start, 2s);
    EXPECT_EQ(web.statistics().connects, 2U);
    EXPECT_EQ(web.statistics().connections, 1U);
  };
  co_await with_h2_script(script, body);
}

EDDY_TEST(http2_client, requests_that_wait_for_room_go_elsewhere_after_goaway) {
  auto script = [](h2_peer& peer, int number) -> task<void> {
    co_await peer.send(h2_settings(h2_setting(3, 1)));  // one stream at a time
    if (number == 0) {
      const std::uint32_t first = co_await next_request(peer);
      co_await sleep(1s);
      co_await peer.send(h2_goaway(first, h2::no_error) + h2_answer(first, "old"));
      co_return;
    }
    for (;;) {
      const std::uint32_t next = co_await next_request(peer);
      if (next == 0) co_return;
      co_await peer.send(h2_answer(next, "new"));
    }
  };
  auto body = [](client& web) -> task<void> {
    auto post = [&](duration wait) -> task<std::string> {
      co_await sleep(wait);
      auto response = co_await web.post("http://h/", "x");
      co_return co_await response.body();
    };
    const auto [one, two, three] = co_await gather(post(0s), post(1ms), post(2ms));
    EXPECT_EQ(one, "old");
    EXPECT_EQ(two, "new");
    EXPECT_EQ(three, "new");
    EXPECT_EQ(web.statistics().connects, 2U);
  };
  co_await with_h2_script(script, body);
}

EDDY_TEST(http2_client, goaway_with_an_error_is_named_by_requests_it_has_taken) {
  auto script = [](h2_peer& peer, int) -> task<void> {
    co_await peer.send(h2_settings());
    const std::uint32_t first = co_await next_request(peer);
    co_await peer.send(h2_goaway(first, h2::enhance_your_calm));
  };
  auto body = [](client& web) -> task<void> {
    const auto ended = co_await as_result(web.post("http://h/", "x"));
    EDDY_REQUIRE(ended.has_error());
    try {
      std::rethrow_exception(ended.error());
    } catch (const request_error& e) {
      EXPECT_EQ(e.code(), http2_errc::enhance_your_calm);
    }
  };
  co_await with_h2_script(script, body);
}

// --- servers that mean no good ---

EDDY_TEST(http2_client, a_server_that_refuses_everything_is_asked_three_times) {
  int asked = 0;
  auto script = [&](h2_peer& peer, int) -> task<void> {
    co_await peer.send(h2_settings());
    for (;;) {
      const std::uint32_t one = co_await next_request(peer);
      if (one == 0) co_return;
      ++asked;
      co_await peer.send(h2_reset(one, h2::refused_stream));
    }
  };
  auto body = [&](client& web) -> task<void> {
    const auto ended = co_await as_result(web.get("http://h/"));
    EDDY_REQUIRE(ended.has_error());
    try {
      std::rethrow_exception(ended.error());
    } catch (const request_error& e) {
      EXPECT_EQ(e.code(), request_errc::not_processed);
    }
    EXPECT_EQ(asked, 3);
  };
  co_await with_h2_script(script, body);
}

EDDY_TEST(http2_client, a_server_that_floods_is_left_with_an_error) {
  const h2_fields interim{{":status", "103"}};
  const h2_fields fine{{":status", "200"}};
  struct row {
    const char* name;
    std::string before;
    std::string again;
  };
  const std::vector<row> rows{
      {"PING", "", h2_ping()},
      {"SETTINGS", "", h2_settings(h2_setting(4, 70'000))},
      {"resets of streams that never were", "", h2_reset(7)},
      {"pushes", "", h2_bytes(h2::push_promise, h2::end_headers, 1, h2_number(2, 4))},
      {"interim answers", "", h2_bytes(h2::headers, h2::end_headers, 1, hpack(interim))},
      {"CONTINUATION", h2_bytes(h2::headers, 0, 1, hpack(fine)),
       h2_bytes(h2::continuation, 0, 1, hpack({{"a", "b"}}))},
      {"fields", h2_bytes(h2::headers, 0, 1, hpack(fine)),
       h2_bytes(h2::continuation, 0, 1, hpack({{"a", std::string(16'000, 'x')}}))},
  };
  for (const row& each : rows) {
    auto script = [&](h2_peer& peer, int) -> task<void> {
      co_await peer.send(h2_settings());
      co_await next_request(peer);
      co_await peer.send(each.before);
      std::string many;
      while (many.size() < 64 * 1024) many += each.again;
      for (int i = 0; i < 200; ++i) co_await peer.send(many);  // and reads nothing
    };
    auto body = [&](client& web) -> task<void> {
      request_spec spec("POST", "http://h/");
      spec.timeouts.total = 10s;
      const auto ended = co_await as_result(web.request(std::move(spec)));
      EXPECT_TRUE(ended.has_error()) << each.name;
      co_await testing::settle();
      EXPECT_EQ(web.statistics().connections, 0U) << each.name;
    };
    co_await with_h2_script(script, body);
  }
}

// --- the pool ---

EDDY_TEST(http2_client, an_idle_connection_makes_room_for_another_host_and_a_busy_one_does_not) {
  server app;
  add_routes(app);
  app.get("/long", [](request&) -> task<std::string> {
    co_await sleep(5s);
    co_return "late";
  });
  auto both = [&](task_group& group) -> task<void> {
    const auto accept = [&](io::memory_stream far) {
      group.spawn(app.serve_connection(io::any_stream(std::move(far))));
    };
    client_options options = options_to(accept);
    options.max_connections = 1;
    options.timeouts.pool = 2s;
    {
      client web(options);
      const std::string first = co_await body_of(web, "http://one/");
      const std::string second = co_await body_of(web, "http://two/");
      EXPECT_EQ(first + second, "rootroot");
      EXPECT_EQ(web.statistics().connects, 2U);
      EXPECT_EQ(web.statistics().connections, 1U);
      // A second passes before the busy connection is idle: the other host's request waits for it.
      const time_point start = now();
      const auto begun = spawn(body_of(web, "http://two/slow/1"));
      co_await sleep(1ms);
      const std::string waited = co_await body_of(web, "http://one/");
      const std::string slow = co_await begun;
      EXPECT_EQ(slow + waited, "slow 1root");
      EXPECT_EQ(now() - start, 1s);
      EXPECT_EQ(web.statistics().connects, 3U);
      auto wait_in_vain = [&]() -> task<void> {
        const auto ended = co_await as_result(body_of(web, "http://two/"));
        EDDY_REQUIRE(ended.has_error());
        try {
          std::rethrow_exception(ended.error());
        } catch (const request_error& e) {
          EXPECT_EQ(e.phase(), request_phase::queued);
          EXPECT_TRUE(e == condition::timed_out);
        }
      };
      const time_point busy_from = now();
      const auto busy = spawn(body_of(web, "http://one/long"));
      co_await sleep(1ms);
      co_await wait_in_vain();
      EXPECT_EQ(now() - busy_from, 2s + 1ms);
      const std::string late = co_await busy;
      EXPECT_EQ(late, "late");
      co_await sleep(options.keep_alive + 1s);
      EXPECT_EQ(web.statistics().connections, 0U) << "it was idle too long";
    }
    app.shutdown();
  };
  co_await with_group(both);
}

}  // namespace
}  // namespace eddy::http::test
