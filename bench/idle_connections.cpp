// What an idle connection costs a server: opens many, sends one request or WebSocket message on each, waits until they
// have come to rest, and prints the memory that each holds. The clients are plain sockets in the same process.
//
//   idle_connections [count] [http|websocket|deflate]       EDDY_DRIVER chooses the driver
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/wire/websocket.hpp>

namespace {

namespace http = eddy::http;

std::size_t heap_in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

enum class kind { http, websocket, deflate };

void ask(int client, std::string_view text) {
  char answer[4096];
  if (::send(client, text.data(), text.size(), 0) < 0) std::abort();
  if (::recv(client, answer, sizeof answer, 0) <= 0) std::abort();
}

// A message of 2000 bytes from a client, so that its echo is compressed where that was agreed on.
std::string message(bool compressed) {
  namespace ws = eddy::wire::websocket;
  std::string payload(2000, 'x');
  if (compressed) {
    std::string packed;
    ws::deflater({}).compress(std::as_bytes(std::span(payload)), packed);
    payload = packed;
  }
  ws::frame_header head;
  head.compressed = compressed;
  head.mask = ws::make_masking_key(0x12345678);
  std::string frame;
  ws::write_frame(frame, head, std::as_bytes(std::span(payload)));
  return frame;
}

// One client that has had an answer, and says no more.
int ask_once(const eddy::net::address& server, kind what) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client < 0 || ::connect(client, server.data(), server.size()) != 0) std::abort();
  if (what == kind::http) {
    ask(client, "GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n");
    return client;
  }
  std::string upgrade =
      "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (what == kind::deflate) upgrade += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  ask(client, upgrade + "\r\n");
  ask(client, message(what == kind::deflate));
  return client;
}

std::vector<int> ask_many(eddy::net::address server, std::size_t count, kind what) {
  std::vector<int> clients;
  clients.reserve(count);
  while (clients.size() < count) clients.push_back(ask_once(server, what));
  return clients;
}

// So that what busy connections need, which is kept for the next ones, does not count.
constexpr std::size_t wave = 500;

eddy::task<void> open_in_waves(std::vector<int>& clients, eddy::net::address at, std::size_t count,
                               kind what) {
  for (std::size_t opened = 0; opened < count; opened += wave) {
    const std::vector<int> some =
        co_await eddy::to_thread(ask_many, at, std::min(wave, count - opened), what);
    clients.insert(clients.end(), some.begin(), some.end());
    co_await eddy::sleep(std::chrono::milliseconds(1500));
  }
}

eddy::task<void> echo(http::websocket& peer) {
  http::websocket_message message;
  bool more = co_await peer.receive(message);
  while (more) {
    co_await peer.send(message);
    more = co_await peer.receive(message);
  }
}

eddy::task<void> measure(std::size_t count, kind what) {
  http::server app;
  app.get("/", [](http::request&) { return http::response::of("text/plain", "Hello, World!"); });
  app.get("/ws", [](http::request& r) { return http::websocket_upgrade(r, echo); });
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(0));
  const eddy::net::address at = listener.local();
  auto body = [&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(app.serve(listener));
    std::vector<int> clients;
    co_await open_in_waves(clients, at, wave, what);
    const std::size_t before = heap_in_use();
    co_await open_in_waves(clients, at, count, what);
    const std::size_t after = heap_in_use();
    std::printf("%zu idle connections: %zu bytes each\n", count, (after - before) / count);
    for (const int one : clients) ::close(one);
    app.shutdown();
  };
  co_await eddy::with_group(body);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 9'000;
  const std::string_view name = argc > 2 ? argv[2] : "http";
  if (name != "http" && name != "websocket" && name != "deflate") {
    std::fputs("usage: idle_connections [count] [http|websocket|deflate]\n", stderr);
    return 2;
  }
  const kind what = name == "http"        ? kind::http
                    : name == "websocket" ? kind::websocket
                                          : kind::deflate;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  eddy::run(measure(count, what));
}
