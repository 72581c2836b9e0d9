// A TCP echo server for the load generator.
//
//   echo <port> [loops]
#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>

#include <eddy/net/connection_spread.hpp>
#include <eddy/net/serve.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>

namespace {

eddy::task<void> echo(eddy::net::tcp_stream peer) {
  std::array<std::byte, 4096> buffer;
  try {
    for (;;) {
      const std::size_t received = co_await peer.read_some(buffer);
      if (received == 0) co_return;
      co_await peer.write_all(std::span(buffer).first(received));
    }
  } catch (const eddy::error& e) {
    if (e != eddy::condition::disconnected)
      throw;  // the load generator leaves without saying goodbye
  }
}

eddy::task<void> serve(std::uint16_t port, eddy::net::connection_spread* spread) {
  const eddy::net::listen_options how{.reuse_port = spread != nullptr};
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(port), how);
  co_await eddy::net::serve(listener, echo, {.spread = spread});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: %s <port> [loops]\n", argv[0]);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  eddy::run_options options;
  if (argc == 3) options.loops = static_cast<std::size_t>(std::atoi(argv[2]));
  eddy::net::connection_spread spread;
  try {
    eddy::run([&] { return serve(port, options.loops > 1 ? &spread : nullptr); }, options);
  } catch (const eddy::error& ended) {
    if (ended == eddy::errc::interrupted) return 0;
    std::fprintf(stderr, "%s\n", ended.what());
    return 1;
  }
}
