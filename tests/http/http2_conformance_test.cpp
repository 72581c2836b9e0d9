// The rules of RFC 9113 and RFC 7541 that a server has to enforce, case by case in the order of the RFC's sections.
#include "http2_raw.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

/// What a peer's bytes have to lead to.
class expectation {
 public:
  enum class kind : std::uint8_t { connection_error, stream_error, status, alive };

  kind what = kind::alive;
  std::vector<std::uint32_t> codes;  // any of them
  std::uint32_t stream = 1;
  int status = 0;
};

expectation connection_error(std::vector<std::uint32_t> codes) {
  expectation made;
  made.what = expectation::kind::connection_error;
  made.codes = std::move(codes);
  return made;
}
/// RST_STREAM, and the connection goes on.
expectation stream_error(std::vector<std::uint32_t> codes, std::uint32_t stream = 1) {
  expectation made;
  made.what = expectation::kind::stream_error;
  made.codes = std::move(codes);
  made.stream = stream;
  return made;
}
expectation answered(int status, std::uint32_t stream = 1) {
  expectation made;
  made.what = expectation::kind::status;
  made.status = status;
  made.stream = stream;
  return made;
}
/// Nothing happens: the connection answers a PING.
expectation alive() { return {}; }

struct conformance_case {
  std::string name;
  std::string bytes;  // behind the preface and SETTINGS
  expectation expected;
};

/// What `app` does with one case.
void add_routes(server& app) {
  app.get("/", [](request&) { return "root"; });
  app.post("/echo", [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::string(body);
  });
}

void judge(const conformance_case& asked, const h2_reaction& got, bool ended) {
  SCOPED_TRACE(asked.name);
  const expectation& expected = asked.expected;
  if (expected.what == expectation::kind::connection_error) {
    EXPECT_TRUE(got.goaway.has_value()) << "no GOAWAY";
    EXPECT_THAT(expected.codes, ::testing::Contains(got.goaway.value_or(UINT32_MAX)));
    EXPECT_TRUE(ended) << "the connection goes on";
    return;
  }
  EXPECT_FALSE(got.goaway.has_value()) << "GOAWAY " << got.goaway.value_or(0);
  EXPECT_FALSE(ended);
  EXPECT_FALSE(got.pongs.empty()) << "the connection is dead";
  const auto reset = got.reset_of(expected.stream);
  if (expected.what == expectation::kind::stream_error) {
    EXPECT_TRUE(reset.has_value()) << "no RST_STREAM";
    EXPECT_THAT(expected.codes, ::testing::Contains(reset.value_or(UINT32_MAX)));
  }
  if (expected.what == expectation::kind::status) {
    EXPECT_EQ(got.status_of(expected.stream), expected.status);
    EXPECT_TRUE(!reset || *reset == h2::no_error);
  }
}

task<void> run_case(const conformance_case& asked) {
  server app;
  add_routes(app);
  auto body = [&asked](h2_peer& peer) -> task<void> {
    co_await peer.open();
    std::string bytes = asked.bytes;
    bytes.append(h2_ping("the mark"));
    co_await peer.send(std::move(bytes));
    const std::vector<h2_frame> frames = co_await peer.read_all();
    const h2_reaction got(frames);
    judge(asked, got, peer.ended());
  };
  co_await with_h2_peer(app, body);
}

task<void> run_all(std::vector<conformance_case> all) {
  for (const conformance_case& one : all) co_await run_case(one);
}

/// A HEADERS frame with `fields`, which ends stream and head.
std::string head_of(const h2_fields& fields, std::uint32_t stream = 1) {
  return h2_bytes(h2::headers, h2::end_stream | h2::end_headers, stream, hpack(fields));
}

const std::string block = hpack(h2_request("GET", "/"));

EDDY_TEST(http2_conformance, connection_preface) {
  for (const std::string_view start :
       {"GET / HTTP/2.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"}) {
    server app;
    add_routes(app);
    auto body = [start](h2_peer& peer) -> task<void> {
      co_await peer.send(std::string(start) + h2_settings() + h2_get(1));
      std::string text(4096, '\0');
      const auto count = co_await move_on_after(
          1s, peer.stream().read_some(std::as_writable_bytes(std::span(text))));
      EXPECT_TRUE(count.has_value());
      EXPECT_EQ(text.find("root"), std::string::npos);
    };
    co_await with_h2_peer(app, body);
    EXPECT_EQ(app.statistics().client_errors + app.statistics().server_errors,
              app.statistics().requests);
  }
}

