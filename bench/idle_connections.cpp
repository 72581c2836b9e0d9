// What an idle keep-alive connection costs a server: opens many, sends one request on each, waits until they have come
// to rest, and prints the memory that each holds. The clients are plain sockets in the same process.
//
//   idle_connections [count]       EDDY_DRIVER chooses the driver
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>

namespace {

namespace http = eddy::http;

std::size_t heap_in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// One client that has had an answer, and says no more.
int ask_once(const eddy::net::address& server) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client < 0 || ::connect(client, server.data(), server.size()) != 0) std::abort();
  constexpr std::string_view text = "GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n";
  char answer[4096];
  if (::send(client, text.data(), text.size(), 0) < 0) std::abort();
  if (::recv(client, answer, sizeof answer, 0) <= 0) std::abort();
  return client;
}

std::vector<int> ask_many(eddy::net::address server, std::size_t count) {
  std::vector<int> clients;
  clients.reserve(count);
  while (clients.size() < count) clients.push_back(ask_once(server));
  return clients;
}

// So that what busy connections need, which is kept for the next ones, does not count.
constexpr std::size_t wave = 500;

eddy::task<void> open_in_waves(std::vector<int>& clients, eddy::net::address at,
                               std::size_t count) {
  for (std::size_t opened = 0; opened < count; opened += wave) {
    const std::vector<int> some =
        co_await eddy::to_thread(ask_many, at, std::min(wave, count - opened));
    clients.insert(clients.end(), some.begin(), some.end());
    co_await eddy::sleep(std::chrono::milliseconds(1500));
  }
}

eddy::task<void> measure(std::size_t count) {
  http::server app;
  app.get("/", [](http::request&) { return http::response::of("text/plain", "Hello, World!"); });
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(0));
  const eddy::net::address at = listener.local();
  auto body = [&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(app.serve(listener));
    std::vector<int> clients;
    co_await open_in_waves(clients, at, wave);
    const std::size_t before = heap_in_use();
    co_await open_in_waves(clients, at, count);
    const std::size_t after = heap_in_use();
    std::printf("%zu idle connections: %zu bytes each\n", count, (after - before) / count);
    for (const int one : clients) ::close(one);
    app.shutdown();
  };
  co_await eddy::with_group(body);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 9'000;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  eddy::run(measure(count));
}
