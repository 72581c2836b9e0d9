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
  /// The way to a close() that resets nobody: no further connections begin, and accept() goes on giving those begun.
  /// Who tries to connect meanwhile tries again, after a second as a rule, and reaches whoever listens then. Nothing
  /// happens to a listener that was adopted. Never throws: where the system does not know how, connections go on.
  void stop_connects() noexcept;
  /// Whether connections that are not accepted here are lost. An adopted one leaves them to others.
  [[nodiscard]] bool owns_queue() const noexcept { return owns_queue_; }
  /// Set by close().
  [[nodiscard]] future<void> closed() const { return closed_.get_future(); }

 protected:
  stream_listener(std::unique_ptr<runtime::descriptor> on, duration accept_pause,
                  bool owns_queue = true)
      : socket(std::move(on)), accept_pause_(accept_pause), owns_queue_(owns_queue) {}

  task<accept_operation::connection> accept_connection();

 private:
  duration accept_pause_;
  promise<void> closed_;
  bool owns_queue_;
  bool starved_ = false;  // out of descriptors since the last success
};

}  // namespace eddy::net
