// The server over HTTP/2, spoken by hand, on the virtual clock.
#include "http2_raw.hpp"
#include "waiting_handler.hpp"

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/http_error.hpp>
#include <eddy/http/middleware.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

// --- the handler does not see the version ---

EDDY_TEST(http2_server, a_handler_sees_the_same_request) {
  server app;
  app.get("/users/{id}", [](request& r) {
    std::string seen(r.method_token());
    for (const std::string_view part :
         {r.target(), r.path(), r.parameter("id"), r.authority(), r.scheme()}) {
      seen.append("|").append(part);
    }
    seen.append("|").append(r.query_value("a").value_or("none"));
    seen.append("|").append(r.field("Cookie").value_or("none"));
    return seen.append("|").append(r.field("X-Test").value_or("none"));
  });
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    const h2_fields fields = h2_request("GET", "/users/7%38?a=%20b",
                                        {{"cookie", "a=1"}, {"x-test", "y"}, {"cookie", "b=2"}});
    co_await peer.send(h2_bytes(h2::headers, 5, 1, hpack(fields)));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.body_of(1), "GET|/users/7%38?a=%20b|/users/78|78|h|http| b|a=1; b=2|y");
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, failures_and_middlewares_are_those_of_any_version) {
  testing::error_recorder errors;
  server app;
  app.use([](request& r, next rest) -> task<response> {
    auto made = co_await rest(r);
    if (r.path() == "/teapot") made.set_status(418);
    co_return made;
  });
  add_routes(app);
  app.get("/http_error", [](request&) -> std::string { throw http_error(409, "no"); });
  app.get("/broken", [](request&) -> task<std::string> {
    co_await yield();
    throw std::runtime_error("secret");
  });
  app.get("/framing", [](request&) {
    response made = response::text("x");
    made.set("Content-Length", "99");
    return made;
  });
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1, "/http_error") + h2_get(3, "/broken") + h2_get(5, "/teapot") +
                       h2_get(7, "/framing"));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 409);
    EXPECT_THAT(got.body_of(1), HasSubstr("\"no\""));
    EXPECT_EQ(got.status_of(3), 500);
    EXPECT_THAT(got.body_of(3), ::testing::Not(HasSubstr("secret")));
    EXPECT_EQ(got.status_of(5), 418);
    EXPECT_EQ(got.status_of(7), 500);
  };
  co_await with_h2_peer(app, body);
  EXPECT_EQ(errors.reports().size(), 2U);
}

EDDY_TEST(http2_server, limits_of_heads_are_those_of_any_version) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    h2_fields many = h2_request("GET", "/");
    for (int i = 0; i < 101; ++i) many.emplace_back("x", "y");
    const std::string value(9 * 1024, 'v');
    const std::string target = "/" + std::string(9 * 1024, 't');
    const h2_fields large = h2_request("GET", "/", {{"a", value}, {"b", value}});
    const std::string half = hpack(large);
    const std::string rest = hpack({{"c", value}, {"d", value}});
    std::string bytes = h2_bytes(h2::headers, 5, 1, hpack(many));
    bytes += h2_bytes(h2::headers, 5, 3, hpack(h2_request("GET", target)));
    bytes += h2_bytes(h2::headers, 1, 5, half.substr(0, 9000));
    bytes += h2_bytes(h2::continuation, 0, 5, half.substr(9000));
    bytes += h2_bytes(h2::continuation, 0, 5, rest.substr(0, 9000));
    bytes += h2_bytes(h2::continuation, 4, 5, rest.substr(9000));
    bytes += h2_get(7);
    co_await peer.send(bytes);
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 431);
    EXPECT_EQ(got.status_of(3), 414);
    EXPECT_EQ(got.status_of(5), 431);
    EXPECT_EQ(got.status_of(7), 200);
    EXPECT_FALSE(got.goaway);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, head_requests_get_no_body) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_bytes(h2::headers, 5, 1, hpack(h2_request("HEAD", "/"))));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 200);
    EXPECT_EQ(got.body_of(1), "");
    EXPECT_THAT(got.finished, ElementsAre(1));
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, streams_bodies_with_trailers) {
  server app;
  app.get("/", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await out.write("piece ");
        co_await sleep(1s);
      }
      fields trailers;
      trailers.add("X-Sum", "3");
      out.trailers(trailers);
    });
  });
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1));
    const h2_reaction first = co_await reaction_of(peer);
    EXPECT_EQ(first.body_of(1), "piece ");
    EXPECT_TRUE(first.finished.empty());
    const std::vector<h2_frame> rest = co_await peer.read_all(2s);
    EXPECT_EQ(h2_reaction(rest).body_of(1), "piece piece ");
    EXPECT_EQ(rest.back().type, h2::headers);
    EXPECT_TRUE(rest.back().ends_stream());
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, a_stream_that_breaks_off_is_reset) {
  testing::error_recorder errors;
  server app;
  app.get("/late", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      co_await out.write("begun");
      throw std::runtime_error("broken");
    });
  });
  app.get("/early", [](request&) {
    return response::stream("text/plain", [](body_writer&) -> task<void> {
      co_await yield();
      throw std::runtime_error("broken");
    });
  });
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1, "/late") + h2_get(3, "/early"));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.reset_of(1), h2::internal_error);
    EXPECT_EQ(got.status_of(3), 500);
    EXPECT_THAT(got.finished, ElementsAre(3));
  };
  co_await with_h2_peer(app, body);
  EXPECT_EQ(errors.reports().size(), 2U);
}

