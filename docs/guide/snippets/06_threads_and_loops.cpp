// The program behind 06-threads-and-loops.md.
#include "expect.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/sync/event.hpp>

using namespace std::chrono_literals;

// [thread]
std::string read_from_old_library(std::string key) { return key + "=1"; }  // blocks

std::uint64_t fold(std::uint64_t rounds) {  // computes
  std::uint64_t h = 1;
  while (rounds-- > 0) h = h * 31 + 7;
  return h;
}

eddy::task<std::size_t> off_the_loop() {
  const std::string line = co_await eddy::to_thread(read_from_old_library, "width");
  const std::uint64_t hash = co_await eddy::to_cpu_thread(fold, 1000u);
  co_return line.size() + (hash != 0 ? 1 : 0);
}
// [/thread]

// [stop]
long search(std::stop_token stop, long upto) {
  long found = 0;
  for (long i = 0; i < upto && !stop.stop_requested(); ++i) found += i % 7 == 0 ? 1 : 0;
  return found;
}

eddy::task<bool> search_for_a_while() {
  const auto found = co_await eddy::move_on_after(20ms, eddy::to_cpu_thread(search, 1L << 60));
  co_return found.has_value();
}
// [/stop]

// [post]
eddy::task<int> ask_a_foreign_thread() {
  eddy::event arrived;
  int answer = 0;
  std::jthread library([&, loop = eddy::current_loop()] {
    loop.post([&] {  // runs on the loop, between tasks: no lock needed
      answer = 42;
      arrived.set();
    });
  });
  co_await arrived.wait();
  co_return answer;
}
// [/post]

struct totals {
  std::atomic<int> loops{0};
};

// [loops]
eddy::task<int> serve_on_one_loop(totals& shared) {
  ++shared.loops;  // shared by all loops, so atomic
  co_await eddy::sleep(1ms);
  co_return 0;
}

int run_on_four_loops(totals& shared) {
  eddy::run_options options;
  options.loops = 4;
  return eddy::run([&] { return serve_on_one_loop(shared); }, options);
}
// [/loops]

// [signals]
eddy::task<void> reload_on_hangup(int& reloads) {
  auto hangups = eddy::signals({SIGHUP});
  for (;;) {
    co_await hangups.next();
    ++reloads;  // read the configuration again
  }
}
// [/signals]

eddy::task<int> everything() {
  const std::size_t n = co_await off_the_loop();
  expect(n == 8);
  const bool found = co_await search_for_a_while();
  expect(found);  // a call that ends early gives its result all the same
  const int answer = co_await ask_a_foreign_thread();
  expect(answer == 42);
  int reloads = 0;
  auto reloading = eddy::spawn(reload_on_hangup(reloads));
  co_await eddy::sleep(1ms);
  expect(std::raise(SIGHUP) == 0);
  for (int i = 0; i < 1000 && reloads == 0; ++i) co_await eddy::sleep(1ms);
  expect(reloads == 1);
  co_return 0;
}

int main() {
  const int result = eddy::run(everything());
  totals shared;
  const int loops = run_on_four_loops(shared);
  expect(loops == 0 && shared.loops == 4);
  return result;
}
