// Runs websocket_cases on both of our sides.
#include "websocket_cases.hpp"

#include "websocket_fixture.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

constexpr std::uint64_t largest_message = 17 * 1024 * 1024;

task<std::string> read_head(io::memory_stream& from, std::string& rest) {
  std::string text;
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    std::array<std::byte, 1024> room;
    const std::size_t count = co_await from.read_some(room);
    eddy::testing::require(count > 0, "the handshake is complete");
    text.append(io::text_of(std::span(room).first(count)));
    end = text.find("\r\n\r\n");
  }
  rest = text.substr(end + 4);
  text.resize(end + 4);
  co_return text;
}

task<void> send_frames(const websocket_case& one, raw_peer& peer, ws::role from) {
  std::string bytes;
  for (const raw_frame& frame : one.frames()) bytes += bytes_of(frame, from);
  if (one.goodbye) bytes += bytes_of({.opcode = 8, .payload = ws::close_payload(1000, {})}, from);
  try {
    co_await peer.send_bytes(bytes);
  } catch (const error&) {  // the endpoint has closed already
  }
}

// Everything the endpoint says; once it has said goodbye, the peer ends its direction.
task<void> read_answers(raw_peer& peer, std::vector<std::string>& said) {
  bool more = true;
  while (more) {
    said.push_back(co_await peer.read());
    more = said.back() != "end" && said.back() != "reset";
    if (said.back().starts_with("close")) co_await peer.stream().shutdown_write();
  }
}

void expect_answers(const websocket_case& one, std::string_view side,
                    const std::vector<std::string>& said) {
  std::vector<std::string> expected = one.answers();
  expected.push_back("close " + std::to_string(one.close) + ":");
  expected.push_back("end");
  if (said == expected) return;
  ADD_FAILURE() << side << ", case " << one.id << ": " << one.what << "; said " << said.size()
                << " things, last " << said.back().substr(0, 60) << ", before that "
                << (said.size() < 2 ? "nothing" : said[said.size() - 2].substr(0, 60))
                << "; expected " << expected.size();
}

io::memory_stream_options stream_of(const websocket_case& one) {
  io::memory_stream_options made;
  if (one.chop > 0) made.largest_transfer = one.chop;
  return made;
}

std::optional<ws::inflater_options> inflating_of(const websocket_case& one, ws::role from) {
  if (!one.deflate) return std::nullopt;
  if (from == ws::role::server) return ws::inflater_options{15, true};
  return ws::inflater_options{one.deflate->server_max_window_bits,
                              !one.deflate->server_no_context_takeover};
}

task<void> talk(const websocket_case& one, io::memory_stream stream, std::string early,
                ws::role from, std::vector<std::string>& said) {
  raw_peer peer(std::move(stream), from, inflating_of(one, from), std::move(early));
  co_await gather(send_frames(one, peer, from), read_answers(peer, said));
}

// --- our server, driven by a raw client ---

task<void> play_client(const websocket_case& one, io::memory_stream stream,
                       std::vector<std::string>& said) {
  std::string request =
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (one.deflate) request += "Sec-WebSocket-Extensions: " + one.offer + "\r\n";
  request += "\r\n";
  co_await io::write_all(stream, request);
  std::string rest;
  const std::string head = co_await read_head(stream, rest);
  EXPECT_THAT(head, ::testing::StartsWith("HTTP/1.1 101 "));
  EXPECT_EQ(one.deflate.has_value(), head.find("permessage-deflate") != std::string::npos);
  co_await talk(one, std::move(stream), std::move(rest), ws::role::client, said);
}

task<void> run_on_server(const websocket_case& one) {
  websocket_accept_options options;
  options.connection.max_message = largest_message;
  options.connection.deflate = {};
  server app;
  app.get("/", [options](request& r) { return websocket_upgrade(r, echo, options); });
  auto [theirs, ours] = io::memory_stream_pair(stream_of(one));
  std::vector<std::string> said;
  io::any_stream stream(std::move(ours));
  co_await gather(app.serve_connection(std::move(stream)),
                  play_client(one, std::move(theirs), said));
  expect_answers(one, "server", said);
}

// --- our client, driven by a raw server ---

task<void> play_server(const websocket_case& one, io::memory_stream stream,
                       std::vector<std::string>& said) {
  std::string rest;
  const std::string head = co_await read_head(stream, rest);
  const std::string key = head.substr(head.find("Sec-WebSocket-Key: ") + 19, 24);
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: " +
      ws::accept_value(key) + "\r\n";
  if (one.deflate) {
    const auto agreed = ws::answer_deflate_offer("permessage-deflate", *one.deflate);
    answer += "Sec-WebSocket-Extensions: " + (*agreed)->text + "\r\n";
  }
  answer += "\r\n";
  co_await io::write_all(stream, answer);
  co_await talk(one, std::move(stream), std::move(rest), ws::role::server, said);
}

task<void> play_our_client(const websocket_case& one, io::memory_stream stream) {
  websocket_connect_options options;
  options.connection.max_message = largest_message;
  options.connection.compress = one.deflate.has_value();
  options.connection.deflate = one.deflate.value_or(ws::deflate_parameters());
  io::any_stream under(std::move(stream));
  auto on = co_await websocket_connect(std::move(under), "ws://h/", options);
  EXPECT_EQ(on.is_compressed(), one.deflate.has_value());
  try {
    co_await echo(on);
  } catch (const websocket_error&) {  // the cases in which the peer is wrong
  }
}

task<void> run_on_client(const websocket_case& one) {
  auto [ours, theirs] = io::memory_stream_pair(stream_of(one));
  std::vector<std::string> said;
  co_await gather(play_our_client(one, std::move(ours)), play_server(one, std::move(theirs), said));
  expect_answers(one, "client", said);
}

task<void> run_all(std::vector<websocket_case> all) {
  for (const websocket_case& one : all) {
    co_await run_on_server(one);
    co_await run_on_client(one);
    if (::testing::Test::HasFatalFailure()) co_return;
  }
}

EDDY_TEST(websocket_cases, framing_pings_reserved_bits_opcodes_and_fragments) {
  co_await run_all(framing_cases());
}
EDDY_TEST(websocket_cases, utf8_is_checked_and_fails_fast) { co_await run_all(utf8_cases()); }
EDDY_TEST(websocket_cases, the_closing_handshake) { co_await run_all(close_cases()); }
EDDY_TEST(websocket_cases, large_messages_and_many) { co_await run_all(large_cases()); }
EDDY_TEST(websocket_cases, compression_with_all_parameters) {
  co_await run_all(compression_cases());
}

// EDDY_WRITE_REPORT=1 writes the page instead.
TEST(websocket_cases, the_report_is_current) {
  const std::string path = EDDY_DOCS "/internals/websocket-cases.md";
  const std::string report = websocket_cases_report();
  if (std::getenv("EDDY_WRITE_REPORT") != nullptr) std::ofstream(path) << report;
  std::ostringstream written;
  written << std::ifstream(path).rdbuf();
  EXPECT_TRUE(written.str() == report) << path << " is not what this test would write";
}

}  // namespace
}  // namespace eddy::http::test
