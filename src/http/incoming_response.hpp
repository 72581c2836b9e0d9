// A response whose final head has come, whichever version of HTTP carries it, and the way to its body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <eddy/coro/task.hpp>
#include <eddy/http/message.hpp>
#include <eddy/net/address.hpp>

namespace eddy::http::detail {

/// One task reads at a time; response_state sees to that, and to all time limits. Destroyed before the end it gives up
/// the rest: a connection of HTTP/1.1 is closed, a stream of HTTP/2 reset.
class incoming_response {
 public:
  incoming_response() = default;
  incoming_response(const incoming_response&) = delete;
  incoming_response& operator=(const incoming_response&) = delete;
  virtual ~incoming_response() = default;

  /// A piece of the body that is there already, 1 to `most` bytes and consumed with that: a view until the next call.
  /// Empty: the body has ended, and trailers are complete. nullopt: wait() first. Throws error for a broken message.
  virtual std::optional<std::string_view> take_piece(std::size_t most) = 0;
  /// Waits until take_piece() has something to say. A cancelled wait has lost nothing. Throws error.
  virtual task<void> wait() = 0;
  /// The view that take_piece() gave has been copied.
  virtual void piece_used() {}
  /// What is still to come, as far as it was announced; for reserving memory.
  [[nodiscard]] virtual std::uint64_t announced() const noexcept = 0;

  bool ended = false;  // the body has; trailers are complete
  int status = 0;
  http::fields fields;
  http::fields trailers;
  net::address peer;            // what the connection was made to; empty where a connector made it
  bool reused = false;          // the connection had served a request before
  std::shared_ptr<void> keeps;  // what has to live as long; set by the caller
};

}  // namespace eddy::http::detail
