// The load generator of the echo benchmarks: messages of 64 bytes, the next after the answer to the last, on many
// connections over two loops. Prints "rate <messages per second>".
//
//   load echo|websocket <port> <connections> <seconds>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>

namespace {

constexpr std::string_view handshake =
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// What goes to the server again and again, and how long each answer is.
struct exchange {
  std::string opening;
  std::string message;
  std::size_t answer = 0;
};

exchange exchange_for(std::string_view kind) {
  const std::string text(64, 'x');
  if (kind == "echo") return {"", text, text.size()};
  // RFC 6455, 5.2: a final text frame, masked with zeros; the answer has no mask.
  return {std::string(handshake), std::string("\x81\xc0\0\0\0\0", 6) + text, 2 + text.size()};
}

struct load {
  exchange what;
  eddy::net::address server;
  int connections = 0;
  eddy::duration length{};
};

eddy::task<void> exchange_messages(const load& given, long& count) {
  auto stream = co_await eddy::net::tcp_stream::connect(given.server);
  stream.set_nodelay(true);
  eddy::io::buffered_reader reader(stream);
  if (!given.what.opening.empty()) {
    co_await stream.write_all(std::as_bytes(std::span(given.what.opening)));
    const std::string head = co_await reader.read_until("\r\n\r\n");
    if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("no WebSocket: " + head);
  }
  const auto message = std::as_bytes(std::span(given.what.message));
  std::array<std::byte, 256> answer;
  const auto expected = std::span(answer).first(given.what.answer);
  for (;;) {
    co_await stream.write_all(message);
    std::size_t received = 0;
    while (received < expected.size()) {
      const std::size_t more = co_await stream.read_some(expected.subspan(received));
      if (more == 0) throw std::runtime_error("the server hung up");
      received += more;
    }
    ++count;
  }
}

// What all loops have counted.
struct total {
  std::mutex mutex;
  double rate = 0;
};

eddy::task<int> measure(const load& given, total& sum) {
  long count = 0;
  auto all = [&](eddy::task_group& group) -> eddy::task<void> {
    for (int i = 0; i < given.connections; ++i) group.spawn(exchange_messages(given, count));
    co_return;
  };
  const eddy::time_point began = eddy::now();
  co_await eddy::move_on_after(given.length, eddy::with_group(all));
  const std::chrono::duration<double> elapsed = eddy::now() - began;
  const std::lock_guard lock(sum.mutex);
  sum.rate += static_cast<double>(count) / elapsed.count();
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s echo|websocket <port> <connections> <seconds>\n", argv[0]);
    return 2;
  }
  constexpr int loops = 2;
  load given;
  given.what = exchange_for(argv[1]);
  given.server = eddy::net::address::loopback_v4(static_cast<std::uint16_t>(std::atoi(argv[2])));
  given.connections = std::max(1, std::atoi(argv[3]) / loops);
  given.length = std::chrono::milliseconds(static_cast<long>(1000 * std::atof(argv[4])));
  total sum;
  eddy::run_options options;
  options.loops = loops;
  try {
    const int result = eddy::run([&] { return measure(given, sum); }, options);
    std::printf("rate %.0f\n", sum.rate);
    return result;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
