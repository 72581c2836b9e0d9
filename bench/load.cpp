// The load generator of the benchmarks: messages of 64 bytes or HTTP requests on many connections over two loops.
// Without a rate each follows the answer to the last; with one, each has its time, whether the server keeps up or
// not. Prints "rate <messages per second>" and, with a rate, the latencies "p50_us", "p99_us" and "p999_us", each the
// median of what it was in pieces of 100 ms.
//
// With a number of requests at once, connections take turns: all are used, but only so many wait for an answer.
//
// Its loops never sleep. So a server pays for no wake-ups, whose number hangs on how its pauses and theirs fall
// together, and a message leaves when it is due.
//
//   load echo|websocket|http <port> <connections> <seconds> [rate [at once]]       rate 0: none
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/semaphore.hpp>

namespace {

using wall = std::chrono::steady_clock;

constexpr std::string_view handshake =
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// What goes to the server again and again, and how long each answer is.
struct exchange {
  std::string opening;
  std::string message;
  std::size_t answer =
      0;  // 0: as long as the first, which is an HTTP response with a Content-Length
};

exchange exchange_for(std::string_view kind) {
  const std::string text(64, 'x');
  if (kind == "echo") return {"", text, text.size()};
  if (kind == "http") return {"", "GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n", 0};
  // RFC 6455, 5.2: a final text frame, masked with zeros; the answer has no mask.
  return {std::string(handshake), std::string("\x81\xc0\0\0\0\0", 6) + text, 2 + text.size()};
}

struct load {
  exchange what;
  eddy::net::address server;
  int connections = 0;  // on each loop
  int at_once = 0;      // the same
  wall::time_point began;
  eddy::duration length{};
  eddy::duration
      interval{};  // between the messages of a connection; 0: each follows the last answer
};

// Counts durations in buckets whose width is a 32nd of what they hold.
class latencies {
 public:
  void add(eddy::duration taken) {
    ++counts_[bucket(static_cast<std::uint64_t>(std::max<long>(0, taken.count())))];
  }
  void add(const latencies& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  [[nodiscard]] long count() const { return std::accumulate(counts_.begin(), counts_.end(), 0L); }
  [[nodiscard]] double microseconds(double share) const {
    const long all = count();
    long seen = 0;
    std::size_t i = 0;
    while (i + 1 < counts_.size() &&
           static_cast<double>(seen + counts_[i]) < share * static_cast<double>(all))
      seen += counts_[i++];
    return static_cast<double>(end_of(i)) / 1000;
  }

 private:
  static constexpr int fine = 5;  // bits kept below the highest
  static std::size_t bucket(std::uint64_t nanoseconds) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(nanoseconds)) - 1 - fine);
    return (static_cast<std::size_t>(shift) << fine) +
           static_cast<std::size_t>(nanoseconds >> shift);
  }
  static std::uint64_t end_of(std::size_t bucket) {
    const std::size_t shift = bucket < (2U << fine) ? 0 : (bucket >> fine) - 1;
    return (bucket - (shift << fine) + 1) << shift;
  }

  std::array<long, 64U << fine> counts_{};
};

constexpr eddy::duration piece = std::chrono::milliseconds(100);

// The latencies of a run, in pieces by when the message was sent. The host of a virtual machine takes its processors
// away for a millisecond a few times a second: that spoils pieces, but not the median of all.
class latencies_in_pieces {
 public:
  explicit latencies_in_pieces(const load& given)
      : began_(given.began), pieces_(static_cast<std::size_t>(given.length / piece) + 1) {}
  void add(wall::time_point sent, eddy::duration taken) {
    const auto number = static_cast<std::size_t>((sent - began_) / piece);
    pieces_[std::min(number, pieces_.size() - 1)].add(taken);
  }
  void add(const latencies_in_pieces& other) {
    for (std::size_t i = 0; i < pieces_.size(); ++i) pieces_[i].add(other.pieces_[i]);
  }
  [[nodiscard]] double microseconds(double share) const {
    std::vector<double> each;
    for (const latencies& one : pieces_)
      if (one.count() > 0) each.push_back(one.microseconds(share));
    std::ranges::sort(each);
    return each.empty() ? 0 : each[each.size() / 2];
  }

 private:
  wall::time_point began_;
  std::vector<latencies> pieces_;
};

// What the connections of a loop share.
struct figures {
  eddy::semaphore turns;
  long messages = 0;
  latencies_in_pieces taken;
};

class connection {
 public:
  connection(const load& given, eddy::net::tcp_stream stream)
      : given_(given), stream_(std::move(stream)), answer_(given.what.answer) {
    stream_.set_nodelay(true);
  }

