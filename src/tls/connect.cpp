#include <eddy/tls/connect.hpp>

#include <utility>

namespace eddy::tls {

task<stream> connect(std::string host, std::uint16_t port, context client,
                     net::connect_options connecting, handshake_options shaking) {
  auto tcp = co_await net::tcp_stream::connect(host, port, connecting);
  io::any_stream under(std::move(tcp));
  co_return co_await stream::connect(std::move(under), std::move(client), std::move(host), shaking);
}

}  // namespace eddy::tls
