// One HTTP/2 connection (RFC 9113): moves bytes between a stream and nghttp2, which knows the protocol. What both sides
// have in common; the server's and the client's sessions derive from it.
//
// One task reads and gives what it read to nghttp2, which calls the session back; nothing of the user's runs in these
// callbacks. Another task writes: what has become ready in one turn goes out together, about `most_collected` bytes at
// a time, and nghttp2 makes frames of bodies only when they are collected. So the output is bounded: bodies by that,
// answers to the peer's control frames by the budget below.
//
// Frames that cost work and bring nothing (PING, SETTINGS, PRIORITY, RST_STREAM, empty DATA, CONTINUATION, window
// updates beyond what was sent) are paid from a budget of `frame_burst` that grows by `frame_rate` per second; a peer
// that exceeds it gets GOAWAY with ENHANCE_YOUR_CALM. Streams that the peer made us reset are paid as well.
#pragma once

#include "http2_fields.hpp"
#include "http2_outbox.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/timer_queue.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/sync/event.hpp>

namespace eddy::http::detail {

struct http2_session_deleter {
  void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
};

/// What a session tells its peer at the start, and its own bounds.
struct http2_bounds {
  std::uint32_t max_streams = 100;                ///< that the peer may have open; the server's
  std::uint32_t stream_window = 256 * 1024;       ///< bytes of one body that nobody has read yet
  std::uint32_t connection_window = 1024 * 1024;  ///< of all bodies together
  std::uint32_t max_head = 32 * 1024;             ///< of a header list, as announced
  duration write_timeout = std::chrono::seconds(30);  ///< without any progress of the output
  pace_limit write_pace{};                            ///< of the output that is ready
};

class http2_engine : private coro::timer {
 public:
  http2_engine(const http2_engine&) = delete;
  http2_engine& operator=(const http2_engine&) = delete;

 protected:
  enum class side : std::uint8_t { server, client };
  /// How the connection is left; see connection_base.hpp.
  enum class leave : std::uint8_t { close, linger, cut };

  http2_engine(io::any_stream stream, side of, const http2_bounds& bounds);
  ~http2_engine();

  /// Runs the connection to its end: until the peer or stop() ends it. `already_read` are bytes that somebody else has
  /// read. Ends normally whatever the peer did; throws `cancelled` of scopes outside only.
  task<void> converse(std::string already_read = {});

  // --- for the session ---
  [[nodiscard]] nghttp2_session* frames() const noexcept { return session_.get(); }
  [[nodiscard]] runtime::loop& loop() noexcept { return loop_; }
  [[nodiscard]] task_group& tasks() noexcept { return *tasks_; }
  [[nodiscard]] const http2_bounds& bounds() const noexcept { return bounds_; }
  /// Whether the connection is up: frames may be submitted.
  [[nodiscard]] bool is_open() const noexcept { return tasks_ != nullptr && !stopping_; }
  /// Lets the writer look for frames that were submitted.
  void want_output() noexcept { output_due_.set(); }
  void reset_stream(std::int32_t id, std::uint32_t code) noexcept;
  /// The body of `id` has more to give.
  void resume_body(std::int32_t id) noexcept;
  /// Whether the peer's window of that stream lets something out.
  [[nodiscard]] bool window_is_open(std::int32_t id) const noexcept;
  /// `bytes` of a body have been used up: the peer may send as much again.
  void consumed(std::int32_t id, std::size_t bytes) noexcept;
  /// Says GOAWAY with `code` in place of everything that nghttp2 still wants to say, and ends.
  void refuse_peer(std::uint32_t code) noexcept;
  /// Says GOAWAY with NO_ERROR behind what is submitted, and ends.
  void end_in_order() noexcept;
  /// Ends now.
  void stop(leave how) noexcept;
  /// While true the connection stays, although a GOAWAY was sent and no stream is open.
  void hold(bool on) noexcept { held_ = on; }
  /// look_at_deadlines() will be called then, or earlier.
  void note_deadline(time_point deadline) noexcept;

