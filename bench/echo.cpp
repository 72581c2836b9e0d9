// A TCP echo server for the load generator: echo <port>.
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <span>

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

eddy::task<void> serve(std::uint16_t port) {
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(port));
  co_await eddy::net::serve(listener, echo);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc != 2 ||
      std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), port).ec != std::errc()) {
    std::fputs("usage: echo <port>\n", stderr);
    return 2;
  }
  try {
    eddy::run(serve(port));
  } catch (const eddy::error& e) {
    if (e != eddy::errc::interrupted) throw;
  }
}
