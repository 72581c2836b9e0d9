// How costs grow with numbers: tasks that wait, the memory they need, armed timers, routes of a server. Prints lines
// "kind count nanoseconds", the cost of one unit in processor time of the loop's thread, the median of five rounds.
// tools/growth draws them.
//
//   growth tasks|group|memory|timers|routes       EDDY_DRIVER chooses the driver
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>

namespace {

namespace http = eddy::http;

constexpr int rounds = 5;

double loop_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

class result {
 public:
  result(const char* kind, std::size_t count) : kind_(kind), count_(count) {}
  void add(double nanoseconds, std::size_t units) {
    each_.push_back(nanoseconds / static_cast<double>(units));
  }
  ~result() {
    std::ranges::sort(each_);
    std::printf("%s %zu %.1f\n", kind_, count_, each_[each_.size() / 2]);
    std::fflush(stdout);
  }

 private:
  const char* kind_;
  std::size_t count_;
  std::vector<double> each_;
};

// How often something is repeated so that a round has about this many units.
std::size_t repeats(std::size_t units, std::size_t count) {
  return std::max<std::size_t>(1, units / count);
}

// --- tasks: spawned, all wait for one event, woken, joined one by one or with their group ---

eddy::task<void> wait_for(eddy::event& start) { co_await start.wait(); }

eddy::task<void> wake_by_handles(std::size_t count) {
  eddy::event start;
  std::vector<eddy::task_handle<void>> handles;
  handles.reserve(count);
  for (std::size_t i = 0; i < count; ++i) handles.push_back(eddy::spawn(wait_for(start)));
  co_await eddy::yield();
  start.set();
  for (auto& handle : handles) co_await handle;
}

eddy::task<void> wake_in_a_group(std::size_t count) {
  eddy::event start;
  auto all = [&](eddy::task_group& group) -> eddy::task<void> {
    for (std::size_t i = 0; i < count; ++i) group.spawn(wait_for(start));
    co_await eddy::yield();
    start.set();
  };
  co_await eddy::with_group(all);
}

using wake = eddy::task<void>(std::size_t count);

eddy::task<void> tasks(const char* kind, wake* wake_all) {
  for (std::size_t count = 1; count <= 1'000'000; count *= 10) {
    result each(kind, count);
    const std::size_t times = repeats(200'000, count);
    for (int round = 0; round < rounds; ++round) {
      const double before = loop_nanoseconds();
      for (std::size_t i = 0; i < times; ++i) co_await wake_all(count);
      each.add(loop_nanoseconds() - before, times * count);
    }
  }
}

// --- memory: what it costs alone to go through as many bytes as tasks take, as often ---

// A waiting task's 320 bytes: five lines of the caches.
using record = std::array<std::array<std::uint64_t, 8>, 5>;

// The first `lines` of each.
void write_all(std::vector<record>& records, std::size_t lines) {
  for (record& one : records) {
    for (std::size_t line = 0; line < lines; ++line) {
      ++one[line][0];
      asm volatile("" : : "r"(&one[line]) : "memory");
    }
  }
}

void read_all(const std::vector<record>& records) {
  for (const record& one : records) asm volatile("" : : "r"(one[0][0]));
}

// At least what happens to a task that is joined by its handle.
void live_through(std::vector<record>& records) {
  write_all(records, 5);  // spawned
  write_all(records, 2);  // begins to wait
  write_all(records, 2);  // is woken
  write_all(records, 5);  // ends
  read_all(records);      // is joined
  write_all(records, 1);  // is forgotten
}

void memory() {
  for (std::size_t count = 1; count <= 1'000'000; count *= 10) {
    result each("memory", count);
    const std::size_t times = repeats(2'000'000, count);
    std::vector<record> records(count);
    for (int round = 0; round < rounds; ++round) {
      const double before = loop_nanoseconds();
      for (std::size_t i = 0; i < times; ++i) live_through(records);
      each.add(loop_nanoseconds() - before, times * count);
    }
  }
}

// --- timers: one is cancelled and armed again while the others stay armed ---

class idle_timer final : public eddy::coro::timer {
  void expired() noexcept override {}
};

eddy::task<void> timers() {
  auto& queue = eddy::runtime::loop::current().timers();
  for (std::size_t count = 1; count <= 1'000'000; count *= 10) {
    std::vector<idle_timer> armed(count);
    std::uint64_t random = 88172645463325252U;
    const auto rearm = [&](idle_timer& timer) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      queue.remove(timer);
      queue.add(timer,
                eddy::after(eddy::now(), std::chrono::milliseconds(1'000 + random % 100'000)));
    };
    for (idle_timer& timer : armed) rearm(timer);
    {
      result each("timers", count);
      constexpr std::size_t operations = 1'000'000;
      for (int round = 0; round < rounds; ++round) {
        const double before = loop_nanoseconds();
        for (std::size_t i = 0; i < operations; ++i) rearm(armed[i % count]);
        each.add(loop_nanoseconds() - before, operations);
      }
    }
    for (idle_timer& timer : armed) queue.remove(timer);
  }
  co_return;
}

// --- routes: sixteen requests at once from a plain socket on a thread of its own ---

constexpr std::size_t depth = 16;

std::string request_of(std::size_t route) {
  return "GET /part" + std::to_string(route) + "/items/17 HTTP/1.1\r\nHost: h\r\n\r\n";
}

int connected(const eddy::net::address& server) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client < 0 || ::connect(client, server.data(), server.size()) != 0) {
    std::perror("growth: the client");
    std::_Exit(1);
  }
  return client;
}