  // --- from nghttp2, in the reading task; exceptions end the connection ---
  virtual void head_begins(std::int32_t id, std::uint8_t category) = 0;
  virtual void field_came(std::int32_t id, std::string_view name, std::string_view value) = 0;
  virtual void head_came(std::int32_t id, std::uint8_t category, bool ends_stream) = 0;
  virtual void data_came(std::int32_t id, std::span<const std::byte> data) = 0;
  virtual void body_ended(std::int32_t id) = 0;
  virtual void stream_closed(std::int32_t id, std::uint32_t code) = 0;
  virtual void settings_came() {}
  virtual void ping_answered() {}
  virtual void goaway_came(std::int32_t /*last_stream*/, std::uint32_t /*code*/) {}

  // --- from nghttp2, in the writing task ---
  /// The body that goes out on that stream; null: the stream is to be reset.
  [[nodiscard]] virtual http2_outbox* outbox_of(std::int32_t id) noexcept = 0;
  /// The last frame of our message on that stream is in the output.
  virtual void message_sent(std::int32_t /*id*/) {}

  // --- from the engine ---
  /// Some bytes have been read and what they say has been told.
  virtual void input_handled() {}
  /// Nothing can be sent any more, because the peer takes nothing. True: what it sent before it left is still wanted,
  /// until nothing comes for a second. Asked again whenever some has come; may end the connection itself.
  [[nodiscard]] virtual bool reads_on() noexcept { return false; }
  /// The connection has ended, or is about to: nothing more will come and nothing more be sent. Tasks that wait for
  /// either are to be told. Called once.
  virtual void connection_ended() noexcept = 0;
  /// Sees to deadlines that are due at `now`, and gives the next one.
  virtual time_point look_at_deadlines(time_point now) noexcept = 0;
  virtual void bytes_moved(std::size_t /*received*/, std::size_t /*sent*/) noexcept {}

 private:
  friend struct http2_callbacks;
  friend class http2_outbox;

  static constexpr std::size_t most_collected = 64 * 1024;
  static constexpr std::uint32_t most_updates_paid = 4096;
  static constexpr double frame_burst = 1000;
  static constexpr double frame_rate = 33;

  // --- for outboxes ---
  /// Bytes of bodies sent so far.
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }
  void note_body(std::size_t bytes) noexcept { body_bytes_ += bytes; }

  void configure(side of);
  task<void> in_group(task_group& group, std::string already_read);
  task<void> read_in(std::string already_read);
  task<void> write_out();
  void output_failed() noexcept;
  void await_last_words() noexcept;
  task<void> flush();
  task<void> part();
  task<void> linger();
  void take(std::span<const std::byte> bytes);
  [[nodiscard]] bool collect();
  [[nodiscard]] bool finished() noexcept;
  void ended() noexcept;
  void expired() noexcept override;
  [[nodiscard]] bool submit_trailers(std::int32_t id, const http2_outbox& of);
  [[nodiscard]] bool pay() noexcept;
  [[nodiscard]] bool pay_for(const nghttp2_frame_hd& frame) noexcept;
  [[nodiscard]] bool fits(const nghttp2_frame_hd& frame) noexcept;
  void note_reset(std::int32_t id) noexcept { resets_[next_reset_++ % resets_.size()] = id; }

  io::any_stream stream_;
  http2_bounds bounds_;
  runtime::loop& loop_;
  bool is_server_;
  std::unique_ptr<nghttp2_session, http2_session_deleter> session_;
  cancel_scope scope_;  // around everything but the end
  task_group* tasks_ = nullptr;
  event output_due_;
  http2_outgoing_head trailers_;
  std::string trailer_lines_;
  std::string out_;
  std::size_t sent_ = 0;
  leave leave_ = leave::close;
  bool stopping_ = false;
  bool silenced_ = false;     // nghttp2 is not asked for output any more
  std::uint32_t breach_ = 0;  // the code to end with
  bool parting_ = false;
  bool held_ = false;
  std::exception_ptr failure_;  // of a callback
  double budget_ = frame_burst;
  time_point budget_at_{};
  std::array<std::int32_t, 64> resets_{};  // streams that we have reset lately
  std::size_t next_reset_ = 0;
  std::uint32_t updates_paid_ = 0;  // window updates that DATA sent has paid for
  std::uint64_t body_bytes_ = 0;
  transfer_pace write_pace_;
  time_point write_deadline_ = never;
  time_point armed_at_ = never;
};

}  // namespace eddy::http::detail