// --- flow control ---

EDDY_TEST(http2_server, responses_wait_for_the_window_of_their_stream) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open(h2_setting(4, 1));
    co_await peer.send(h2_get(1));
    const h2_reaction first = co_await reaction_of(peer);
    EXPECT_EQ(first.body_of(1), "r");
    co_await peer.send(h2_update(1, 2));
    const h2_reaction more = co_await reaction_of(peer);
    EXPECT_EQ(more.body_of(1), "oo");
    co_await peer.send(h2_settings(h2_setting(4, 0)));  // the window is below zero now
    co_await peer.send(h2_update(1, 1));
    const h2_reaction none = co_await reaction_of(peer);
    EXPECT_EQ(none.body_of(1), "");
    co_await peer.send(h2_settings(h2_setting(4, 100)));
    const h2_reaction rest = co_await reaction_of(peer);
    EXPECT_EQ(rest.body_of(1), "t");
    EXPECT_THAT(rest.finished, ElementsAre(1));
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, streams_share_the_window_of_the_connection) {
  server app;
  app.get("/large", [](request&) { return std::string(50'000, 'x'); });
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open(h2_setting(4, 1'000'000));
    co_await peer.send(h2_get(1, "/large") + h2_get(3, "/large"));
    const h2_reaction first = co_await reaction_of(peer);
    EXPECT_EQ(first.body_of(1).size() + first.body_of(3).size(), 65'535U);
    co_await peer.send(h2_update(0, 100'000));
    const h2_reaction rest = co_await reaction_of(peer);
    EXPECT_EQ(rest.body_of(1).size() + rest.body_of(3).size(), 100'000U - 65'535U);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, a_writer_waits_for_the_client_to_read) {
  server app;
  int written = 0;
  app.get("/", [&](request&) {
    return response::stream("text/plain", [&](body_writer& out) -> task<void> {
      const std::string piece(10'000, 'x');
      for (; written < 100; ++written) co_await out.write(piece);
    });
  });
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1));
    const h2_reaction first = co_await reaction_of(peer);
    EXPECT_EQ(first.body_of(1).size(), 65'535U);
    EXPECT_EQ(written, 6);
    co_await peer.send(h2_update(0, 1'000'000) + h2_update(1, 1'000'000));
    const h2_reaction rest = co_await reaction_of(peer);
    EXPECT_EQ(rest.body_of(1).size(), 1'000'000U - 65'535U);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, a_body_is_acknowledged_as_the_handler_reads_it) {
  server app;
  event go_on;
  std::size_t got_bytes = 0;
  const auto read = [&](request& r) -> task<std::string> {
    co_await go_on.wait();
    std::string piece(64 * 1024, '\0');
    for (;;) {
      const std::size_t count = co_await r.read_some(std::as_writable_bytes(std::span(piece)));
      if (count == 0) break;
      got_bytes += count;
    }
    co_return "done";
  };
  route_options options;
  options.max_body = 10'000'000;
  app.post("/", read, options);
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open();
    const h2_reaction opened = co_await reaction_of(peer);
    EXPECT_EQ(opened.updated, 1024U * 1024 - 65'535);  // of the connection, at the start
    co_await peer.send(h2_bytes(h2::settings, h2::ack, 0) + h2_post(1, "/"));
    for (int i = 0; i < 16; ++i) co_await peer.send(h2_data(1, std::string(16'384, 'x'), false));
    const h2_reaction before = co_await reaction_of(peer);
    EXPECT_EQ(before.updated, 0U);
    go_on.set();
    const h2_reaction after = co_await reaction_of(peer);
    EXPECT_GE(after.updated, 128U * 1024);
    EXPECT_EQ(got_bytes, 16U * 16'384);
    co_await peer.send(h2_data(1, "end"));
    const h2_reaction last = co_await reaction_of(peer);
    EXPECT_EQ(last.body_of(1), "done");
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, more_than_the_window_is_a_flow_control_error) {
  server app;
  add_routes(app);
  app.post("/wait", [](request&) -> task<std::string> {
    co_await sleep(1s);
    co_return "late";
  });
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_bytes(h2::settings, h2::ack, 0) + h2_post(1, "/wait"));
    for (int i = 0; i < 17; ++i) co_await peer.send(h2_data(1, std::string(16'384, 'x'), false));
    const h2_reaction got = co_await reaction_of(peer);
    const bool refused =
        got.goaway == h2::flow_control_error || got.reset_of(1) == h2::flow_control_error;
    EXPECT_TRUE(refused);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, bodies_beyond_the_limit_are_answered_413) {
  server app;
  route_options options;
  options.max_body = 10;
  const auto echo = [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::string(body);
  };
  app.post("/", echo, options);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_post(1, "/") + h2_data(1, "0123456789a", false));
    const std::string announced = h2_post(3, "/", {{"content-length", "11"}});
    co_await peer.send(announced);
    co_await peer.send(h2_post(5, "/") + h2_data(5, "0123456789"));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 413);
    EXPECT_EQ(got.reset_of(1), h2::no_error);  // the rest is not wanted
    EXPECT_EQ(got.status_of(3), 413);
    EXPECT_EQ(got.body_of(5), "0123456789");
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, says_100_continue_when_the_body_is_asked_for) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    const h2_fields fields{{"expect", "100-continue"}, {"content-length", "3"}};
    co_await peer.send(h2_post(1, "/echo", fields));
    const h2_reaction asked = co_await reaction_of(peer);
    EXPECT_EQ(asked.status_of(1), 100);
    co_await peer.send(h2_data(1, "abc"));
    const h2_reaction got = co_await reaction_of(peer);
    EXPECT_EQ(got.status_of(1), 200);
    EXPECT_EQ(got.body_of(1), "abc");
  };
  co_await with_h2_peer(app, body);
}

// --- cancellation ---

EDDY_TEST(http2_server, a_reset_cancels_its_handler_and_no_other) {
  server app;
  waiting_handler handler;
  app.get("/", [&](request&) { return handler.run(10s); });
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1) + h2_get(3));
    const h2_reaction nothing = co_await reaction_of(peer, 1s);
    EXPECT_EQ(handler.started, 2);
    co_await peer.send(h2_reset(1));
    const h2_reaction still = co_await reaction_of(peer, 1s);
    EXPECT_EQ(handler.left, 1);
    const h2_reaction got = co_await reaction_of(peer, 10s);
    EXPECT_THAT(got.finished, ElementsAre(3));
    EXPECT_EQ(handler.finished, 1);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, the_end_of_the_connection_cancels_all_handlers) {
  server app;
  waiting_handler handler;
  app.get("/", [&](request&) { return handler.run(10s); });
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1) + h2_get(3));
    const h2_reaction nothing = co_await reaction_of(peer, 1s);
    peer.stream().abort();
    co_await testing::settle();
    EXPECT_EQ(handler.left, 2);
    EXPECT_EQ(handler.finished, 0);
  };
  co_await with_h2_peer(app, body);
  EXPECT_EQ(app.statistics().requests_running, 0U);
}

EDDY_TEST(http2_server, a_handler_has_its_time) {
  server app;
  waiting_handler handler;
  route_options options;
  options.timeout = 2s;
  app.get("/", [&](request&) { return handler.run(10s); }, options);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1));
    const h2_reaction got = co_await reaction_of(peer, 3s);
    EXPECT_EQ(got.status_of(1), 503);
  };
  co_await with_h2_peer(app, body);
}

// --- deadlines ---

task<duration> time_until_the_end(h2_peer& peer) {
  const time_point start = now();
  for (;;) {
    const auto one = co_await peer.read(std::chrono::hours(1));
    if (!one) co_return now() - start;
  }
}

EDDY_TEST(http2_server, a_client_has_to_begin_in_ten_seconds) {
  server app;
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.send(std::string(h2::preface));
    const duration took = co_await time_until_the_end(peer);
    EXPECT_EQ(took, 10s);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, an_idle_connection_ends_after_75_seconds_with_goaway) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await sleep(70s);
    co_await peer.send(h2_get(1));
    const time_point start = now();
    const std::vector<h2_frame> frames = co_await peer.read_all(std::chrono::hours(1));
    EXPECT_EQ(h2_reaction(frames).goaway, h2::no_error);
    EXPECT_TRUE(peer.ended());
    EXPECT_EQ(now() - start, 75s);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, a_head_has_to_be_complete_in_ten_seconds) {
  server app;
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_bytes(h2::headers, 1, 1, ""));
    const duration took = co_await time_until_the_end(peer);
    EXPECT_EQ(took, 10s);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, a_body_has_to_make_progress) {
  server_options options;
  options.min_rate = 0;
  server app(options);
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_post(1) + h2_data(1, "a", false));
    co_await sleep(20s);
    co_await peer.send(h2_data(1, "b", false) + h2_get(3));
    const h2_reaction before = co_await reaction_of(peer, 29s);
    EXPECT_THAT(before.finished, ElementsAre(3));
    const h2_reaction got = co_await reaction_of(peer, 2s);
    EXPECT_EQ(got.status_of(1), 408);
    EXPECT_EQ(got.reset_of(1), h2::no_error);
    EXPECT_FALSE(got.goaway);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, an_answer_that_the_client_does_not_take_is_given_up) {
  server_options options;
  options.min_rate = 0;
  server app(options);
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open(h2_setting(4, 0));
    co_await peer.send(h2_get(1));
    const h2_reaction before = co_await reaction_of(peer, 29s);
    EXPECT_FALSE(before.reset_of(1));
    const h2_reaction got = co_await reaction_of(peer, 2s);
    EXPECT_EQ(got.reset_of(1), h2::cancel);
    EXPECT_FALSE(got.goaway);
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server, a_client_that_reads_nothing_is_cut_off) {
  server app;
  app.get("/", [](request&) { return std::string(1'000'000, 'x'); });
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open(h2_setting(4, 2'000'000));
    co_await peer.send(h2_update(0, 2'000'000) + h2_get(1));
    co_await sleep(31s);
    EXPECT_EQ(app.statistics().connections_open, 0U);
  };
  co_await with_h2_peer(app, body);
}

