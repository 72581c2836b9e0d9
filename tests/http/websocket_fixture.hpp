// A WebSocket under test and a peer that sends raw frames, over memory streams.
#pragma once

#include "websocket_cases.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/requirement.hpp>
#include <eddy/wire/websocket.hpp>

namespace eddy::http::test {

namespace ws = wire::websocket;

/// Its bytes, masked as `from` does it, rightly or not.
[[nodiscard]] inline std::string bytes_of(const raw_frame& frame, ws::role from) {
  std::string out;
  ws::frame_header head;
  if (from == ws::role::client) head.mask = ws::make_masking_key(0x1a2b3c4d);
  ws::write_frame(out, head, io::bytes_of(frame.payload));
  out[0] = static_cast<char>((frame.final ? 0x80U : 0U) | frame.reserved << 4 | frame.opcode);
  const std::size_t missing = frame.payload.size() - std::min(frame.sent, frame.payload.size());
  out.resize(out.size() - missing);
  return out;
}

/// What a connection has said: "text:..", "binary:..", "ping:..", "pong:..", "close 1000:..".
class raw_peer {
 public:
  /// `early`: what was read from the stream already.
  raw_peer(io::memory_stream stream, ws::role own,
           std::optional<ws::inflater_options> inflating = std::nullopt, std::string early = {})
      : stream_(std::move(stream)),
        own_(own),
        decoder_(own, {ws::decoder_limits::none, ws::decoder_limits::none}, inflating),
        input_(std::move(early)) {}

  task<void> send_bytes(std::string_view bytes) { return io::write_all(stream_, bytes); }
  task<void> send(raw_frame frame) {
    const std::string bytes = bytes_of(frame, own_);
    co_await io::write_all(stream_, bytes);
  }
  /// The same without a braced aggregate, which GCC 12 destroys twice inside a co_await expression.
  task<void> send(unsigned opcode, std::string payload = std::string(), bool final = true) {
    raw_frame frame;
    frame.opcode = opcode;
    frame.payload = std::move(payload);
    frame.final = final;
    return send(std::move(frame));
  }

  /// The next thing that is said; "end" at the end of the stream, "reset" when it breaks.
  task<std::string> read() {
    for (;;) {
      if (auto told = next()) co_return std::move(*told);
      std::string room(64 * 1024, '\0');
      std::size_t count = 0;
      bool broken = false;
      try {
        count = co_await stream_.read_some(std::as_writable_bytes(std::span(room)));
      } catch (const error&) {
        broken = true;
      }
      if (broken) co_return "reset";
      if (count == 0) co_return "end";
      input_.append(room, 0, count);
    }
  }

  /// Everything up to the end.
  task<std::vector<std::string>> read_all() {
    std::vector<std::string> all;
    while (all.empty() || (all.back() != "end" && all.back() != "reset")) {
      all.push_back(co_await read());
    }
    co_return all;
  }

  [[nodiscard]] io::memory_stream& stream() noexcept { return stream_; }

 private:
  std::optional<std::string> next() {
    while (!input_.empty()) {
      const auto event = decoder_.next(std::as_writable_bytes(std::span(input_)));
      eddy::testing::require(event.has_value(), "what is sent is right");
      const std::string payload(io::text_of(event->payload));
      const auto consumed = event->consumed;
      input_.erase(0, consumed);
      switch (event->kind) {
        case ws::decoder::event_kind::need_more:
          if (consumed == 0) return std::nullopt;
          break;
        case ws::decoder::event_kind::ping: return "ping:" + payload;
        case ws::decoder::event_kind::pong: return "pong:" + payload;
        case ws::decoder::event_kind::close:
          return "close " + std::to_string(event->close_code) + ":" + payload;
        case ws::decoder::event_kind::data:
          message_ += payload;
          if (!event->ends) break;
          return (event->message == ws::message_kind::text ? "text:" : "binary:") +
                 std::exchange(message_, {});
      }
    }
    return std::nullopt;
  }

  io::memory_stream stream_;
  ws::role own_;
  ws::decoder decoder_;
  std::string input_;
  std::string message_;
};

/// A websocket that plays `own`, and its peer, without a handshake.
class websocket_pair {
 public:
  explicit websocket_pair(ws::role own, websocket_options options = {},
                          io::memory_stream_options stream = {})
      : websocket_pair(own, options, io::memory_stream_pair(stream)) {}

  websocket ours;
  raw_peer peer;

 private:
  websocket_pair(ws::role own, websocket_options options,
                 std::pair<io::memory_stream, io::memory_stream> ends)
      : ours(io::any_stream(std::move(ends.first)), own, options),
        peer(std::move(ends.second),
             own == ws::role::server ? ws::role::client : ws::role::server) {}
};

/// Sends back what comes, until the end.
inline task<void> echo(websocket& on) {
  websocket_message message;
  bool more = co_await on.receive(message);
  while (more) {
    co_await on.send(message);
    more = co_await on.receive(message);
  }
}

}  // namespace eddy::http::test
