// The outgoing body of one HTTP/2 stream: what waits for the peer's window and the connection.
#pragma once

#include "transfer_pace.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/message.hpp>
#include <eddy/sync/event.hpp>

namespace eddy::http::detail {

class http2_engine;

class http2_outbox {
 public:
  /// A piece that makes no progress for `limit`, or too little for `pace`, makes the body stall.
  http2_outbox(http2_engine& engine, duration limit, pace_limit pace = {}) noexcept
      : engine_(engine), limit_(limit), pace_limit_(pace) {}

  /// `rest` is all that is left; it has to stay until it is sent. The trailers go behind it.
  void finish(std::string_view rest = {}) noexcept;
  /// Sends a piece of the body of stream `id`, and waits until all of it is on its way. Throws incomplete_message when
  /// the stream is closed.
  task<void> send(std::int32_t id, std::string_view data);
  void set_trailers(const fields& trailers);
  /// The stream is closed.
  void close() noexcept;
  /// `which` is set when everything has been sent; it outlives this.
  void announce_end(event& which) noexcept { at_end_ = &which; }

  /// It has stalled, but meanwhile the connection has carried enough of other bodies: then it may wait on.
  [[nodiscard]] bool let_others_pass(time_point now) noexcept;
  [[nodiscard]] bool stalled(time_point now) const noexcept { return deadline_ <= now; }
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  [[nodiscard]] std::string_view unsent() const noexcept { return piece_; }
  [[nodiscard]] bool is_last() const noexcept { return last_; }
  [[nodiscard]] const fields& trailers() const noexcept { return trailers_; }
  /// Has sent everything, and its end.
  [[nodiscard]] bool finished() const noexcept { return last_ && piece_.empty(); }
  /// `bytes` of unsent() are on their way.
  void sent(std::size_t bytes) noexcept;

 private:
  void begin_piece(std::string_view piece) noexcept;
  void expect_progress() noexcept;

  http2_engine& engine_;
  duration limit_;
  pace_limit pace_limit_;
  transfer_pace pace_;
  time_point piece_began_{};
  std::uint64_t carried_before_ = 0;  // by the connection, when the piece began
  std::string_view piece_;
  fields trailers_;
  event taken_away_;
  event* at_end_ = nullptr;
  time_point deadline_ = never;
  bool last_ = false;
  bool closed_ = false;
};

}  // namespace eddy::http::detail
