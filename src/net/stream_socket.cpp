#include <eddy/net/stream_socket.hpp>

#include <sys/socket.h>

#include <eddy/io/stream.hpp>

namespace eddy::net {

static_assert(io::byte_stream<stream_socket>);

namespace {

// An adopted descriptor has nobody to know when the connection was broken before.
bool is_known(const runtime::descriptor& on, const address& peer) {
  if (!peer.is_ip()) return false;
  try {
    return on.peer_address() == peer;
  } catch (const error&) {
    return false;
  }
}

}  // namespace

stream_socket::stream_socket(std::unique_ptr<runtime::descriptor> connected, const address& peer)
    : socket(std::move(connected)),
      named_(is_known(on(), peer) ? nullptr : std::make_unique<const address>(peer)) {}

address stream_socket::peer() const { return named_ != nullptr ? *named_ : on().peer_address(); }

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
