#include <eddy/net/stream_socket.hpp>

#include <sys/socket.h>

#include <eddy/io/stream.hpp>

namespace eddy::net {

static_assert(io::byte_stream<stream_socket>);

task<void> stream_socket::write_all(std::span<const std::byte> bytes) {
  return io::write_all(*this, bytes);
}

task<void> stream_socket::write_all(std::span<const iovec> parts) {
  return io::write_all(*this, parts);
}

void stream_socket::abort() noexcept {
  if (!is_open()) return;
  try {
    // Lingering for zero seconds makes the system discard what it holds and reset the connection.
    on().set_option(SOL_SOCKET, SO_LINGER, 0);
  } catch (const error&) {
    // Unix sockets and simulated ones may not know it; closing is what matters.
  }
  on().close();
}

}  // namespace eddy::net