// Asks for the routes in turn.
void ask(int client, std::size_t routes, std::size_t times) {
  std::size_t route = 0;
  std::string requests;
  std::array<char, 65536> answers{};
  for (std::size_t i = 0; i < times; ++i) {
    requests.clear();
    for (std::size_t k = 0; k < depth; ++k) requests += request_of(route++ % routes);
    if (::send(client, requests.data(), requests.size(), 0) < 0) std::abort();
    // Every answer ends with the text that no other part of it has.
    std::size_t ends = 0;
    while (ends < depth) {
      const auto size = ::recv(client, answers.data(), answers.size(), 0);
      if (size <= 0) std::abort();
      ends += static_cast<std::size_t>(std::count(answers.begin(), answers.begin() + size, '!'));
    }
  }
}

eddy::task<void> serve_routes(std::size_t count) {
  http::server app;
  for (std::size_t i = 0; i < count; ++i) {
    app.get("/part" + std::to_string(i) + "/items/{id}",
            [](http::request&) { return http::response::of("text/plain", "Hello!"); });
  }
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(0));
  const eddy::net::address at = listener.local();
  auto body = [&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(app.serve(listener));
    const int client = co_await eddy::to_thread(connected, at);
    constexpr std::size_t times = 50'000 / depth;
    co_await eddy::to_thread(ask, client, count, std::size_t{1});
    {
      result each("routes", count);
      for (int round = 0; round < rounds; ++round) {
        const double before = loop_nanoseconds();
        co_await eddy::to_thread(ask, client, count, times);
        each.add(loop_nanoseconds() - before, times * depth);
      }
    }
    ::close(client);
    app.shutdown();
  };
  co_await eddy::with_group(body);
}

eddy::task<void> routes() {
  for (std::size_t count = 1; count <= 10'000; count *= 10) co_await serve_routes(count);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc > 1 ? argv[1] : "";
  if (kind == "tasks") return eddy::run(tasks("tasks", wake_by_handles)), 0;
  if (kind == "group") return eddy::run(tasks("group", wake_in_a_group)), 0;
  if (kind == "memory") return memory(), 0;
  if (kind == "timers") return eddy::run(timers()), 0;
  if (kind == "routes") return eddy::run(routes()), 0;
  std::fputs("usage: growth tasks|group|memory|timers|routes\n", stderr);
  return 2;
}
