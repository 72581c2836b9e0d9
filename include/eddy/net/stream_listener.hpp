// Listening sockets: the mechanism under tcp_listener and unix_listener.
#pragma once

#include <eddy/coro/future.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/net/socket.hpp>

namespace eddy::net {

/// A listening socket. See socket.hpp for ownership, closing and cancellation.
///
/// accept() of the derived classes waits for a connection. A connection that failed before it was accepted is skipped.
/// When the process or the system is out of descriptors or memory, that goes to the loop's error hook, once until an
/// accept succeeds, and the wait continues after the pause given in the options. Throws errc::closed once the listener
/// is closed, errc::busy when another task accepts.
class stream_listener : public socket {
 public:
  /// Stops listening: connections not accepted yet are reset, a task that waits in accept() gets errc::closed.
  void close() noexcept;
  /// Set by close().
  [[nodiscard]] future<void> closed() const { return closed_.get_future(); }

 protected:
  stream_listener(std::unique_ptr<runtime::descriptor> on, duration accept_pause)
      : socket(std::move(on)), accept_pause_(accept_pause) {}

  task<accept_operation::connection> accept_connection();

 private:
  duration accept_pause_;
  promise<void> closed_;
  bool starved_ = false;  // out of descriptors since the last success
};

}  // namespace eddy::net
