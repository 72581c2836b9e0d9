// What a client makes of the responses a server may send: the strict reading of RFC 9112, seen from the public API.
#include "http/scripted_server.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/wire/http1_error.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using http::testing::scripted_peer;
using http::testing::with_scripted_server;
using wire_errc = wire::http1::errc;

/// What one request came to.
struct exchange_outcome {
  exchange_outcome() = default;
  std::string body;
  int status = 0;
  std::optional<std::error_code> failure;
  std::size_t idle = 0;  // connections that could be used again
};

/// Makes one request to a server that answers it with `answer` and closes when `then_close`; otherwise it waits for the
/// client to close. The answer goes out in pieces of `piece` bytes.
task<exchange_outcome> exchange_with(std::string answer, bool then_close, std::string verb = "GET",
                                     std::size_t piece = SIZE_MAX) {
  exchange_outcome outcome;
  auto script = [&](scripted_peer& peer) -> task<void> {
    static_cast<void>(co_await peer.read_request());
    bool gone = false;
    try {
      for (std::size_t at = 0; at < answer.size(); at += std::min(piece, answer.size() - at)) {
        co_await peer.send(std::string_view(answer).substr(at, piece));
        if (piece != SIZE_MAX) co_await sleep(1ms);
      }
    } catch (const error&) {
      gone = true;  // the client has refused it already
    }
    if (!then_close && !gone) static_cast<void>(co_await peer.read_request());
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    request_spec spec(verb, base + "/");
    try {
      client_response response = co_await c.request(spec);
      outcome.status = response.status();
      outcome.body = co_await response.body();
    } catch (const request_error& e) {
      outcome.failure = e.code();
      EXPECT_EQ(e.url(), base + "/");
      EXPECT_EQ(e.peer(), base.substr(7));
    }
    outcome.idle = c.statistics().idle;
    EXPECT_EQ(c.statistics().connections, c.statistics().idle);
  };
  co_await with_scripted_server(script, body);
  co_return outcome;
}

struct refused_answer {
  const char* text;
  wire_errc why;
};

constexpr const char* ok = "HTTP/1.1 200 OK\r\n";

EDDY_TEST(http_client_protocol, refuses_what_two_readers_could_read_differently) {
  const std::vector<refused_answer> rows{
      // status line
      {"HTTP/1.1 20 OK\r\n\r\n", wire_errc::bad_status_line},
      {"HTTP/1.1 2000 OK\r\n\r\n", wire_errc::bad_status_line},
      {"HTTP/1.1  200 OK\r\n\r\n", wire_errc::bad_status_line},
      {"HTTP/2.0 200 OK\r\n\r\n", wire_errc::unsupported_version},
      {"http/1.1 200 OK\r\n\r\n", wire_errc::bad_status_line},
      {"<html>no head at all</html>", wire_errc::bad_status_line},
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", wire_errc::bad_status_line},
      {"HTTP/1.1 200 OK\n\n", wire_errc::bad_line_end},
      // framing
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       wire_errc::framing_conflict},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       wire_errc::framing_conflict},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
       wire_errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello", wire_errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", wire_errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", wire_errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello", wire_errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
       wire_errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
       wire_errc::bad_transfer_encoding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
       wire_errc::bad_transfer_encoding},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       wire_errc::bad_transfer_encoding},
      // fields
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", wire_errc::obsolete_fold},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", wire_errc::bad_field_name},
      {"HTTP/1.1 200 OK\r\n: b\r\n\r\n", wire_errc::bad_field_name},
      {"HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n", wire_errc::bad_field_value},
      // chunks
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
       wire_errc::bad_chunk_size},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
       wire_errc::bad_chunk_size},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
       wire_errc::bad_line_end},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
       wire_errc::bad_chunk_end},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
       wire_errc::forbidden_trailer},
  };
  for (const refused_answer& row : rows) {
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}}) {
      const exchange_outcome outcome = co_await exchange_with(row.text, false, "GET", piece);
      EDDY_REQUIRE(outcome.failure.has_value());
      EXPECT_EQ(*outcome.failure, make_error_code(row.why)) << row.text;
      EXPECT_EQ(outcome.idle, 0u) << row.text;
    }
  }
}