// --- the end of serving ---

EDDY_TEST(http2_server, shutting_down_lets_requests_finish_and_says_which) {
  server app;
  waiting_handler handler;
  app.get("/", [&](request&) { return handler.run(3s); });
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_get(1));
    const h2_reaction nothing = co_await reaction_of(peer, 1s);
    app.shutdown();
    co_await testing::settle();
    // On its way already when the client learns of the end.
    co_await peer.send(h2_get(3));
    const h2_reaction notice = co_await reaction_of(peer);
    EXPECT_EQ(notice.goaway, h2::no_error);
    EXPECT_EQ(notice.last_stream, 0x7fffffffU);
    co_await peer.send(h2_bytes(h2::ping, h2::ack, 0, std::string(8, '\0')) + h2_get(5));
    const h2_reaction last = co_await reaction_of(peer);
    EXPECT_EQ(last.goaway, h2::no_error);
    EXPECT_EQ(last.last_stream, 3U);
    const h2_reaction rest = co_await reaction_of(peer, 5s);
    EXPECT_THAT(rest.finished, ElementsAre(1, 3));
    EXPECT_TRUE(peer.ended());
  };
  co_await with_h2_peer(app, body);
  EXPECT_EQ(handler.finished, 2);
}

EDDY_TEST(http2_server, shutting_down_ends_an_idle_connection_without_an_answer_to_the_notice) {
  server app;
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open();
    const h2_reaction opened = co_await reaction_of(peer);
    app.shutdown();
    const duration took = co_await time_until_the_end(peer);
    EXPECT_EQ(took, 1s);
  };
  co_await with_h2_peer(app, body);
}

