// What a client_response owns: the response as it comes in, its decoder, and the request's limits.
#pragma once

#include "incoming_response.hpp"
#include "layered_decoder.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/client_error.hpp>
#include <eddy/http/message.hpp>

namespace eddy::http::detail {

/// How a request stands: for its errors.
struct request_progress {
  request_phase phase = request_phase::preparing;
  std::string method;
  std::string url;
  std::string peer;
  duration time_limit{};  // the whole request's

  [[nodiscard]] request_error failed(std::error_code cause, std::string_view detail = {}) const {
    return {cause, phase, method, url, peer, detail};
  }
  /// The request's total time is up.
  [[nodiscard]] request_error timed_out() const;
  /// Another limit is: `what` says what has not happened in that time.
  [[nodiscard]] request_error timed_out(duration limit, std::string_view what) const;
};

/// The limits under which a body is read.
struct reading_limits {
  time_point deadline = never;
  duration idle = duration::max();
  std::size_t max_body = 0;
  bool decompress = false;
};

class response_state {
 public:
  response_state(std::unique_ptr<incoming_response> from, request_progress at,
                 const reading_limits& limits);

  task<std::size_t> read_some(std::span<std::byte> into);
  task<std::string> body();
  task<void> discard();

  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] const request_progress& progress() const noexcept { return at_; }

  int status;
  http::fields fields;
  http::fields trailers;
  net::address peer;
  std::size_t redirects = 0;
  bool reused = false;

 private:
  /// The next piece as it was sent, at most `most` bytes; empty at the end. A view until the next call.
  task<std::string_view> next_piece(std::size_t most);
  /// next_piece()'s has been copied: the response may be at its end.
  void piece_used();
  task<void> wait();
  task<std::size_t> read_decoded(std::span<std::byte> into);
  task<std::size_t> read(std::span<std::byte> into);
  void end();
  void limit(std::size_t bytes, std::size_t so_far);
  [[noreturn]] void fail(std::error_code cause, std::string_view detail = {});

  std::unique_ptr<incoming_response> from_;  // null after a failure
  request_progress at_;
  reading_limits limits_;
  std::optional<layered_decoder> decoder_;
  std::string_view coded_;  // of the last piece, not yet decoded
  bool finished_ = false;
  bool reading_ = false;
};

}  // namespace eddy::http::detail
