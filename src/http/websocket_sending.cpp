// The sending half of websocket_core.
#include "websocket_core.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <eddy/io/stream.hpp>

namespace eddy::http::detail {
namespace {

namespace ws = wire::websocket;

constexpr std::size_t largest_copied = 16 * 1024;  // payload that is put behind its header
constexpr std::size_t largest_kept = 512;          // output memory that an idle connection keeps

ws::opcode opcode_of(websocket_kind kind) noexcept {
  return kind == websocket_kind::text ? ws::opcode::text : ws::opcode::binary;
}

}  // namespace

void websocket_core::require_open(std::string_view operation) const {
  if (!is_open()) throw_failure(operation);
}

void websocket_core::append_frame(ws::opcode code, std::span<const std::byte> payload, bool final,
                                  bool compressed) {
  ws::frame_header head;
  head.code = code;
  head.final = final;
  head.compressed = compressed;
  if (role_ == ws::role::client) head.mask = ws::make_masking_key(loop_.random()());
  ws::write_frame(output_, head, payload);
}

std::span<const std::byte> websocket_core::append_message(websocket_kind kind,
                                                          std::span<const std::byte> payload) {
  if (deflater_ && payload.size() >= options_.compress_from && append_compressed(kind, payload)) {
    return {};
  }
  if (role_ == ws::role::client || payload.size() <= largest_copied) {
    append_frame(opcode_of(kind), payload);
    return {};
  }
  ws::frame_header head;
  head.code = opcode_of(kind);
  head.length = payload.size();
  ws::write_frame_header(output_, head);
  return payload;
}

// What does not get smaller goes out as it is, unless the context already counts on it.
bool websocket_core::append_compressed(websocket_kind kind, std::span<const std::byte> payload) {
  std::string packed;
  deflater_->compress(payload, packed);
  if (packed.size() >= payload.size() && !deflater_->has_context()) return false;
  append_frame(opcode_of(kind), io::bytes_of(packed), true, true);
  return true;
}

bool websocket_core::anything_due() const noexcept {
  return (pong_ || ping_due_) && !closed_by_us_ && !over_;
}

void websocket_core::append_due() {
  if (!anything_due()) return;
  if (pong_) append_frame(ws::opcode::pong, io::bytes_of(*pong_));
  pong_.reset();
  if (std::exchange(ping_due_, false)) append_frame(ws::opcode::ping, {});
}

task<void> websocket_core::send(websocket_kind kind, std::span<const std::byte> payload) {
  if (kind == websocket_kind::text && !wire::is_utf8(io::text_of(payload))) {
    throw_invalid_input("websocket: a text that is not UTF-8");
  }
  const auto held = co_await writing_.lock();
  require_open("send");
  append_due();
  std::size_t mark = output_.size();
  const std::span<const std::byte> behind = append_message(kind, payload);
  try {
    co_await flush(behind);
    mark = std::string::npos;  // it has been sent
    while (anything_due()) {
      append_due();
      co_await flush();
    }
  } catch (cancelled& stop) {
    stop.set_progress(take_back(mark) ? 0 : payload.size());
    throw;
  } catch (...) {
    static_cast<void>(take_back(mark));
    throw;
  }
}

// What was appended at `mark`, if nothing of it has left and no context counts on it; else others will complete it.
bool websocket_core::take_back(std::size_t mark) noexcept {
  const bool untouched = output_.size() > mark && sent_ <= mark;
  if (!untouched || (deflater_ && deflater_->has_context())) return false;
  output_.resize(mark);
  return true;
}

task<void> websocket_core::flush(std::span<const std::byte> behind) {
  try {
    while (sent_ < output_.size() || !behind.empty()) {
      write_began_ = loop_.turn_started();
      watch();
      const auto unsent = io::bytes_of(output_).subspan(sent_);
      std::size_t count = 0;
      if (behind.empty()) {
        count = co_await stream_.write_some(unsent);
      } else {
        const std::array<iovec, 2> pieces{io::piece(unsent), io::piece(behind)};
        count = co_await stream_.write_some(io::const_buffers(pieces).subspan(unsent.empty()));
      }
      written(count, behind);
    }
  } catch (const error& failed) {
    write_began_ = never;
    lose(failed.code());
    throw_failure("send");
  } catch (...) {
    write_began_ = never;
    output_.append(io::text_of(behind));
    throw;
  }
  write_began_ = never;
  sent_ = 0;
  output_.clear();
  if (output_.capacity() > largest_kept) std::string().swap(output_);
}

void websocket_core::written(std::size_t count, std::span<const std::byte>& behind) noexcept {
  const std::size_t of_output = std::min(count, output_.size() - sent_);
  sent_ += of_output;
  behind = behind.subspan(count - of_output);
}

task<void> websocket_core::send_close(std::uint16_t code, std::string_view reason) {
  const auto held = co_await writing_.lock();
  if (!std::exchange(closed_by_us_, true)) {
    append_frame(ws::opcode::close, io::bytes_of(ws::close_payload(code, reason)));
  }
  co_await flush();
}

// --- messages in pieces ---

/// Cuts the connection unless the message has been completed: nothing else could follow.
class websocket_core::stream_mark {
 public:
  explicit stream_mark(websocket_core& core) noexcept : core_(core) {}
  stream_mark(const stream_mark&) = delete;
  stream_mark& operator=(const stream_mark&) = delete;
  ~stream_mark() {
    if (std::exchange(core_.message_begun_, false)) core_.abort();
  }

 private:
  websocket_core& core_;
};

task<void> websocket_core::send_stream(
    websocket_kind kind, std::move_only_function<task<void>(websocket_writer&)> write) {
  const auto held = co_await writing_.lock();
  require_open("send");
  streamed_kind_ = kind;
  streamed_text_.reset();
  const stream_mark mark(*this);
  websocket_writer out(*this);
  co_await write(out);
  if (!streamed_text_.complete()) throw_invalid_input("websocket: a text that is not UTF-8");
  append_due();
  append_frame(message_begun_ ? ws::opcode::continuation : opcode_of(kind), {});
  message_begun_ = true;
  co_await flush();
  message_begun_ = false;
}

task<void> websocket_core::send_piece(std::span<const std::byte> piece) {
  require_open("send");
  if (streamed_kind_ == websocket_kind::text && !streamed_text_.add(piece)) {
    throw_invalid_input("websocket: a text that is not UTF-8");
  }
  append_due();
  append_frame(message_begun_ ? ws::opcode::continuation : opcode_of(streamed_kind_), piece, false);
  message_begun_ = true;
  co_await flush();
}

}  // namespace eddy::http::detail
