// What has to hold for any bytes that a WebSocket's peer may send. Each check returns a description of the breach, or
// nothing. Used by the tests and the fuzz target.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/wire/websocket.hpp>

namespace eddy::wire::websocket::test {

/// What a decoder said, with the pieces of each message joined.
struct transcript {
  std::vector<std::string>
      told;  // "text:...", "binary:...", "ping:...", "pong:...", "close 1000:..."
  std::optional<errc> failure;
  std::string open;         // of the message that has not ended
  std::string breach;       // of the decoder's own contract
  std::size_t largest = 0;  // piece
};

class transcriber {
 public:
  explicit transcriber(decoder decoding) : decoder_(std::move(decoding)) {}

  /// False when nothing may follow.
  bool give(std::string_view bytes) {
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    for (;;) {
      const auto event = decoder_.next(std::as_writable_bytes(std::span(input_)));
      if (!event) {
        said.failure = event.error();
        return false;
      }
      if (event->consumed > input_.size()) said.breach = "more consumed than given";
      const bool progress = event->consumed > 0 || event->kind != decoder::event_kind::need_more;
      note(*event);
      if (event->kind == decoder::event_kind::close || !said.breach.empty()) return false;
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(event->consumed));
      if (!progress) return true;
    }
  }

  transcript said;

 private:
  void note(const decoder::event& event) {
    const std::string payload(reinterpret_cast<const char*>(event.payload.data()),
                              event.payload.size());
    said.largest = std::max(said.largest, payload.size());
    switch (event.kind) {
      case decoder::event_kind::need_more: return;
      case decoder::event_kind::ping: said.told.push_back("ping:" + payload); return;
      case decoder::event_kind::pong: said.told.push_back("pong:" + payload); return;
      case decoder::event_kind::close:
        said.told.push_back("close " + std::to_string(event.close_code) + ":" + payload);
        return;
      case decoder::event_kind::data: break;
    }
    if (event.begins == open_) said.breach = "a piece out of order";
    open_ = !event.ends;
    said.open += payload;
    if (!event.ends) return;
    const bool text = event.message == message_kind::text;
    if (text && !is_utf8(said.open)) said.breach = "a text that is not UTF-8";
    said.told.push_back((text ? "text:" : "binary:") + std::exchange(said.open, {}));
  }

  decoder decoder_;
  std::vector<char> input_;
  bool open_ = false;
};

inline constexpr decoder_limits test_limits{.frame = 70'000, .message = 100'000};

[[nodiscard]] inline transcript decode(std::string_view bytes, role own, bool deflate,
                                       std::size_t piece = std::string_view::npos,
                                       decoder_limits limits = test_limits) {
  transcriber to(decoder(own, limits, deflate ? std::optional(inflater_options()) : std::nullopt));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    if (!to.give(bytes.substr(0, piece))) break;
  }
  return std::move(to.said);
}

/// However the bytes are cut, they mean the same.
[[nodiscard]] inline std::string check_decoding(std::string_view bytes, role own, bool deflate,
                                                std::size_t piece) {
  const transcript whole = decode(bytes, own, deflate);
  const transcript cut = decode(bytes, own, deflate, piece);
  if (!whole.breach.empty()) return whole.breach;
  if (!cut.breach.empty()) return cut.breach;
  if (whole.told != cut.told) return "other messages when the input is cut";
  if (whole.failure != cut.failure) return "another failure when the input is cut";
  if (!whole.failure && whole.open != cut.open) return "another open message when cut";
  return {};
}

/// A message that is sent arrives.
[[nodiscard]] inline std::string check_round_trip(std::string_view payload, bool deflate,
                                                  std::size_t piece) {
  std::string out;
  frame_header head;
  head.code = opcode::binary;
  head.compressed = deflate;
  head.mask = make_masking_key(payload.size() * 0x9e3779b97f4a7c15);
  std::string content(payload);
  if (deflate) {
    content.clear();
    deflater(deflater_options()).compress(std::as_bytes(std::span(payload)), content);
  }
  write_frame(out, head, std::as_bytes(std::span(content)));
  const decoder_limits limits{.frame = decoder_limits::none, .message = decoder_limits::none};
  const transcript got = decode(out, role::server, deflate, piece, limits);
  if (got.failure || got.told.size() != 1) return "a message did not arrive";
  return got.told.front() == "binary:" + std::string(payload) ? "" : "a message was changed";
}

/// Any list of extensions: an answer to it is one that the client which offered it accepts.
[[nodiscard]] inline std::string check_extensions(std::string_view offers,
                                                  const deflate_parameters& wanted) {
  const auto answer = answer_deflate_offer(offers, wanted);
  if (!answer || !*answer) return {};
  const auto read = read_deflate_answer((*answer)->text, deflate_parameters());
  if (!read || !*read) return "an answer that no client accepts";
  if (**read != (*answer)->agreed) return "the two sides do not agree on the same";
  return {};
}

}  // namespace eddy::wire::websocket::test