  eddy::task<void> open() {
    if (given_.what.opening.empty() && answer_ != 0) co_return;
    const std::string& first =
        given_.what.opening.empty() ? given_.what.message : given_.what.opening;
    co_await stream_.write_all(std::as_bytes(std::span(first)));
    eddy::io::buffered_reader reader(stream_);
    const std::string head = co_await reader.read_until("\r\n\r\n");
    if (answer_ == 0) {
      const std::size_t at = head.find("ontent-");
      const std::size_t length = head.find("ength: ", at);
      if (!head.starts_with("HTTP/1.1 200 ") || length == std::string::npos)
        throw std::runtime_error("no answer with a length: " + head);
      const std::size_t body = std::strtoul(head.c_str() + length + 7, nullptr, 10);
      co_await reader.read_exactly(body);
      answer_ = head.size() + body;
    } else if (!head.starts_with("HTTP/1.1 101 ")) {
      throw std::runtime_error("no WebSocket: " + head);
    }
  }

  eddy::task<void> ask() {
    co_await stream_.write_all(std::as_bytes(std::span(given_.what.message)));
    std::size_t received = 0;
    while (received < answer_) {
      const std::size_t more = co_await stream_.read_some(
          std::span(buffer_).first(std::min(buffer_.size(), answer_ - received)));
      if (more == 0) throw std::runtime_error("the server hung up");
      received += more;
    }
  }

 private:
  const load& given_;
  eddy::net::tcp_stream stream_;
  std::size_t answer_;
  std::array<std::byte, 1024> buffer_;
};

eddy::task<void> exchange_messages(const load& given, eddy::duration phase, figures& result) {
  connection peer(given, co_await eddy::net::tcp_stream::connect(given.server));
  co_await peer.open();
  wall::time_point due = wall::now() + phase;
  for (;;) {
    // A message that is late because the last answer was counts from when it was due; that the timer is late is not
    // the server's fault.
    const wall::time_point now = wall::now();
    if (now < due) co_await eddy::sleep(due - now);
    const wall::time_point from = now < due ? wall::now() : due;
    {
      const auto turn = co_await result.turns.acquire();
      co_await peer.ask();
    }
    ++result.messages;
    if (given.interval > eddy::duration{}) {
      result.taken.add(from, wall::now() - from);
      due += given.interval;
    }
  }
}

// What all loops have counted.
struct total {
  std::mutex mutex{};
  double rate = 0;
  latencies_in_pieces taken;
};

eddy::task<int> measure(const load& given, total& sum) {
  figures own{.turns = eddy::semaphore(given.at_once), .taken = latencies_in_pieces(given)};
  auto all = [&](eddy::task_group& group) -> eddy::task<void> {
    for (int i = 0; i < given.connections; ++i)
      group.spawn(exchange_messages(given, given.interval * i / given.connections, own));
    for (;;) co_await eddy::yield();
  };
  const eddy::time_point began = eddy::now();
  co_await eddy::move_on_after(given.length, eddy::with_group(all));
  const std::chrono::duration<double> elapsed = eddy::now() - began;
  const std::lock_guard lock(sum.mutex);
  sum.rate += static_cast<double>(own.messages) / elapsed.count();
  sum.taken.add(own.taken);
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 7) {
    std::fprintf(stderr,
                 "usage: %s echo|websocket|http <port> <connections> <seconds> [rate [at once]]\n",
                 argv[0]);
    return 2;
  }
  constexpr int loops = 2;
  const double rate = argc > 5 ? std::atof(argv[5]) : 0;
  load given;
  given.what = exchange_for(argv[1]);
  given.server = eddy::net::address::loopback_v4(static_cast<std::uint16_t>(std::atoi(argv[2])));
  given.connections = std::max(1, std::atoi(argv[3]) / loops);
  given.at_once = argc > 6 ? std::max(1, std::atoi(argv[6]) / loops) : given.connections;
  given.length = std::chrono::milliseconds(static_cast<long>(1000 * std::atof(argv[4])));
  if (rate > 0)
    given.interval = eddy::duration(static_cast<long>(1e9 * loops * given.connections / rate));
  given.began = wall::now();
  total sum{.taken = latencies_in_pieces(given)};
  eddy::run_options options;
  options.loops = loops;
  options.pin_loops = true;
  try {
    const int result = eddy::run([&] { return measure(given, sum); }, options);
    std::printf("rate %.0f\n", sum.rate);
    if (rate > 0) {
      std::printf("p50_us %.1f\np99_us %.1f\np999_us %.1f\n", sum.taken.microseconds(0.5),
                  sum.taken.microseconds(0.99), sum.taken.microseconds(0.999));
    }
    return result;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
