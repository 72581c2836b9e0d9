// Connected byte streams over sockets: the mechanism under tcp_stream and unix_stream. Models io::byte_stream.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <eddy/coro/task.hpp>
#include <eddy/net/socket.hpp>

namespace eddy::net {

/// A connected socket. See socket.hpp for ownership, closing and cancellation.
class stream_socket : public socket {
 public:
  /// `on` is connected to `peer`.
  stream_socket(std::unique_ptr<runtime::descriptor> on, const address& peer);

  /// The other side, as it was when the connection was made; empty for an unnamed Unix socket.
  [[nodiscard]] address peer() const;

  /// Waits for at least one byte and gives the number of bytes stored; 0: the peer has ended its side.
  [[nodiscard]] read_operation read_some(std::span<std::byte> into) { return {on(), into}; }

  /// Whether read_some would be done at once: there are bytes, or the peer has ended its side or gone. Does not wait.
  [[nodiscard]] bool is_readable() const { return on().is_readable(); }
  /// Waits until it is. It takes the place of a reader.
  [[nodiscard]] readable_operation wait_readable() { return readable_operation(on()); }

  /// Writes some of `bytes`, at least one, and gives how many. Throws condition::disconnected when the peer is gone;
  /// never raises a signal.
  [[nodiscard]] write_operation write_some(std::span<const std::byte> bytes) {
    return {on(), bytes};
  }
  /// The same for several buffers in a row. `parts` has to live as long as the await.
  [[nodiscard]] write_operation write_some(std::span<const iovec> parts) { return {on(), parts}; }

  /// Sends some bytes of a file without copying them, and gives how many: 0 at the file's end. Throws
  /// errc::unsupported where the driver or the file cannot; nothing has been sent then. The file has to live as long
  /// as the await.
  [[nodiscard]] send_file_operation send_file(const runtime::open_file& file, std::uint64_t offset,
                                              std::size_t most) {
    return {on(), file, offset, most};
  }

  /// Writes everything. The progress() of the error or of the `cancelled` it throws says how many bytes were written:
  /// exactly these are on their way to the peer. The bytes have to live as long as the await.
  task<void> write_all(std::span<const std::byte> bytes);
  task<void> write_all(std::string_view text) { return write_all(std::as_bytes(std::span(text))); }
  task<void> write_all(std::span<const iovec> parts);

  /// Ends the own side; the peer reads the end and may still answer.
  [[nodiscard]] shutdown_operation shutdown_write() {
    return {on(), shutdown_operation::what::writing};
  }
  /// Ends the own side after everything written so far, and releases the descriptor; the system goes on delivering.
  /// Bytes from the peer that were not read by then make the system reset the connection: a protocol in which the peer
  /// may still be sending ends its side with shutdown_write() and reads to the end first.
  [[nodiscard]] shutdown_operation close() { return {on(), shutdown_operation::what::everything}; }
  /// Discards what was not sent, resets the connection and releases the descriptor. For other tasks and for give-ups.
  void abort() noexcept;

 private:
  std::unique_ptr<const address>
      named_;  // the peer, unless it is an IP address, which the descriptor knows
};

}  // namespace eddy::net
