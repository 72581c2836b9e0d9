// The program behind 07-sockets-and-streams.md.
#include "expect.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/io/buffered_writer.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/net/net.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

// [server]
namespace net = eddy::net;
namespace io = eddy::io;

eddy::task<void> shout_back(net::tcp_stream peer) {
  io::buffered_reader reader(peer);
  while (auto line = co_await reader.read_line()) {
    for (char& c : *line) c = static_cast<char>(std::toupper(c));
    co_await peer.write_all(*line + "\n");
  }  // the peer has ended its side; the stream closes with this frame
}

eddy::task<void> serve_for_ever(net::tcp_listener& listener) {
  co_await net::serve(listener, shout_back, {.max_connections = 1000, .drain_limit = 5s});
}
// [/server]

// [client]
eddy::task<std::string> ask(std::string host, std::uint16_t port) {
  auto stream = co_await net::tcp_stream::connect(host, port, {.timeout = 3s});
  io::buffered_writer writer(stream);
  io::buffered_reader reader(stream);
  co_await writer.write("hello\n");
  co_await writer.write("anybody there?\n");
  co_await writer.flush();  // both lines in one packet
  const auto first = co_await eddy::with_timeout(1s, reader.read_line());
  const auto second = co_await eddy::with_timeout(1s, reader.read_line());
  co_return *first + " " + *second;
}
// [/client]

// [error]
eddy::task<std::string> try_to_connect(net::address to) {
  try {
    auto stream = co_await net::tcp_stream::connect(to);
    co_return "connected";
  } catch (const eddy::error& e) {
    if (e == eddy::condition::disconnected) co_return "nobody there: " + e.peer();
    throw;
  }
}
// [/error]

// [memory]
eddy::task<std::string> first_line(io::any_stream stream) {
  io::buffered_reader reader(stream);
  auto line = co_await reader.read_line();
  co_return line ? *line : std::string();
}

eddy::task<std::string> without_a_network() {
  auto [here, there] = io::memory_stream_pair();
  co_await io::write_all(here, "GET / HTTP/1.1\r\n");
  io::any_stream stream(std::move(there));
  co_return co_await first_line(std::move(stream));
}
// [/memory]

// [udp]
eddy::task<std::string> one_datagram(net::udp_socket& from, net::udp_socket& to) {
  co_await from.send_to(io::bytes_of("ping"), to.local());
  std::array<std::byte, 1500> buffer;
  const net::datagram got = co_await to.receive_from(buffer);
  co_return std::string(io::text_of(std::span(buffer).first(got.size)));
}
// [/udp]

eddy::task<void> everything() {
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const net::address there = listener.local();
  std::string answer;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(serve_for_ever(listener));
    answer = co_await ask("127.0.0.1", there.port());
    group.cancel();
  });
  expect(answer == "HELLO ANYBODY THERE?");
  listener.close();
  const std::string refused = co_await try_to_connect(there);
  expect(refused.starts_with("nobody there: 127.0.0.1"));
  const std::string line = co_await without_a_network();
  expect(line == "GET / HTTP/1.1");
  auto a = net::udp_socket::bind(net::address::loopback_v4(0));
  auto b = net::udp_socket::bind(net::address::loopback_v4(0));
  const std::string ping = co_await one_datagram(a, b);
  expect(ping == "ping");
}

int main() { eddy::testing::run_virtual(everything()); }
