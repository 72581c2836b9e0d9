// upgraded_connection: a connection that has left HTTP for another protocol (101 Switching Protocols, RFC 9110 7.8).
//
//   return eddy::http::response::upgrade("echo", {}, [](eddy::http::upgraded_connection& on) -> eddy::task<void> {
//     std::array<std::byte, 1024> buffer;
//     while (auto n = co_await on.stream().read_some(buffer)) {
//       co_await eddy::io::write_all(on.stream(), std::span(buffer).first(n));
//     }
//   });
#pragma once

#include <functional>
#include <utility>

#include <eddy/coro/future.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/net/address.hpp>

namespace eddy::http {

/// Given to the handler of an upgrade, by reference; lives until that handler has ended. The request is gone by then.
///
/// The server's time limits do not count any more: reads and writes have those that the handler gives them. When the
/// handler has returned the connection is closed; when it throws it is reset, and what failed goes to the error hook,
/// unless the client has gone. At the drain limit of an ending server the handler is cancelled.
class upgraded_connection {
 public:
  upgraded_connection(io::any_stream& stream, const net::address& peer,
                      future<void> draining) noexcept
      : stream_(stream), peer_(peer), draining_(std::move(draining)) {}
  upgraded_connection(const upgraded_connection&) = delete;
  upgraded_connection& operator=(const upgraded_connection&) = delete;

  /// Bytes that came behind the request's head are read first.
  [[nodiscard]] io::any_stream& stream() noexcept { return stream_; }
  [[nodiscard]] const net::address& peer() const noexcept { return peer_; }
  /// Set when the server's end begins: time to say goodbye.
  [[nodiscard]] future<void> draining() const noexcept { return draining_; }

 private:
  io::any_stream& stream_;
  const net::address& peer_;
  future<void> draining_;
};

/// Runs an upgraded connection to its end.
using upgraded_handler = std::move_only_function<task<void>(upgraded_connection&)>;

}  // namespace eddy::http