EDDY_TEST(http_client_protocol, refuses_messages_that_end_early) {
  const std::vector<std::string> rows{
      "",
      "HTTP/1.1 200",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
  };
  for (const std::string& row : rows) {
    const exchange_outcome outcome = co_await exchange_with(row, true);
    EDDY_REQUIRE(outcome.failure.has_value());
    EXPECT_EQ(*outcome.failure, make_error_code(wire_errc::incomplete_message)) << row;
    EXPECT_EQ(*outcome.failure, condition::disconnected) << row;
    EXPECT_EQ(outcome.idle, 0u) << row;
  }
}

EDDY_TEST(http_client_protocol, refuses_bytes_behind_the_end_of_a_response) {
  struct row {
    const char* verb;
    const char* answer;
  };
  const std::vector<row> rows{
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!"},
      {"GET",
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: "
       "4\r\n\r\nevil"},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n"},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
  };
  for (const row& each : rows) {
    const exchange_outcome outcome = co_await exchange_with(each.answer, false, each.verb);
    EDDY_REQUIRE(outcome.failure.has_value());
    EXPECT_EQ(*outcome.failure, make_error_code(wire_errc::unexpected_data)) << each.answer;
    EXPECT_EQ(outcome.idle, 0u) << each.answer;
  }
}

struct read_answer {
  const char* verb;
  const char* text;
  bool then_close;
  int status;
  const char* body;
  std::size_t idle;
};

EDDY_TEST(http_client_protocol, reads_every_kind_of_body_however_it_is_cut) {
  const std::vector<read_answer> rows{
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", 1},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, "", 1},
      {"GET",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX: "
       "y\r\n\r\n",
       false, 200, "hello!", 1},
      {"GET", "HTTP/1.1 200 OK\r\n\r\nuntil the end", true, 200, "until the end", 0},
      {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", 0},
      {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", false,
       200, "hello", 1},
      {"GET", "HTTP/1.1 200 OK\r\nConnection: Upgrade, ClosE\r\nContent-Length: 5\r\n\r\nhello",
       false, 200, "hello", 0},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", 1},
      {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304, "", 1},
      {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, 204, "", 0},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 200, "", 1},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 200, "", 1},
      {"GET",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
       false, 200, "hello", 1},
      {"GET", "HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\nno", false, 404, "no", 1},
  };
  for (const read_answer& row : rows) {
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{7}}) {
      const exchange_outcome outcome =
          co_await exchange_with(row.text, row.then_close, row.verb, piece);
      EXPECT_FALSE(outcome.failure) << row.text << *outcome.failure;
      EXPECT_EQ(outcome.status, row.status) << row.text;
      EXPECT_EQ(outcome.body, row.body) << row.text;
      EXPECT_EQ(outcome.idle, row.idle) << row.text;
    }
  }
}

EDDY_TEST(http_client_protocol, gives_up_on_endless_interim_responses) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const exchange_outcome outcome = co_await exchange_with(many, false);
  EDDY_REQUIRE(outcome.failure.has_value());
  EXPECT_EQ(*outcome.failure, make_error_code(errc::limit_exceeded));
}

EDDY_TEST(http_client_protocol, refuses_a_protocol_it_did_not_ask_for) {
  const exchange_outcome outcome = co_await exchange_with(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false);
  EDDY_REQUIRE(outcome.failure.has_value());
  EXPECT_EQ(*outcome.failure, condition::unsupported);
}

