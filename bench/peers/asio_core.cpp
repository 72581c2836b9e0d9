// The workloads of bench/core.cpp with Boost.Asio's coroutines: asio_core w1|w2|w3|w4|w10, N operations.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using wall = std::chrono::steady_clock;
using channel = asio::experimental::channel<void(boost::system::error_code, long)>;

asio::io_context context{1};

long operations() {
  const char* given = std::getenv("N");
  return given != nullptr ? std::atol(given) : 1'000'000;
}

double nanoseconds_since(wall::time_point start) {
  return std::chrono::duration<double, std::nano>(wall::now() - start).count();
}

void print(const char* metric, double value) {
  std::printf("%s %.3f\n", metric, value);
  std::fflush(stdout);
}

// Set when a count of members has ended.
class latch {
 public:
  explicit latch(long count) : left_(count), ended_(context, wall::time_point::max()) {}
  auto member() {
    return [this](auto&&...) {
      if (--left_ == 0) ended_.cancel();
    };
  }
  asio::awaitable<void> wait() {
    if (left_ == 0) co_return;
    boost::system::error_code cancelled;
    co_await ended_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }

 private:
  long left_;
  asio::steady_timer ended_;
};

[[gnu::noinline]] asio::awaitable<long> leaf(long i) { co_return i; }

asio::awaitable<void> nap(wall::duration length) {
  asio::steady_timer timer(context, length);
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> calls_and_spawns() {
  const long n = operations();
  long sum = 0;
  auto start = wall::now();
  for (long i = 0; i < n; ++i) sum += co_await leaf(i);
  print("call_ns", nanoseconds_since(start) / static_cast<double>(n));

  start = wall::now();
  for (long i = 0; i < n; ++i)
    sum += co_await asio::co_spawn(context, leaf(i), asio::use_awaitable);
  print("spawn_join_ns", nanoseconds_since(start) / static_cast<double>(n));

  start = wall::now();
  for (long batch = 0; batch < n / 1000; ++batch) {
    latch all(1000);
    for (long i = 0; i < 1000; ++i) {
      asio::co_spawn(context, leaf(i),
                     [&sum, ended = all.member()](std::exception_ptr, long value) mutable {
                       sum += value;
                       ended();
                     });
    }
    co_await all.wait();
  }
  print("batch_ns", nanoseconds_since(start) / static_cast<double>(n));
  if (sum == 1) std::puts("");  // the sums are needed
}

asio::awaitable<void> answer(channel& in, channel& out, long n) {
  for (long i = 0; i < n; ++i) {
    const long value = co_await in.async_receive(asio::use_awaitable);
    co_await out.async_send(boost::system::error_code{}, value, asio::use_awaitable);
  }
}

asio::awaitable<void> yield_often(long n) {
  for (long i = 0; i < n; ++i) co_await asio::post(context, asio::use_awaitable);
}

asio::awaitable<void> switches() {
  const long n = operations();
  channel there(context, 1);
  channel back(context, 1);
  latch partner(1);
  asio::co_spawn(context, answer(there, back, n), partner.member());
  auto start = wall::now();
  for (long i = 0; i < n; ++i) {
    co_await there.async_send(boost::system::error_code{}, i, asio::use_awaitable);
    co_await back.async_receive(asio::use_awaitable);
  }
  print("chan_ns", nanoseconds_since(start) / static_cast<double>(n));
  co_await partner.wait();

  latch other(1);
  asio::co_spawn(context, yield_often(n), other.member());
  start = wall::now();
  co_await yield_often(n);
  co_await other.wait();
  print("yield_ns", nanoseconds_since(start) / static_cast<double>(2 * n));
}

asio::awaitable<void> timers() {
  std::uint64_t state = 88172645463325252u;  // the same delays for every program
  int longest = 0;
  auto start = wall::now();
  latch all(100'000);
  for (int i = 0; i < 100'000; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const int ms = 1 + static_cast<int>(static_cast<std::uint32_t>(state >> 11) % 100);
    longest = ms > longest ? ms : longest;
    asio::co_spawn(context, nap(std::chrono::milliseconds(ms)), all.member());
  }
  co_await all.wait();
  print("sleep_over_ms", nanoseconds_since(start) / 1e6 - longest);

  const long n = operations();
  std::vector<asio::steady_timer> ring;
  for (int i = 0; i < 10'000; ++i) ring.emplace_back(context);
  start = wall::now();
  for (long i = 0; i < n; ++i) {
    auto& timer = ring[static_cast<std::size_t>(i % 10'000)];
    timer.expires_after(10s);  // cancels what waited
    timer.async_wait(asio::detached);
  }
  print("timer_cc_ns", nanoseconds_since(start) / static_cast<double>(n));
  _exit(0);
}

asio::awaitable<void> sleeps() {
  struct round {
    int count;
    wall::duration length;
    const char* metric;
  };
  for (const auto& [count, length, metric] :
       {round{1000, 1ms, "g1000x1_ms"}, round{100, 100ms, "g100x100_ms"}}) {
    const auto start = wall::now();
    latch all(count);
    for (int i = 0; i < count; ++i) asio::co_spawn(context, nap(length), all.member());
    co_await all.wait();
    print(metric, nanoseconds_since(start) / 1e6);
  }
}

double resident_bytes() {
  std::FILE* statm = std::fopen("/proc/self/statm", "r");
  long total = 0;
  long resident = 0;
  if (statm == nullptr || std::fscanf(statm, "%ld %ld", &total, &resident) != 2) std::abort();
  std::fclose(statm);
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE));
}

asio::awaitable<void> memory() {
  const double before = resident_bytes();
  for (int i = 0; i < 100'000; ++i) asio::co_spawn(context, nap(10s), asio::detached);
  for (int i = 0; i < 4; ++i) co_await asio::post(context, asio::use_awaitable);
  print("bytes_per_task", (resident_bytes() - before) / 100'000);
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view workload = argc > 1 ? argv[1] : "";
  if (workload == "w1") asio::co_spawn(context, calls_and_spawns(), asio::detached);
  if (workload == "w2") asio::co_spawn(context, switches(), asio::detached);
  if (workload == "w3") asio::co_spawn(context, timers(), asio::detached);
  if (workload == "w4") asio::co_spawn(context, sleeps(), asio::detached);
  if (workload == "w10") asio::co_spawn(context, memory(), asio::detached);
  context.run();
}
