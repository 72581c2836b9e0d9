// The runtime's own costs: calls, spawns, switches, timers, memory. Called with a workload (w1, w2, w3, w4, w10) or a
// part of one (call, spawn, batch, channel, yield, timer), prints "metric value" lines. N in the environment sets the
// number of operations (default 1,000,000).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/queue.hpp>

namespace {

using namespace std::chrono_literals;
using wall = std::chrono::steady_clock;

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

double status_kilobytes(const char* key) {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  char line[256];
  double value = 0;
  while (std::fgets(line, sizeof line, status) != nullptr) {
    if (std::strncmp(line, key, std::strlen(key)) == 0)
      value = std::atof(line + std::strlen(key) + 1);
  }
  std::fclose(status);
  return value;
}

// xorshift64: the same delays for every program that is compared.
struct delays {
  std::uint64_t state = 88172645463325252u;
  int next_ms() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return 1 + static_cast<int>(static_cast<std::uint32_t>(state >> 11) % 100);
  }
};

[[gnu::noinline]] eddy::task<long> leaf(long i) { co_return i; }
eddy::task<void> nap(eddy::duration length) { co_await eddy::sleep(length); }

eddy::task<long> calls(long n) {
  long sum = 0;
  const auto start = wall::now();
  for (long i = 0; i < n; ++i) sum += co_await leaf(i);
  print("call_ns", nanoseconds_since(start) / static_cast<double>(n));
  co_return sum;
}

eddy::task<long> spawns(long n) {
  long sum = 0;
  const auto start = wall::now();
  for (long i = 0; i < n; ++i) {
    auto spawned = eddy::spawn(leaf(i));
    sum += co_await spawned;
  }
  print("spawn_join_ns", nanoseconds_since(start) / static_cast<double>(n));
  co_return sum;
}

eddy::task<long> batches(long n) {
  long sum = 0;
  const auto start = wall::now();
  for (long batch = 0; batch < n / 1000; ++batch) {
    std::vector<eddy::task_handle<long>> handles;
    handles.reserve(1000);
    for (long i = 0; i < 1000; ++i) handles.push_back(eddy::spawn(leaf(i)));
    for (auto& handle : handles) sum += co_await handle;
  }
  print("batch_ns", nanoseconds_since(start) / static_cast<double>(n));
  co_return sum;
}

eddy::task<void> use(eddy::task<long> work) {
  const long sum = co_await std::move(work);
  if (sum == 1) std::puts("");  // the sums are needed
}

eddy::task<void> calls_and_spawns() {
  const long n = operations();
  co_await use(calls(n));
  co_await use(spawns(n));
  co_await use(batches(n));
}

eddy::task<void> answer(eddy::queue<long>& in, eddy::queue<long>& out, long n) {
  for (long i = 0; i < n; ++i) {
    const long value = co_await in.get();
    co_await out.put(value);
  }
}

eddy::task<void> yield_often(long n) {
  for (long i = 0; i < n; ++i) co_await eddy::yield();
}

eddy::task<void> round_trips(long n) {
  eddy::queue<long> there(1);
  eddy::queue<long> back(1);
  auto partner = eddy::spawn(answer(there, back, n));
  const auto start = wall::now();
  for (long i = 0; i < n; ++i) {
    co_await there.put(i);
    co_await back.get();
  }
  print("chan_ns", nanoseconds_since(start) / static_cast<double>(n));
  co_await partner;
}

eddy::task<void> yields(long n) {
  auto other = eddy::spawn(yield_often(n));
  const auto start = wall::now();
  for (long i = 0; i < n; ++i) co_await eddy::yield();
  co_await other;
  print("yield_ns", nanoseconds_since(start) / static_cast<double>(2 * n));
}

eddy::task<void> switches() {
  const long n = operations();
  co_await round_trips(n);
  co_await yields(n);
}

class idle_timer final : public eddy::coro::timer {
  void expired() noexcept override {}
};

eddy::task<void> many_sleeps() {
  delays random;
  int longest = 0;
  const auto start = wall::now();
  {
    std::vector<eddy::task_handle<void>> handles;
    handles.reserve(100'000);
    for (int i = 0; i < 100'000; ++i) {
      const int ms = random.next_ms();
      longest = std::max(longest, ms);
      handles.push_back(eddy::spawn(nap(std::chrono::milliseconds(ms))));
    }
    for (auto& handle : handles) co_await handle;
  }
  print("sleep_over_ms", nanoseconds_since(start) / 1e6 - longest);
  print("peak_rss_kb", status_kilobytes("VmHWM"));
}

eddy::task<void> rearming(long n) {
  auto& queue = eddy::runtime::loop::current().timers();
  std::vector<idle_timer> ring(10'000);
  const auto start = wall::now();
  for (long i = 0; i < n; ++i) {
    auto& timer = ring[static_cast<std::size_t>(i % 10'000)];
    queue.remove(timer);
    queue.add(timer, eddy::after(eddy::now(), 10s));
  }
  print("timer_cc_ns", nanoseconds_since(start) / static_cast<double>(n));
  for (auto& timer : ring) queue.remove(timer);
  co_return;
}

eddy::task<void> timers() {
  co_await many_sleeps();
  co_await rearming(operations());
}

eddy::task<void> gather_sleeps(int count, eddy::duration length, const char* metric) {
  const auto start = wall::now();
  std::vector<eddy::task<void>> members;
  members.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) members.push_back(nap(length));
  co_await eddy::gather(std::move(members));
  print(metric, nanoseconds_since(start) / 1e6);
}

eddy::task<void> sleeps() {
  co_await gather_sleeps(1000, 1ms, "g1000x1_ms");
  co_await gather_sleeps(100, 100ms, "g100x100_ms");
}

eddy::task<void> memory() {
  std::vector<eddy::task_handle<void>> handles;
  handles.reserve(100'000);
  co_await eddy::spawn(nap(1ms));  // the program's own pages are no task's
  const double before = status_kilobytes("VmRSS");
  for (int i = 0; i < 100'000; ++i) handles.push_back(eddy::spawn(nap(10s)));
  for (int i = 0; i < 4; ++i) co_await eddy::yield();
  print("bytes_per_task", (status_kilobytes("VmRSS") - before) * 1024 / 100'000);
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view workload = argc > 1 ? argv[1] : "";
  if (workload == "w1") eddy::run(calls_and_spawns());
  if (workload == "w2") eddy::run(switches());
  if (workload == "w3") eddy::run(timers());
  if (workload == "w4") eddy::run(sleeps());
  if (workload == "w10") eddy::run(memory());

  if (workload == "call") eddy::run(use(calls(operations())));
  if (workload == "spawn") eddy::run(use(spawns(operations())));
  if (workload == "batch") eddy::run(use(batches(operations())));
  if (workload == "channel") eddy::run(round_trips(operations()));
  if (workload == "yield") eddy::run(yields(operations()));
  if (workload == "timer") eddy::run(rearming(operations()));
}