EDDY_TEST(http_client_protocol, bounds_the_head_of_a_response) {
  const std::string endless = std::string(ok) + "A: " + std::string(100'000, 'x');
  const exchange_outcome outcome = co_await exchange_with(endless, false);
  EDDY_REQUIRE(outcome.failure.has_value());
  EXPECT_EQ(*outcome.failure, make_error_code(wire_errc::head_too_large));
}

EDDY_TEST(http_client_protocol, keeps_trailers_apart_from_the_fields) {
  auto script = [](scripted_peer& peer) -> task<void> {
    const bool more = co_await peer.answer(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n");
    if (more) static_cast<void>(co_await peer.read_request());
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    client_response response = co_await c.get(base);
    EXPECT_TRUE(response.trailers().empty());
    co_await response.discard();
    EXPECT_TRUE(response.finished());
    EXPECT_EQ(response.trailers().find("x-sum"), "7");
    EXPECT_FALSE(response.fields().contains("x-sum"));
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client_protocol, takes_the_answer_to_a_request_that_it_could_not_send_to_its_end) {
  auto script = [](scripted_peer& peer) -> task<void> {
    co_await peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    co_await peer.stream().shutdown_write();
    // Reads a little of a megabyte, then goes away.
    std::array<std::byte, 100> some{};
    static_cast<void>(co_await peer.stream().read_some(some));
    co_await sleep(1ms);
  };
  auto body = [](const std::string& base) -> task<void> {
    client c({.timeouts = {.total = 5s}});
    std::optional<int> status;
    std::optional<request_error> failure;
    try {
      const client_response response = co_await c.post(base, std::string(1 << 20, 'x'));
      status = response.status();
    } catch (const request_error& e) {
      failure = e;
    }
    // A reset may overtake the answer; what must not happen is a hang or a connection that is used again.
    if (status) {
      EXPECT_EQ(*status, 413);
    }
    if (failure) {
      EXPECT_EQ(*failure, condition::disconnected);
    }
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  co_await with_scripted_server(script, body);
}

// --- what goes out ---

EDDY_TEST(http_client_protocol, sends_nothing_that_fields_or_urls_smuggle_in) {
  client c;
  const std::vector<std::string> urls{"http://127.0.0.1:1/a b",
                                      "http://127.0.0.1:1/a\r\nX: y",
                                      "http://127.0.0.1:1/\x80",
                                      "http:///nowhere",
                                      "127.0.0.1/x",
                                      "http://127.0.0.1:99999/",
                                      "http://user:secret@127.0.0.1:1/",
                                      "ftp://127.0.0.1:1/",
                                      "http://127.0.0.1:0/",
                                      "http://a%00b/",
                                      "http://[::1/",
                                      ""};
  for (const std::string& url : urls) {
    std::optional<request_error> failure;
    try {
      static_cast<void>(co_await c.get(url));
    } catch (const request_error& e) {
      failure = e;
    }
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, condition::invalid_input) << url;
    EXPECT_EQ(failure->phase(), request_phase::preparing) << url;
  }
  request_spec bad_method("G ET", "http://127.0.0.1:1/");
  request_spec framing("GET", "http://127.0.0.1:1/");
  framing.fields.set("Transfer-Encoding", "chunked");
  for (const request_spec& spec : {bad_method, framing}) {
    std::optional<request_error> failure;
    try {
      static_cast<void>(co_await c.request(spec));
    } catch (const request_error& e) {
      failure = e;
    }
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, condition::invalid_input);
  }
  EXPECT_EQ(c.statistics().connects, 0u);
}

// --- redirects ---

struct redirect_rule {
  const char* verb;
  int status;
  const char* becomes;
  bool keeps_body;
};

EDDY_TEST(http_client_redirects, change_the_method_as_the_status_asks) {
  const std::vector<redirect_rule> rules{
      {"GET", 301, "GET", false},   {"GET", 302, "GET", false},      {"GET", 303, "GET", false},
      {"GET", 307, "GET", false},   {"GET", 308, "GET", false},      {"POST", 301, "GET", false},
      {"POST", 302, "GET", false},  {"POST", 303, "GET", false},     {"POST", 307, "POST", true},
      {"POST", 308, "POST", true},  {"PUT", 301, "PUT", true},       {"PUT", 303, "GET", false},
      {"HEAD", 303, "HEAD", false}, {"DELETE", 302, "DELETE", false}};
  for (const redirect_rule& rule : rules) {
    std::vector<std::string> seen;
    auto script = [&](scripted_peer& peer) -> task<void> {
      auto request = co_await peer.read_request();
      if (!request) co_return;
      seen.push_back(*request);
      co_await peer.send("HTTP/1.1 " + std::to_string(rule.status) +
                         " x\r\nLocation: ../next?q=1\r\nContent-Length: 0\r\n\r\n");
      request = co_await peer.read_request();
      if (!request) co_return;
      seen.push_back(*request);
      co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      static_cast<void>(co_await peer.read_request());
    };
    auto body = [&](const std::string& base) -> task<void> {
      client c;
      request_spec spec(rule.verb, base + "/a/b/c");
      if (rule.keeps_body || spec.method == "POST") spec.set_body("data", content_type::text);
      const client_response response = co_await c.request(spec);
      EXPECT_EQ(response.status(), 200);
      EXPECT_EQ(response.url(), base + "/a/next?q=1");
      EXPECT_EQ(response.redirects(), 1u);
      EXPECT_EQ(c.statistics().connects, 1u);
    };
    co_await with_scripted_server(script, body);
    EDDY_REQUIRE(seen.size() == 2);
    const std::string line = std::string(rule.becomes) + " /a/next?q=1 HTTP/1.1\r\n";
    EXPECT_THAT(seen[1], ::testing::StartsWith(line)) << rule.verb << rule.status;
    EXPECT_EQ(seen[1].ends_with("data"), rule.keeps_body) << rule.verb << rule.status;
    EXPECT_EQ(seen[1].find("Content-Type") != std::string::npos, rule.keeps_body);
  }
}

EDDY_TEST(http_client_redirects, keep_credentials_within_their_origin) {
  std::vector<std::string> seen;
  auto second = [&](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    if (request) seen.push_back(*request);
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  auto outer = [&](const std::string& elsewhere) -> task<void> {
    auto first = [&](scripted_peer& peer) -> task<void> {
      auto request = co_await peer.read_request();
      if (!request) co_return;
      seen.push_back(*request);
      co_await peer.send("HTTP/1.1 302 x\r\nLocation: /here\r\nContent-Length: 0\r\n\r\n");
      request = co_await peer.read_request();
      if (!request) co_return;
      seen.push_back(*request);
      co_await peer.send("HTTP/1.1 302 x\r\nLocation: " + elsewhere +
                         "/there\r\nContent-Length: 0\r\n\r\n");
      static_cast<void>(co_await peer.read_request());
    };
    auto body = [&](const std::string& base) -> task<void> {
      client c;
      c.default_fields().set("Cookie", "secret");
      request_spec spec("GET", base);
      spec.fields.set("Authorization", "secret");
      const client_response response = co_await c.request(spec);
      EXPECT_EQ(response.url(), elsewhere + "/there");
    };
    co_await with_scripted_server(first, body);
  };
  co_await with_scripted_server(second, outer);
  EDDY_REQUIRE(seen.size() == 3);
  EXPECT_THAT(seen[1], ::testing::HasSubstr("Authorization: secret"));
  EXPECT_THAT(seen[1], ::testing::HasSubstr("Cookie: secret"));
  EXPECT_THAT(seen[2], ::testing::Not(::testing::HasSubstr("secret")));
}

/// Where a redirect to `location` leads: the request line that follows it.
task<std::string> line_after_redirect(std::string location) {
  std::string line;
  auto script = [&](scripted_peer& peer) -> task<void> {
    co_await peer.answer("HTTP/1.1 302 x\r\nLocation: " + location +
                         "\r\nContent-Length: 0\r\n\r\n");
    const auto request = co_await peer.read_request();
    if (!request) co_return;
    line = request->substr(0, request->find(" HTTP/"));
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    static_cast<void>(co_await peer.read_request());
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    const client_response response = co_await c.get(base + "/a/b");
    EXPECT_EQ(response.status(), 200);
  };
  co_await with_scripted_server(script, body);
  co_return line;
}

EDDY_TEST(http_client_redirects, lead_where_browsers_go_if_the_location_is_no_uri) {
  const std::string blanks = co_await line_after_redirect("c d?e f");
  EXPECT_EQ(blanks, "GET /a/c%20d?e%20f");
  const std::string letters = co_await line_after_redirect("/caf\xC3\xA9|%");
  EXPECT_EQ(letters, "GET /caf%C3%A9%7C%25");
  const std::string fragment = co_await line_after_redirect("/x#\xC3\xA9");
  EXPECT_EQ(fragment, "GET /x");
}

EDDY_TEST(http_client_redirects, do_not_wait_for_a_body_that_does_not_come) {
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    if (request->starts_with("GET /next ")) {
      co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    } else {
      co_await peer.send("HTTP/1.1 302 x\r\nLocation: /next\r\nContent-Length: 9\r\n\r\n<p>");
    }
    static_cast<void>(co_await peer.read_request());
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    const time_point began = now();
    client_response response = co_await c.get(base);
    const std::string text = co_await response.body();
    EXPECT_EQ(text, "hi");
    EXPECT_LE(now() - began, 2s);
    EXPECT_EQ(c.statistics().connects, 2u);
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(http_client_redirects, get_the_cookies_of_their_target_in_place_of_the_callers) {
  std::string seen;
  auto second = [&](scripted_peer& peer) -> task<void> {
    const auto request = co_await peer.read_request();
    if (request) seen = *request;
    co_await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  auto outer = [&](const std::string& elsewhere) -> task<void> {
    auto first = [&](scripted_peer& peer) -> task<void> {
      co_await peer.answer("HTTP/1.1 302 x\r\nLocation: " + elsewhere +
                           "/there\r\nContent-Length: 0\r\n\r\n");
    };
    auto body = [&](const std::string& base) -> task<void> {
      client_options options;
      options.cookies = std::make_shared<cookie_jar>();
      const cookie_target host{"127.0.0.1", "/", false};
      options.cookies->store("kept=1", host, std::chrono::system_clock::time_point());
      client c(options);
      request_spec spec("GET", base);
      spec.fields.set("Cookie", "own=2");
      static_cast<void>(co_await c.request(spec));
    };
    co_await with_scripted_server(first, body);
  };
  co_await with_scripted_server(second, outer);
  EXPECT_THAT(seen, ::testing::HasSubstr("Cookie: kept=1\r\n"));
}

task<void> redirect_for_ever(scripted_peer& peer) {
  bool more = true;
  while (more) {
    more =
        co_await peer.answer("HTTP/1.1 302 x\r\nLocation: /again\r\nContent-Length: 3\r\n\r\nxyz");
  }
}

EDDY_TEST(http_client_redirects, end_at_the_limit) {
  auto body = [](const std::string& base) -> task<void> {
    client c;
    std::optional<request_error> failure;
    try {
      static_cast<void>(co_await c.get(base));
    } catch (const request_error& e) {
      failure = e;
    }
    EDDY_REQUIRE(failure);
    EXPECT_EQ(*failure, errc::limit_exceeded);
    EXPECT_THAT(failure->what(), ::testing::HasSubstr("more than 10 redirects"));
    EXPECT_EQ(c.statistics().requests, 11u);
    EXPECT_EQ(c.statistics().connects, 1u);

    request_spec none("GET", base);
    none.max_redirects = 0;
    const client_response response = co_await c.request(none);
    EXPECT_EQ(response.status(), 302);
    EXPECT_EQ(response.fields().find("location"), "/again");
  };
  co_await with_scripted_server(redirect_for_ever, body);
}

EDDY_TEST(http_client_redirects, to_where_the_client_cannot_go_are_errors) {
  struct row {
    const char* location;
    condition what;
  };
  const std::vector<row> rows{{"ftp://example.org/", condition::invalid_input},
                              {"http://a b/", condition::invalid_input}};
  for (const row& each : rows) {
    auto script = [&](scripted_peer& peer) -> task<void> {
      co_await peer.answer(std::string("HTTP/1.1 302 x\r\nLocation: ") + each.location +
                           "\r\nContent-Length: 0\r\n\r\n");
    };
    auto body = [&](const std::string& base) -> task<void> {
      client c;
      std::optional<request_error> failure;
      try {
        static_cast<void>(co_await c.get(base));
      } catch (const request_error& e) {
        failure = e;
      }
      EDDY_REQUIRE(failure);
      EXPECT_EQ(*failure, each.what) << each.location;
    };
    co_await with_scripted_server(script, body);
  }
}

}  // namespace
}  // namespace eddy::http