// --- floods: GOAWAY with ENHANCE_YOUR_CALM, and bounded memory ---

/// Sends `unit(i)` until the server ends the connection; how often it took.
template <class Unit>
task<int> flood(server& app, Unit unit, std::uint32_t& code, std::size_t per_write = 100) {
  int sent = 0;
  auto body = [&](h2_peer& peer) -> task<void> {
    co_await peer.open();
    auto read = [&](task_group& group) -> task<void> {
      auto send = [&]() -> task<void> {
        for (int i = 0; i < 5000 && !peer.ended(); ++sent) {
          std::string bytes;
          for (std::size_t n = 0; n < per_write; ++n) bytes += unit(i++);
          co_await peer.send(std::move(bytes));
          co_await yield();
        }
      };
      group.spawn(send);
      const h2_reaction got = co_await reaction_of(peer, 5s);
      code = got.goaway.value_or(0);
      group.cancel();
    };
    co_await with_group(read);
    EXPECT_TRUE(peer.ended());
  };
  co_await with_h2_peer(app, body);
  co_return sent;
}

EDDY_TEST(http2_server_floods, end_in_goaway) {
  const auto id = [](int i) { return static_cast<std::uint32_t>(2 * i + 1); };
  const std::string priority(5, '\0');
  const std::vector<std::pair<std::string_view, std::function<std::string(int)>>> floods{
      {"rapid reset", [&](int i) { return h2_get(id(i), "/slow") + h2_reset(id(i)); }},
      {"resets provoked by windows",
       [&](int i) { return h2_post(id(i)) + h2_update(id(i), 0x7fffffff); }},
      {"malformed requests",
       [&](int i) { return h2_bytes(h2::headers, 5, id(i), hpack({{":method", "GET"}})); }},
      {"PING", [](int) { return h2_ping(); }},
      {"SETTINGS", [](int) { return h2_settings(); }},
      {"PRIORITY", [&](int) { return h2_bytes(h2::priority, 0, 1, priority); }},
      {"empty DATA",
       [](int i) { return (i == 0 ? h2_post(1) : std::string()) + h2_data(1, "", false); }},
      {"padding without data",
       [](int i) {
         return (i == 0 ? h2_post(1) : std::string()) +
                h2_bytes(h2::data, h2::padded, 1, std::string("\x03\0\0\0", 4));
       }},
      {"WINDOW_UPDATE", [](int) { return h2_update(0, 1); }},
      {"CONTINUATION",
       [](int i) {
         return i == 0 ? h2_bytes(h2::headers, 1, 1, hpack(h2_request("GET", "/")))
                       : h2_bytes(h2::continuation, 0, 1, "");
       }},
  };
  for (const auto& [name, unit] : floods) {
    SCOPED_TRACE(name);
    server app;
    add_routes(app);
    std::uint32_t code = 0;
    co_await flood(app, unit, code);
    EXPECT_EQ(code, h2::enhance_your_calm);
    EXPECT_EQ(app.statistics().connections_open, 0U);
    EXPECT_EQ(app.statistics().requests_running, 0U);
  }
}

