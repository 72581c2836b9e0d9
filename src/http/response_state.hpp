// What a client_response owns: the connection's lease, and where in the message it stands.
#pragma once

#include "connection_pool.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/client_error.hpp>
#include <eddy/http/message.hpp>
#include <eddy/wire/http1_body.hpp>

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
  [[nodiscard]] request_error timed_out() const;
};

class response_state {
 public:
  /// Takes over a connection whose parser has just read a final head, which has been consumed. Throws request_error
  /// when there are bytes behind a response without a body.
  response_state(lease on, const wire::http1::limits& bounds, request_progress at,
                 time_point deadline, std::size_t max_body);

  task<std::size_t> read_some(std::span<std::byte> into);
  task<std::string> body();
  task<void> discard();

  [[nodiscard]] bool finished() const noexcept { return ended_; }
  [[nodiscard]] const request_progress& progress() const noexcept { return at_; }

  int status;
  http::fields fields;
  http::fields trailers;
  std::size_t redirects = 0;
  bool reused = false;

 private:
  /// The next piece of the body, at most `most` bytes; empty at its end. A view into the connection's buffer that has
  /// been consumed already: valid until the next call.
  task<std::string_view> next_piece(std::size_t most);
  task<void> fill();
  void end();
  void limit(std::size_t bytes, std::size_t so_far);
  [[noreturn]] void fail(std::error_code cause, std::string_view detail = {});

  lease on_;
  wire::http1::limits limits_;
  wire::http1::body_decoder decoder_;
  request_progress at_;
  time_point deadline_;
  std::size_t max_body_;
  bool keep_alive_;
  bool ended_ = false;
  bool reading_ = false;
};

}  // namespace eddy::http::detail