EDDY_TEST(http2_conformance, the_first_frame_is_settings) {
  server app;
  add_routes(app);
  auto body = [](h2_peer& peer) -> task<void> {
    co_await peer.send(std::string(h2::preface) + h2_get(1));
    const h2_reaction got(co_await peer.read_all());
    EXPECT_EQ(got.goaway, h2::protocol_error);
    EXPECT_TRUE(peer.ended());
  };
  co_await with_h2_peer(app, body);
}

// Section 4: frames.
EDDY_TEST(http2_conformance, frame_format_and_size) {
  const std::string large(16385, 'x');
  std::vector<conformance_case> all;
  all.push_back({"4.1 a frame of an unknown type is ignored",
                 h2_bytes(0x16, 0xff, 0, "whatever") + h2_get(1), answered(200)});
  all.push_back({"4.1 undefined flags are ignored",
                 h2_bytes(h2::ping, 0x16, 0, "12345678") + h2_get(1), answered(200)});
  all.push_back({"4.1 the reserved bit is ignored",
                 h2_bytes(h2::ping, 0, 0x80000000U, "12345678") + h2_get(1), answered(200)});
  all.push_back(
      {"4.2 DATA of 2^14 bytes", h2_post(1) + h2_data(1, std::string(16384, 'x')), answered(200)});
  all.push_back({"4.2 DATA larger than SETTINGS_MAX_FRAME_SIZE", h2_post(1) + h2_data(1, large),
                 connection_error({h2::frame_size_error})});
  all.push_back({"4.2 HEADERS larger than SETTINGS_MAX_FRAME_SIZE",
                 h2_bytes(h2::headers, 5, 1, hpack(h2_request("GET", "/", {{"x", large}}))),
                 connection_error({h2::frame_size_error})});
  all.push_back({"4.3 an invalid header block", h2_bytes(h2::headers, 5, 1, "\x40"),
                 connection_error({h2::compression_error})});
  all.push_back(
      {"4.3 PRIORITY inside a header block",
       h2_bytes(h2::headers, 1, 1, block) + h2_bytes(h2::priority, 0, 1, std::string(5, '\0')),
       connection_error({h2::protocol_error})});
  all.push_back({"4.3 HEADERS of another stream inside a header block",
                 h2_bytes(h2::headers, 1, 1, block) + h2_get(3),
                 connection_error({h2::protocol_error})});
  co_await run_all(std::move(all));
}

// Section 5.1: stream states.
EDDY_TEST(http2_conformance, stream_states) {
  const std::string priority(5, '\0');
  std::vector<conformance_case> all;
  all.push_back({"5.1 idle: DATA", h2_data(1, "x"),
                 connection_error({h2::protocol_error, h2::stream_closed})});
  all.push_back({"5.1 idle: RST_STREAM", h2_reset(1), connection_error({h2::protocol_error})});
  all.push_back(
      {"5.1 idle: WINDOW_UPDATE", h2_update(1, 100), connection_error({h2::protocol_error})});
  all.push_back({"5.1 idle: CONTINUATION", h2_bytes(h2::continuation, 4, 1, block),
                 connection_error({h2::protocol_error})});
  all.push_back({"5.1 half-closed (remote): DATA",
                 h2_bytes(h2::headers, 5, 1, hpack(h2_request("POST", "/echo"))) + h2_data(1, "x"),
                 connection_error({h2::stream_closed})});
  all.push_back({"5.1 half-closed (remote): HEADERS",
                 h2_bytes(h2::headers, 5, 1, hpack(h2_request("POST", "/echo"))) + h2_get(1),
                 connection_error({h2::stream_closed})});
  all.push_back({"5.1 half-closed (remote): CONTINUATION",
                 h2_get(1) + h2_bytes(h2::continuation, 4, 1, block),
                 connection_error({h2::protocol_error, h2::stream_closed})});
  all.push_back({"5.1 closed by a reset: HEADERS", h2_post(1) + h2_reset(1) + h2_get(1),
                 connection_error({h2::stream_closed, h2::protocol_error})});
  all.push_back({"5.1 closed by a reset: CONTINUATION",
                 h2_post(1) + h2_reset(1) + h2_bytes(h2::continuation, 4, 1, block),
                 connection_error({h2::stream_closed, h2::protocol_error})});
  all.push_back({"5.1 closed: PRIORITY and WINDOW_UPDATE are ignored",
                 h2_post(1) + h2_reset(1) + h2_bytes(h2::priority, 0, 1, priority) +
                     h2_update(1, 1) + h2_get(3),
                 answered(200, 3)});
  all.push_back(
      {"5.1.1 an even stream identifier", h2_get(2), connection_error({h2::protocol_error})});
  all.push_back({"5.1.1 a smaller stream identifier", h2_get(5) + h2_get(3),
                 connection_error({h2::protocol_error, h2::stream_closed})});
  all.push_back({"5.1.1 stream identifiers may be left out", h2_get(101), answered(200, 101)});
  all.push_back({"5.5 an unknown extension frame inside a header block",
                 h2_bytes(h2::headers, 1, 1, block) + h2_bytes(0x16, 0, 1, "x"),
                 connection_error({h2::protocol_error})});
  co_await run_all(std::move(all));
}

