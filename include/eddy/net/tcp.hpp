// TCP: connections and listeners.
//
//   auto stream = co_await eddy::net::tcp_stream::connect("example.org", 80);
//   co_await stream.write_all("GET / HTTP/1.0\r\n\r\n");
//
//   auto listener = eddy::net::tcp_listener::listen(eddy::net::address::any_v4(8000));
//   co_await eddy::net::serve(listener, [](eddy::net::tcp_stream peer) -> eddy::task<void> { ... });
#pragma once

#include <optional>
#include <string>

#include <eddy/net/resolver.hpp>
#include <eddy/net/stream_listener.hpp>
#include <eddy/net/stream_socket.hpp>

namespace eddy::net {

struct connect_options {
  duration timeout = std::chrono::seconds(30);  ///< for all of it, name resolution included
  duration attempt_delay =
      std::chrono::milliseconds(250);  ///< until the next address is tried as well (RFC 8305)
  address_family family = address_family::any;  ///< of the addresses that a host name gives
  address local = address();                    ///< to bind to first; empty: the system's choice
  bool nodelay = true;                          ///< send small writes at once (no Nagle)
  std::optional<keepalive> keep_alive = std::nullopt;  ///< off by default
};

/// A TCP connection.
class tcp_stream final : public stream_socket {
 public:
  using stream_socket::stream_socket;

  /// Connects to one address. Throws the system's error with the address as its peer, or errc::timed_out.
  static task<tcp_stream> connect(address to, connect_options options = {});

  /// Resolves `host` (a name or a numeric address) and races its addresses: families interleaved, the next attempt
  /// after options.attempt_delay or at once after a failure; the first to succeed wins, the others are cancelled and
  /// closed (RFC 8305). Throws what resolve() throws, connect_error holding all attempts, or errc::timed_out.
  static task<tcp_stream> connect(std::string host, std::uint16_t port,
                                  connect_options options = {});

  /// Whether small writes are sent at once. On by default, for accepted connections too.
  void set_nodelay(bool on);
  /// nullopt switches it off.
  void set_keepalive(const std::optional<keepalive>& when);
};

struct listen_options {
  int backlog = 1024;         ///< connections the system holds until they are accepted
  bool reuse_address = true;  ///< bind although old connections of this port linger
  bool reuse_port = false;    ///< share the port with other sockets: one listener per loop
  bool v6_only = false;       ///< an IPv6 listener does not take IPv4 connections
  bool nodelay = true;        ///< for accepted connections
  /// Bytes that the system takes beyond what the window of an accepted peer lets out; 0: megabytes,
  /// of which a thousand slow readers make a shortage for the whole machine.
  int unsent_limit = 256 * 1024;
  duration accept_pause = std::chrono::milliseconds(500);  ///< see stream_listener::accept
};

/// Accepts TCP connections.
class tcp_listener final : public stream_listener {
 public:
  using stream_type = tcp_stream;

  /// Binds and listens; port 0 takes a free one, which local() names. Throws the system's error.
  [[nodiscard]] static tcp_listener listen(const address& on, listen_options options = {});
  /// Takes over a socket that listens already: inherited from the parent process, or handed over by the process before
  /// this one. Others may hold it as well; connections that nobody has accepted yet stay with them when this is closed.
  /// Throws, and closes it, when it is no listening TCP socket.
  [[nodiscard]] static tcp_listener adopt(int fd,
                                          duration accept_pause = std::chrono::milliseconds(500));

  /// Waits for a connection; see stream_listener.
  task<tcp_stream> accept();

 private:
  using stream_listener::stream_listener;
};

}  // namespace eddy::net
