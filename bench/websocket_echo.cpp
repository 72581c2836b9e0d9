// A WebSocket echo server for the load generator: websocket_echo <port>.
#include <charconv>
#include <cstdio>
#include <cstring>

#include <eddy/http/server.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/runtime/run.hpp>

namespace {

eddy::task<void> echo(eddy::http::websocket& peer) {
  eddy::http::websocket_message message;
  bool more = co_await peer.receive(message);
  while (more) {
    co_await peer.send(message);
    more = co_await peer.receive(message);
  }
}

eddy::task<void> serve(std::uint16_t port) {
  eddy::http::server app;
  app.get("/ws", [](eddy::http::request& r) { return eddy::http::websocket_upgrade(r, echo); });
  co_await app.listen_and_serve("127.0.0.1", port);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc != 2 ||
      std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), port).ec != std::errc()) {
    std::fputs("usage: websocket_echo <port>\n", stderr);
    return 2;
  }
  try {
    eddy::run(serve(port));
  } catch (const eddy::error& e) {
    if (e != eddy::errc::interrupted) throw;
  }
}
