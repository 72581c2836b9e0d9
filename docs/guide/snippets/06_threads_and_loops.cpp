// The program behind 06-threads-and-loops.md.
#include "expect.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/process/run.hpp>
#include <eddy/runtime/cross_loop_channel.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/remote.hpp>
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

// [remote]
eddy::task<int> count_users() {  // runs on whichever loop it is sent to
  co_await eddy::sleep(1ms);
  co_return 7;
}

eddy::task<int> ask_another_loop(eddy::runtime::loop_ref other) {
  co_return co_await eddy::with_timeout(10s, eddy::run_on(other, count_users));
}

int ask_from_a_thread(const eddy::runtime::loop_ref& loop) {
  auto reply = eddy::submit(loop, count_users);
  return reply.get();  // blocks this thread, not the loop
}
// [/remote]

// [channel]
eddy::task<int> add_up(eddy::cross_loop_channel<int>::receiver_type numbers) {
  int sum = 0;
  while (auto number = co_await numbers.receive()) sum += *number;  // until the last sender is gone
  co_return sum;
}

eddy::task<int> add_what_threads_send() {
  eddy::cross_loop_channel<int> numbers(16);
  auto send = [](eddy::cross_loop_channel<int>::sender_type to) {
    for (int i = 1; i <= 3; ++i) to.send_from_thread(int(i));  // a task would co_await to.send(i)
  };
  std::jthread first(send, numbers.sender());
  std::jthread second(send, std::move(numbers.sender()));
  co_return co_await add_up(std::move(numbers.receiver()));
}
// [/channel]

// [process]
eddy::task<std::string> sort_lines(std::string lines) {
  eddy::process::options what("sort");
  what.args.emplace_back("-u");
  auto running = eddy::process::run(std::move(what), std::move(lines));
  const auto done = co_await eddy::with_timeout(10s, std::move(running));
  if (!done.status.success()) throw std::runtime_error("sort: " + done.status.to_string());
  co_return done.out;
}

eddy::task<std::string> talk_to_a_child() {
  eddy::process::options what("cat");
  what.standard_input = what.standard_output = eddy::process::stdio::pipe;
  eddy::process::child cat = eddy::process::spawn(what);
  co_await eddy::io::write_all(cat.in(), std::string_view("hello\n"));
  eddy::io::buffered_reader reader(cat.out());
  const auto line = co_await reader.read_line();
  const auto status = co_await cat.terminate(1s);  // SIGTERM, after the grace SIGKILL
  co_return *line + ", then " + status.to_string();
}
// [/process]

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
  const int users = co_await ask_another_loop(eddy::current_loop());
  expect(users == 7);
  auto ask = [loop = eddy::current_loop()] { return ask_from_a_thread(loop); };
  const int counted = co_await eddy::to_thread(std::move(ask));
  expect(counted == 7);
  const int sum = co_await add_what_threads_send();
  expect(sum == 12);
  const std::string sorted = co_await sort_lines("b\na\nb\n");
  expect(sorted == "a\nb\n");
  const std::string said = co_await talk_to_a_child();
  expect(said == "hello, then signal 15");
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