EDDY_TEST(http2_server_floods, a_header_bomb_ends_in_goaway) {
  // One entry of 4000 bytes in the dynamic table, then references to it of one byte each.
  const std::string value(4000, 'v');
  std::string head = hpack(h2_request("GET", "/"));
  head += std::string("\x40\x01") + "x" + hpack_length(value.size()) + value;
  head.append(10'000, '\xbe');
  server app;
  add_routes(app);
  auto body = [&head](h2_peer& peer) -> task<void> {
    co_await peer.open();
    co_await peer.send(h2_bytes(h2::headers, 5, 1, head));
    const h2_reaction got = co_await reaction_of(peer, 5s);
    EXPECT_EQ(got.goaway, h2::enhance_your_calm);
    EXPECT_TRUE(peer.ended());
  };
  co_await with_h2_peer(app, body);
}

EDDY_TEST(http2_server_floods, control_frames_in_moderation_are_fine) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.open();
    for (int second = 0; second < 100; ++second) {
      std::string bytes;
      for (int i = 0; i < 30; ++i) bytes += h2_ping();
      co_await peer.send(std::move(bytes));
      const h2_reaction got = co_await reaction_of(peer);
      EXPECT_EQ(got.pongs.size(), 30U);
      co_await sleep(1s);
      if (peer.ended()) break;
      co_await peer.send(h2_get(static_cast<std::uint32_t>(2 * second + 1)));
    }
    EXPECT_FALSE(peer.ended());
  };
  co_await with_h2_peer(app, body);
}

}  // namespace
}  // namespace eddy::http::test
