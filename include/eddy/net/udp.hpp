// UDP sockets.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <eddy/coro/task.hpp>
#include <eddy/net/socket.hpp>

namespace eddy::net {

/// One datagram as it was received.
struct datagram {
  std::size_t size = 0;    ///< bytes stored in the buffer
  address from;            ///< who sent it
  bool truncated = false;  ///< it was longer than the buffer; the rest is lost
};

/// Receives one datagram, which may be empty.
class receive_operation final : public runtime::io_operation {
 public:
  receive_operation(runtime::descriptor& on, std::span<std::byte> into) noexcept
      : io_operation(on, runtime::io_verb::receive_from),
        size_(into.size()),
        into_{iovec{into.data(), into.size()}, iovec{}} {}

  bool try_complete() {
    into_[1] = {&excess_,
                1};  // here and not in the constructor: an operation may move until it is awaited
    buffers = into_;
    address = &from_;
    return io_operation::try_complete();
  }
  [[nodiscard]] datagram take();

 private:
  std::size_t size_;
  std::array<iovec, 2> into_;  // the second one is hit only by datagrams that are too long
  std::byte excess_{};
  net::address from_;
};

/// Sends one datagram, to the connected peer when `to` is empty.
class send_operation final : public runtime::io_operation {
 public:
  send_operation(runtime::descriptor& on, std::span<const std::byte> bytes,
                 const net::address& to) noexcept
      : io_operation(on, runtime::io_verb::send_to),
        bytes_{const_cast<std::byte*>(bytes.data()), bytes.size()},
        to_(to) {}

  bool try_complete() {
    buffers = {&bytes_, 1};
    address = &to_;
    return io_operation::try_complete();
  }
  void take() { static_cast<void>(take_count("send")); }

 private:
  iovec bytes_;
  net::address to_;
};

struct udp_options {
  bool reuse_address = false;
  bool reuse_port = false;  ///< share the port with other sockets, e.g. one per loop
  bool v6_only = false;     ///< an IPv6 socket does not take IPv4 datagrams
  bool broadcast = false;   ///< may send to broadcast addresses
};

/// A UDP socket; ownership, closing and cancellation: socket.hpp. One task may receive and one may send at a time.
class udp_socket final : public socket {
 public:
  /// A socket that receives at `local`; port 0 takes a free one, which local() names. Throws the system's error.
  [[nodiscard]] static udp_socket bind(const address& local, udp_options options = {});
  /// A socket that exchanges datagrams with `peer` only. What the network reports about the peer (port unreachable)
  /// is thrown by later operations.
  static task<udp_socket> connect(address peer, udp_options options = {});

  /// Sends one datagram; one that is too long for the network throws EMSGSIZE.
  [[nodiscard]] send_operation send_to(std::span<const std::byte> bytes, const address& to) {
    return {on(), bytes, to};
  }
  /// Waits for a datagram from anybody; of a connected socket, from its peer.
  [[nodiscard]] receive_operation receive_from(std::span<std::byte> into) { return {on(), into}; }

  /// For a connected socket.
  [[nodiscard]] send_operation send(std::span<const std::byte> bytes) {
    return {on(), bytes, address()};
  }
  [[nodiscard]] receive_operation receive(std::span<std::byte> into) { return {on(), into}; }

  /// Releases the descriptor; a waiting task gets errc::closed.
  void close() noexcept { on().close(); }

 private:
  explicit udp_socket(std::unique_ptr<runtime::descriptor> on) noexcept : socket(std::move(on)) {}
  static udp_socket open(const address& like, const udp_options& options);
};

}  // namespace eddy::net