EDDY_TEST(http2_conformance, more_streams_than_allowed_are_refused) {
  std::string bytes;
  for (std::uint32_t id = 1; id <= 201; id += 2) bytes += h2_post(id);
  conformance_case asked;
  asked.name = "5.1.2";
  asked.bytes = bytes;
  asked.expected = stream_error({h2::refused_stream, h2::protocol_error}, 201);
  co_await run_case(asked);
}

// Section 6, frame by frame.
EDDY_TEST(http2_conformance, data_headers_and_priority) {
  const std::string priority(5, '\0');
  std::vector<conformance_case> all;
  all.push_back({"6.1 DATA on stream 0", h2_data(0, "x"), connection_error({h2::protocol_error})});
  all.push_back({"6.1 DATA with padding",
                 h2_post(1) + h2_bytes(h2::data, h2::padded | h2::end_stream, 1,
                                       std::string("\x03", 1) + "abc" + std::string(3, '\0')),
                 answered(200)});
  all.push_back({"6.1 DATA with more padding than payload",
                 h2_post(1) + h2_bytes(h2::data, h2::padded | h2::end_stream, 1, "\x09xyz"),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.2 HEADERS on stream 0", h2_get(0), connection_error({h2::protocol_error})});
  all.push_back({"6.2 HEADERS with more padding than payload",
                 h2_bytes(h2::headers, 5 | h2::padded, 1, std::string(1, '\xff') + block),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.2 HEADERS with padding",
                 h2_bytes(h2::headers, 5 | h2::padded, 1,
                          std::string("\x02", 1) + block + std::string(2, '\0')),
                 answered(200)});
  all.push_back({"6.2 HEADERS with priority",
                 h2_bytes(h2::headers, 5 | h2::with_priority, 1, priority + block), answered(200)});
  all.push_back({"6.3 PRIORITY on stream 0", h2_bytes(h2::priority, 0, 0, priority),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.3 PRIORITY that is no 5 bytes",
                 h2_post(1) + h2_bytes(h2::priority, 0, 1, "1234"),
                 connection_error({h2::frame_size_error})});
  all.push_back(
      {"6.3 PRIORITY of an idle stream", h2_bytes(h2::priority, 0, 7, priority), alive()});
  co_await run_all(std::move(all));
}

EDDY_TEST(http2_conformance, rst_stream_and_settings) {
  std::vector<conformance_case> all;
  all.push_back(
      {"6.4 RST_STREAM on stream 0", h2_reset(0), connection_error({h2::protocol_error})});
  all.push_back({"6.4 RST_STREAM that is no 4 bytes",
                 h2_post(1) + h2_bytes(h2::rst_stream, 0, 1, "123"),
                 connection_error({h2::frame_size_error})});
  all.push_back({"6.5 SETTINGS ACK with a payload",
                 h2_bytes(h2::settings, h2::ack, 0, h2_setting(1, 100)),
                 connection_error({h2::frame_size_error})});
  all.push_back({"6.5 SETTINGS on a stream", h2_bytes(h2::settings, 0, 1, h2_setting(3, 100)),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.5 SETTINGS that is no multiple of 6 bytes", h2_bytes(h2::settings, 0, 0, "123"),
                 connection_error({h2::frame_size_error})});
  all.push_back({"6.5.2 ENABLE_PUSH other than 0 and 1", h2_settings(h2_setting(2, 2)),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.5.2 INITIAL_WINDOW_SIZE above 2^31-1", h2_settings(h2_setting(4, 0x80000000U)),
                 connection_error({h2::flow_control_error})});
  all.push_back({"6.5.2 MAX_FRAME_SIZE below 2^14", h2_settings(h2_setting(5, 16383)),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.5.2 MAX_FRAME_SIZE above 2^24-1", h2_settings(h2_setting(5, 16777216)),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.5.2 an unknown setting is ignored",
                 h2_settings(h2_setting(0xff, 1)) + h2_get(1), answered(200)});
  all.push_back({"6.5.3 several values of one setting: the last counts",
                 h2_settings(h2_setting(4, 100) + h2_setting(4, 1)) + h2_get(1), answered(200)});
  co_await run_all(std::move(all));
}

EDDY_TEST(http2_conformance, push_ping_goaway_and_window_update) {
  std::vector<conformance_case> all;
  all.push_back({"6.6 PUSH_PROMISE from a client",
                 h2_post(1) + h2_bytes(h2::push_promise, 4, 1, h2_number(2, 4) + block),
                 connection_error({h2::protocol_error})});
  all.push_back(
      {"6.7 PING with ACK is not answered", h2_bytes(h2::ping, h2::ack, 0, "invalid!"), alive()});
  all.push_back({"6.7 PING on a stream", h2_bytes(h2::ping, 0, 1, "12345678"),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.7 PING that is no 8 bytes", h2_bytes(h2::ping, 0, 0, "123456"),
                 connection_error({h2::frame_size_error})});
  all.push_back({"6.8 GOAWAY on a stream", h2_bytes(h2::goaway, 0, 1, std::string(8, '\0')),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.9 WINDOW_UPDATE of 0 on the connection", h2_update(0, 0),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.9 WINDOW_UPDATE of 0 on a stream", h2_post(1) + h2_update(1, 0),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.9 WINDOW_UPDATE that is no 4 bytes", h2_bytes(h2::window_update, 0, 0, "123"),
                 connection_error({h2::frame_size_error})});
  all.push_back({"6.9.1 the connection's window above 2^31-1",
                 h2_update(0, 0x7fffffff) + h2_update(0, 0x7fffffff),
                 connection_error({h2::flow_control_error})});
  all.push_back({"6.9.1 a stream's window above 2^31-1",
                 h2_post(1) + h2_update(1, 0x7fffffff) + h2_update(1, 0x7fffffff),
                 stream_error({h2::flow_control_error})});
  // RFC 9113 asks for a connection error here; nghttp2 ends the one stream.
  all.push_back({"6.9.2 INITIAL_WINDOW_SIZE that makes a window too large",
                 h2_settings(h2_setting(4, 100)) + h2_post(1) + h2_update(1, 0x7fffff00) +
                     h2_settings(h2_setting(4, 0x7fffffff)),
                 stream_error({h2::flow_control_error})});
  co_await run_all(std::move(all));
}

EDDY_TEST(http2_conformance, continuation) {
  const std::string half = block.substr(0, 10);
  const std::string rest = block.substr(10);
  std::vector<conformance_case> all;
  all.push_back({"6.10 a head in several CONTINUATION frames",
                 h2_bytes(h2::headers, 1, 1, half) + h2_bytes(h2::continuation, 0, 1, "") +
                     h2_bytes(h2::continuation, 0, 1, rest) + h2_bytes(h2::continuation, 4, 1, ""),
                 answered(200)});
  all.push_back({"6.10 DATA between HEADERS and CONTINUATION",
                 h2_bytes(h2::headers, 0, 1, half) + h2_data(1, "x"),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.10 CONTINUATION on stream 0",
                 h2_bytes(h2::headers, 1, 1, half) + h2_bytes(h2::continuation, 4, 0, rest),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.10 CONTINUATION of another stream",
                 h2_bytes(h2::headers, 1, 1, half) + h2_bytes(h2::continuation, 4, 3, rest),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.10 CONTINUATION behind END_HEADERS",
                 h2_post(1) + h2_bytes(h2::continuation, 4, 1, block),
                 connection_error({h2::protocol_error})});
  all.push_back({"6.10 CONTINUATION behind DATA",
                 h2_post(1) + h2_data(1, "x", false) + h2_bytes(h2::continuation, 4, 1, block),
                 connection_error({h2::protocol_error})});
  co_await run_all(std::move(all));
}

// Section 8: requests. Malformed ones are stream errors (8.1.1).
EDDY_TEST(http2_conformance, field_names_and_values) {
  const auto with = [](std::string_view name, std::string_view value) {
    return head_of(h2_request("GET", "/", {{name, value}}));
  };
  const expectation malformed = stream_error({h2::protocol_error});
  std::vector<conformance_case> all;
  all.push_back({"8.2 a name in upper case", with("X-Test", "ok"), malformed});
  all.push_back({"8.2.1 a space in a name", with("x test", "ok"), malformed});
  all.push_back({"8.2.1 a colon in a name", with("x:test", "ok"), malformed});
  all.push_back({"8.2.1 an empty name", with("", "ok"), malformed});
  all.push_back({"8.2.1 a byte above 0x7f in a name", with("x\xc3\xa4", "ok"), malformed});
  all.push_back({"8.2.1 CR in a value", with("x-test", "a\rb"), malformed});
  all.push_back({"8.2.1 LF in a value", with("x-test", "a\nb: c"), malformed});
  all.push_back({"8.2.1 NUL in a value", with("x-test", std::string_view("a\0b", 3)), malformed});
  all.push_back({"8.2.1 a space in front of a value", with("x-test", " a"), malformed});
  all.push_back({"8.2.1 a tab behind a value", with("x-test", "a\t"), malformed});
  all.push_back({"8.2.2 Connection", with("connection", "keep-alive"), malformed});
  all.push_back({"8.2.2 Transfer-Encoding", with("transfer-encoding", "chunked"), malformed});
  all.push_back({"8.2.2 Upgrade", with("upgrade", "websocket"), malformed});
  all.push_back({"8.2.2 Keep-Alive", with("keep-alive", "5"), malformed});
  all.push_back({"8.2.2 Proxy-Connection", with("proxy-connection", "close"), malformed});
  all.push_back({"8.2.2 TE other than trailers", with("te", "trailers, deflate"), malformed});
  all.push_back({"8.2.2 TE: trailers", with("te", "trailers"), answered(200)});
  all.push_back({"obs-text in a value is let through", with("x-test", "\xff"), answered(200)});
  co_await run_all(std::move(all));
}

EDDY_TEST(http2_conformance, pseudo_fields) {
  const h2_field get{":method", "GET"};
  const h2_field http{":scheme", "http"};
  const h2_field root{":path", "/"};
  const h2_field host{":authority", "h"};
  const expectation malformed = stream_error({h2::protocol_error});
  std::vector<conformance_case> all;
  all.push_back(
      {"8.3 an unknown one", head_of({get, http, root, host, {":test", "x"}}), malformed});
  all.push_back({"8.3 :status", head_of({get, http, root, host, {":status", "200"}}), malformed});
  all.push_back({"8.3 behind a field", head_of({get, http, {"x", "y"}, root, host}), malformed});
  all.push_back({"8.3.1 without :method", head_of({http, root, host}), malformed});
  all.push_back({"8.3.1 without :scheme", head_of({get, root, host}), malformed});
  all.push_back({"8.3.1 without :path", head_of({get, http, host}), malformed});
  all.push_back({"8.3.1 two of :method", head_of({get, get, http, root, host}), malformed});
  all.push_back({"8.3.1 two of :scheme", head_of({get, http, http, root, host}), malformed});
  all.push_back({"8.3.1 two of :path", head_of({get, http, root, root, host}), malformed});
  all.push_back({"8.3.1 two of :authority", head_of({get, http, root, host, host}), malformed});
  all.push_back({"8.3.1 an empty :path", head_of({get, http, {":path", ""}, host}), malformed});
  all.push_back(
      {"8.3.1 a :path without a slash", head_of({get, http, {":path", "x"}, host}), malformed});
  all.push_back({"8.3.1 * with GET", head_of({get, http, {":path", "*"}, host}), malformed});
  all.push_back({"a :path with a space", head_of({get, http, {":path", "/a b"}, host}), malformed});
  all.push_back({"a :path that starts a line", head_of({get, http, {":path", "/\r\nx: y"}, host}),
                 malformed});
  all.push_back(
      {"a :method that is no token", head_of({{":method", "G T"}, http, root, host}), malformed});
  all.push_back(
      {"a :scheme of another protocol", head_of({get, {":scheme", "ftp"}, root, host}), malformed});
  all.push_back(
      {"8.5 CONNECT with :path", head_of({{":method", "CONNECT"}, http, root, host}), malformed});
  all.push_back(
      {"8.5 CONNECT", head_of({{":method", "CONNECT"}, {":authority", "h:443"}}), answered(501)});
  all.push_back({"8.3.1 Host in place of :authority", head_of({get, http, root, {"host", "h"}}),
                 answered(200)});
  all.push_back(
      {"8.3.1 Host that agrees", head_of({get, http, root, host, {"host", "h"}}), answered(200)});
  all.push_back({"8.3.1 Host that does not agree", head_of({get, http, root, host, {"host", "x"}}),
                 malformed});
  all.push_back({"neither Host nor :authority", head_of({get, http, root}), malformed});
  all.push_back({"user information in :authority",
                 head_of({get, http, root, {":authority", "u@h"}}), answered(400)});
  all.push_back(
      {".. above the root", head_of({get, http, {":path", "/../x"}, host}), answered(400)});
  all.push_back(
      {"OPTIONS *", head_of({{":method", "OPTIONS"}, http, {":path", "*"}, host}), answered(204)});
  co_await run_all(std::move(all));
}

EDDY_TEST(http2_conformance, bodies_and_trailers) {
  const expectation malformed = stream_error({h2::protocol_error});
  const auto length = [](std::string_view value) {
    return h2_post(1, "/echo", {{"content-length", value}});
  };
  const auto trailers = [](const h2_fields& fields, std::uint8_t flags = 5) {
    return h2_post(1) + h2_data(1, "x", false) + h2_bytes(h2::headers, flags, 1, hpack(fields));
  };
  std::vector<conformance_case> all;
  all.push_back(
      {"8.1.1 Content-Length of one DATA frame", length("3") + h2_data(1, "abc"), answered(200)});
  all.push_back({"8.1.1 Content-Length of several",
                 length("3") + h2_data(1, "a", false) + h2_data(1, "bc"), answered(200)});
  all.push_back({"8.1.1 less than Content-Length", length("4") + h2_data(1, "abc"), malformed});
  all.push_back({"8.1.1 more than Content-Length", length("1") + h2_data(1, "abc"), malformed});
  all.push_back({"8.1.1 more than Content-Length in several frames",
                 length("1") + h2_data(1, "a", false) + h2_data(1, "bc"), malformed});
  all.push_back(
      {"a Content-Length that is no number", length("3x") + h2_data(1, "abc"), malformed});
  all.push_back({"two of Content-Length",
                 h2_post(1, "/echo", {{"content-length", "3"}, {"content-length", "3"}}),
                 malformed});
  all.push_back({"8.1 trailers", trailers({{"x-sum", "1"}}), answered(200)});
  all.push_back(
      {"8.1 trailers that do not end the stream", trailers({{"x-sum", "1"}}, 4), malformed});
  all.push_back({"8.1 pseudo-fields in trailers", trailers({{":method", "GET"}}), malformed});
  all.push_back(
      {"a field in trailers that may not stand there", trailers({{"host", "x"}}), malformed});
  co_await run_all(std::move(all));
}

// RFC 7541.
EDDY_TEST(http2_conformance, hpack) {
  const auto head = [](std::string_view bytes) {
    return h2_bytes(h2::headers, 5, 1, std::string(bytes));
  };
  const std::string get = hpack(h2_request("GET", "/"));
  const expectation broken = connection_error({h2::compression_error});
  std::vector<conformance_case> all;
  all.push_back({"2.3.3 an index of 70 in an empty dynamic table", head(get + "\xc6"), broken});
  all.push_back({"2.3.3 the same of a literal",
                 head(get + "\x7f\x07\x01"
                            "x"),
                 broken});
  all.push_back({"6.1 index 0", head(get + "\x80"), broken});
  all.push_back({"4.2 a table size update behind a field", head(get + "\x20"), broken});
  all.push_back(
      {"6.3 a table size above the setting", head(std::string("\x3f\xe2\x1f") + get), broken});
  all.push_back(
      {"4.2 a table size update in front", head(std::string("\x20") + get), answered(200)});
  all.push_back({"5.2 Huffman padding longer than 7 bits",
                 head(get + std::string("\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff", 12)),
                 broken});
  all.push_back({"5.2 Huffman padding of zeros",
                 head(get + std::string("\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90", 11)),
                 broken});
  all.push_back(
      {"5.2 EOS in a Huffman string",
       head(get + std::string("\x00\x85\xf2\xb2\x4a\x87\xff\xff\xff\xff\xfa\x92\x54", 13)),
       broken});
  all.push_back({"5.1 an integer of too many bytes", head(get + std::string(12, '\xff')), broken});
  all.push_back({"indexed fields", head(std::string("\x82\x86\x84\x41\x01") + "h"), answered(200)});
  co_await run_all(std::move(all));
}

}  // namespace
}  // namespace eddy::http::test
