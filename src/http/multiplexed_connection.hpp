// The seam for HTTP/2: a client's connection that carries many requests at once. The pool keeps at most one per origin
// and gives it to every request that it accepts, in order of arrival; see connection_pool.hpp.
//
// When TLS has agreed on "h2", client_dialer.cpp calls make_multiplexed_connection() with the stream; everything behind
// that belongs to HTTP/2. The pool, and each response that comes over the connection, share its ownership: it is
// destroyed when nobody needs it any more.
#pragma once

#include "incoming_response.hpp"
#include "outgoing_request.hpp"

#include <cstddef>
#include <memory>

#include <eddy/coro/task.hpp>
#include <eddy/http/client_options.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/net/address.hpp>

namespace eddy::http::detail {

/// Who must be told when accepts() or ended() may have changed, or running() has become zero: the pool. It may destroy
/// the connection in the call.
class capacity_observer {
 public:
  virtual void capacity_changed() noexcept = 0;

 protected:
  ~capacity_observer() = default;
};

/// Belongs to one loop. Has what tasks of its own it needs (spawned on the loop's root group), and sees to their end.
class multiplexed_connection {
 public:
  multiplexed_connection() = default;
  multiplexed_connection(const multiplexed_connection&) = delete;
  multiplexed_connection& operator=(const multiplexed_connection&) = delete;
  /// Ends it at once. May be called from outside any task.
  virtual ~multiplexed_connection() = default;

  /// Null, or who is told; set by the pool.
  virtual void observe(capacity_observer* who) noexcept = 0;
  /// Whether another request may begin now: the peer's stream limit is not reached and it has not said goodbye.
  [[nodiscard]] virtual bool accepts() const noexcept = 0;
  /// It will never accept again: the connection failed, or the peer sent GOAWAY.
  [[nodiscard]] virtual bool ended() const noexcept = 0;
  /// Requests whose responses have not ended.
  [[nodiscard]] virtual std::size_t running() const noexcept = 0;

  /// Sends the request and waits for the final head; counted by running() from the call on. accepts() was true when it
  /// was decided on: where it is not any more, this waits, or fails as not processed. request.stream->write is called
  /// while the response is awaited too, so that a server may answer early. Cancelled: the stream is reset. Throws
  /// error; one whose code is request_errc::not_processed says that the peer has done nothing with the request
  /// (REFUSED_STREAM, or above GOAWAY's last stream): it is sent again whatever its method. Of `limits` those of
  /// sending and of waiting for the head count here: passing one is errc::timed_out.
  virtual task<std::unique_ptr<incoming_response>> exchange(const outgoing_request& request,
                                                            const client_timeouts& limits) = 0;
};

/// A connection of HTTP/2 over a stream on which nothing has been sent: sends the preface and its settings, and does
/// not wait for the peer's.
[[nodiscard]] std::unique_ptr<multiplexed_connection> make_multiplexed_connection(
    io::any_stream stream, const net::address& peer);

}  // namespace eddy::http::detail
