// The connection under a websocket: reads into messages, writes frames in order, and knows how far the end has come.
//
// Input. Only the receiving task reads. A small buffer waits while nothing comes; larger ones live while they are
// filled. What next() has told is dropped from the buffer when it is called again.
//
// Output. Whoever sends holds `writing_`, appends frames to `output_` and writes it to its end. Bytes that a cancelled
// sender leaves there go first the next time, so the stream of frames is never torn. Pongs and pings that become due
// while somebody writes are left in `pong_` and `ping_due_` for him to send.
//
// The end. `closed_by_us_` and `closed_by_peer_` say whose close frame has been made and read; `over_` that nothing
// more will happen on the stream. `failure_` is why it ended if not in order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/timer_queue.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/io/read_buffer.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/wire/websocket.hpp>

namespace eddy::http::detail {

/// How one side is set up after the handshake.
struct websocket_setup {
  wire::websocket::role own_role = wire::websocket::role::server;
  websocket_options options;
  std::optional<wire::websocket::deflate_parameters> deflate;
  std::string subprotocol;
};

class websocket_core final : private coro::timer {
 public:
  /// Refers to `stream`, which outlives it.
  websocket_core(io::any_stream& stream, websocket_setup setup);
  /// Owns `stream`; `early` is what was read from it already.
  websocket_core(std::unique_ptr<io::any_stream> stream, websocket_setup setup,
                 std::string_view early);
  ~websocket_core();

  task<bool> receive(websocket_message& into);
  task<std::optional<websocket_message>> receive();
  task<std::optional<websocket_piece>> receive_piece();
  task<void> send(websocket_kind kind, std::span<const std::byte> payload);
  task<void> send_stream(websocket_kind kind,
                         std::move_only_function<task<void>(websocket_writer&)> write);
  /// Of the message that is streamed.
  task<void> send_piece(std::span<const std::byte> piece);
  task<void> close(std::uint16_t code, std::string_view reason);
  void abort() noexcept;

  [[nodiscard]] bool is_open() const noexcept {
    return !closed_by_us_ && !closed_by_peer_ && !over_ && !failure_;
  }
  [[nodiscard]] std::uint16_t code() const noexcept { return code_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  [[nodiscard]] const std::string& subprotocol() const noexcept { return subprotocol_; }
  [[nodiscard]] bool is_compressed() const noexcept { return compressed_; }

 private:
  /// What the bytes that are there amount to.
  enum class found : std::uint8_t { nothing, message, ping, end };
  /// Who reads: close() takes over where nobody receives.
  enum class reader : std::uint8_t { receiver, closer };
  class read_mark;
  class patience_mark;
  class stream_mark;

  // --- receiving ---
  /// Into a message, or where `piece` is not null into that.
  task<bool> advance(websocket_message& into, websocket_piece* piece, reader who);
  [[nodiscard]] found next(websocket_message& into, websocket_piece* piece);
  [[nodiscard]] std::optional<found> take(const wire::websocket::decoder::event& event,
                                          websocket_message& into, websocket_piece* piece);
  [[nodiscard]] std::optional<found> take_data(const wire::websocket::decoder::event& event,
                                               websocket_message& into, websocket_piece* piece);
  task<void> fill();
  void make_room();
  void received(std::size_t count) noexcept;
  task<void> keep_alive();
  task<void> send_due();
  task<void> answer_close();
  task<void> refuse();

  // --- sending ---
  void require_open(std::string_view operation) const;
  void append_frame(wire::websocket::opcode code, std::span<const std::byte> payload,
                    bool final = true, bool compressed = false);
  /// Large ones of a server are not copied: they are what is returned, to be written behind the output.
  [[nodiscard]] std::span<const std::byte> append_message(websocket_kind kind,
                                                          std::span<const std::byte> payload);
  [[nodiscard]] bool append_compressed(websocket_kind kind, std::span<const std::byte> payload);
  [[nodiscard]] bool anything_due() const noexcept;
  void append_due();
  task<void> flush(std::span<const std::byte> behind = {});
  [[nodiscard]] bool take_back(std::size_t mark) noexcept;
  void written(std::size_t count, std::span<const std::byte>& behind) noexcept;
  task<void> send_close(std::uint16_t code, std::string_view reason);

  // --- the end ---
  task<void> shake_hands(std::uint16_t code, std::string_view reason);
  task<void> say_goodbye(std::uint16_t code);
  task<void> drop_until_end();
  void lose(std::error_code cause) noexcept;
  void end() noexcept;
  [[noreturn]] void throw_failure(std::string_view operation) const;

  // --- time ---
  [[nodiscard]] time_point alive_until() const noexcept;
  void watch() noexcept;
  void expired() noexcept override;

  std::unique_ptr<io::any_stream> owned_;
  io::any_stream& stream_;
  coro::scheduler& loop_;
  websocket_options options_;
  wire::websocket::role role_;
  bool compressed_;
  bool receiving_ = false;
  bool closing_ = false;  // close() reads, in place of a receiver
  bool closed_by_us_ = false;
  bool closed_by_peer_ = false;
  bool over_ = false;
  bool ping_due_ = false;
  bool ping_unanswered_ = false;
  bool message_begun_ = false;  // by send_stream, and not ended
  bool partial_told_ = false;
  std::uint16_t code_ = 0;
  wire::websocket::decoder decoder_;
  std::optional<wire::websocket::deflater> deflater_;
  io::read_buffer input_;
  std::size_t told_ = 0;       // bytes of the input that the last piece was made of
  std::size_t last_read_ = 0;  // bytes
  std::string partial_;        // of the message that is being received
  mutex writing_;
  std::string output_;
  std::size_t sent_ = 0;  // bytes of it
  std::optional<std::string> pong_;
  wire::utf8_validator streamed_text_;
  websocket_kind streamed_kind_ = websocket_kind::text;
  cancel_scope* waiting_ = nullptr;  // around the receiver's read
  time_point last_heard_;
  time_point pinged_{};
  time_point write_began_ = never;
  time_point armed_at_ = never;
  std::error_code failure_;
  std::string reason_;
  std::string subprotocol_;
  event changed_;  // a reader has left, or it is over
};

}  // namespace eddy::http::detail
