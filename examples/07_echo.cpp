// An echo server and a client that talks to it.
#include <array>
#include <iostream>
#include <span>
#include <string>

#include <eddy/eddy.hpp>

namespace net = eddy::net;

eddy::task<void> echo(net::tcp_stream peer) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t received = co_await peer.read_some(buffer);
    if (received == 0) break;  // the peer has ended its side
    co_await peer.write_all(std::span(buffer).first(received));
  }
}

eddy::task<std::string> ask(net::address server, std::string question) {
  auto stream = co_await net::tcp_stream::connect(server);
  co_await stream.write_all(question);
  co_await stream.shutdown_write();
  std::string answer;
  std::array<char, 256> buffer;
  for (;;) {
    const std::size_t received =
        co_await stream.read_some(std::as_writable_bytes(std::span(buffer)));
    if (received == 0) co_return answer;
    answer.append(buffer.data(), received);
  }
}

eddy::task<int> async_main() {
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  std::string answer;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(net::serve(listener, echo));
    answer = co_await ask(listener.local(), "anybody there?");
    group.cancel();  // ends the server
  });
  std::cout << answer << '\n';
  co_return answer == "anybody there?" ? 0 : 1;
}

int main() { return eddy::run(async_main()); }
