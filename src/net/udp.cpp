#include <eddy/net/udp.hpp>

#include <algorithm>

#include <netinet/in.h>

#include <eddy/runtime/loop.hpp>

namespace eddy::net {

datagram receive_operation::take() {
  const std::size_t received = take_count("receive");
  datagram one;
  one.size = std::min(received, size_);
  one.from = from_;
  one.truncated = received > size_;
  return one;
}

udp_socket udp_socket::open(const address& like, const udp_options& options) {
  if (!like.is_ip()) throw_invalid_input("a UDP socket at " + like.to_string());
  auto on = runtime::loop::current().io().open_socket(like.family(), SOCK_DGRAM, 0);
  if (options.reuse_address) on->set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) on->set_option(SOL_SOCKET, SO_REUSEPORT, 1);
  if (options.broadcast) on->set_option(SOL_SOCKET, SO_BROADCAST, 1);
  if (like.family() == AF_INET6) on->set_option(IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only ? 1 : 0);
  return udp_socket(std::move(on));
}

udp_socket udp_socket::bind(const address& local, udp_options options) {
  udp_socket made = open(local, options);
  made.on().bind(local);
  return made;
}

task<udp_socket> udp_socket::connect(address peer, udp_options options) {
  udp_socket made = open(peer, options);
  co_await connect_operation(made.on(), peer);
  co_return made;
}

}  // namespace eddy::net
