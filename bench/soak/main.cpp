// A mixed load for as long as it is asked for: an HTTP server and its clients in one loop (HTTP/1.1, HTTPS, HTTP/2,
// WebSocket), requests that are cancelled and connections that are dropped, timers, tasks, calls on threads. Every
// answer is compared byte for byte. Once a second it prints a line of figures, whose names stand in the first line;
// "start" and "end" are what the process has before the load and after it. tools/soak judges them.
//
//   soak <seconds> [seed] [clients]        EDDY_DRIVER chooses the driver
//
// The exit code is 1 where anything failed, or something is left at the end.

#include "churn.hpp"
#include "clients.hpp"
#include "server.hpp"
#include "world.hpp"

#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <dirent.h>
#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <eddy/coro/frame_pool.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/tls/certificate_authority.hpp>
#include <eddy/tls/context.hpp>

namespace {

namespace http = eddy::http;
namespace tls = eddy::tls;
using namespace soak;

constexpr std::size_t sleepers = 4000;

// --- figures ---

long resident_kilobytes() {
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * (::sysconf(_SC_PAGESIZE) / 1024);
}

/// What malloc has given out, without what it keeps for later.
std::size_t allocated_kilobytes() {
  const auto all = ::mallinfo2();
  return (all.uordblks + all.hblkhd) / 1024;
}

long open_descriptors() {
  long count = -3;  // ".", ".." and the one that reads
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

double processor_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// How long the loop's thread was ready to run while others had its processor.
double waited_seconds() {
  unsigned long long waited = 0;
  if (std::FILE* file = std::fopen("/proc/self/schedstat", "r")) {
    if (std::fscanf(file, "%*u %llu", &waited) != 1) waited = 0;
    std::fclose(file);
  }
  return static_cast<double>(waited) * 1e-9;
}

/// What has to be at the end as it was at the start.
struct holdings {
  long descriptors = open_descriptors();
  std::size_t tasks = eddy::runtime::loop::current().live_tasks();
  std::int64_t frames = eddy::coro::live_frames();
  friend bool operator==(const holdings&, const holdings&) = default;
};

holdings print_figures(const counts& sum, std::string_view when) {
  const holdings now;
  std::printf("%.*s", static_cast<int>(when.size()), when.data());
  for (const std::uint64_t count : {sum.requests, sum.messages, sum.cancelled, sum.timers,
                                    sum.tasks, sum.calls, sum.failures, sum.slow.load()})
    std::printf(" %" PRIu64, count);
  std::printf(" %.2f %.2f %ld %zu %ld %zu %" PRId64 "\n", processor_seconds(), waited_seconds(),
              resident_kilobytes(), allocated_kilobytes(), now.descriptors, now.tasks, now.frames);
  std::fflush(stdout);
  return now;
}

eddy::task<void> report(const counts& sum) {
  const eddy::time_point began = eddy::now();
  for (int second = 1;; ++second) {
    co_await eddy::sleep_until(began + std::chrono::seconds(second));
    print_figures(sum, std::to_string(second));
  }
}

// --- all of it ---

/// The server's addresses, and three ways of HTTP to it: HTTP/1.1, HTTP/2 over TLS, and HTTPS with many handshakes.
struct target {
  target(const eddy::net::address& at, const eddy::net::address& secure_at,
         const tls::context& trust)
      : address(at), websocket_url("ws://127.0.0.1:" + std::to_string(at.port()) + "/ws") {
    const std::string tls_url = "https://localhost:" + std::to_string(secure_at.port());
    http::client_options options;
    plain.emplace(options, "http://127.0.0.1:" + std::to_string(at.port()));
    options.tls = trust;
    second.emplace(options, tls_url);
    options.http2 = false;
    options.keep_alive = milliseconds(20);
    options.max_connections_per_host = 4;
    secure.emplace(options, tls_url);
  }
  const eddy::net::address address;
  const std::string websocket_url;
  std::optional<session> plain;
  std::optional<session> second;
  std::optional<session> secure;
};

eddy::task<void> load(world& w, target& to, int clients) {
  auto body = [&w, &to, clients](eddy::task_group& group) -> eddy::task<void> {
    for (int i = 0; i < clients; ++i) {
      session& s = i % 8 == 0 ? *to.secure : i % 4 == 0 ? *to.second : *to.plain;
      group.spawn(repeat("request", milliseconds(150), w, ask_anything, s));
    }
    for (int i = 0; i < clients / 3; ++i)
      group.spawn(repeat("websocket", milliseconds(200), w, converse, to.websocket_url));
    for (int i = 0; i < clients / 8; ++i)
      group.spawn(repeat("drop", milliseconds(50), w, drop, to.address));
    for (std::size_t i = 0; i < sleepers; ++i)
      group.spawn(repeat("sleep", milliseconds(500), w, sleep_or_not));
    group.spawn(repeat("spawn", milliseconds(20), w, spawn_some));
    for (int i = 0; i < 4; ++i) group.spawn(repeat("call", milliseconds(20), w, call));
    group.spawn(report(w.sum));
    co_return;
  };
  co_await eddy::with_group(body);
}

/// Serves and asks for that time; all has ended when it returns.
eddy::task<void> serve_and_ask(world& w, std::chrono::seconds length, int clients) {
  const tls::certificate_authority authority;
  tls::server_options own;
  own.certificates.push_back(authority.issue({"localhost"}));
  own.alpn = {"h2", "http/1.1"};
  const auto context = tls::context::server(own);
  tls::client_options trust;
  trust.authorities = authority.trusted();

  auto plain = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(0));
  auto secure = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(0));
  target to(plain.local(), secure.local(), tls::context::client(trust));
  http::server app;
  add_routes(app, w);
  auto body = [&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(app.serve(plain));
    group.spawn(app.serve(secure, context));
    co_await eddy::move_on_after(length, load(w, to, clients));
    app.shutdown();
  };
  co_await eddy::with_group(body);
}

eddy::task<int> whole_run(counts& sum, std::chrono::seconds length, std::uint64_t seed,
                          int clients) {
  std::puts(
      "seconds requests messages cancelled timers spawned calls failures slow processor waited "
      "resident allocated descriptors tasks frames");
  const holdings before = print_figures(sum, "start");
  {
    world w(sum, seed);
    co_await serve_and_ask(w, length, clients);
  }
  const holdings after = print_figures(sum, "end");
  if (after != before) tell_failure(sum, "the end", "descriptors, tasks or frames are left");
  co_return sum.failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 0;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const int clients = argc > 3 ? std::atoi(argv[3]) : 48;
  if (seconds <= 0 || clients <= 0 || argc > 4) {
    std::fputs("usage: soak <seconds> [seed] [clients]\n", stderr);
    return 2;
  }
  counts sum;
  eddy::run_options options;
  options.seed = seed;
  options.cancel_report_after = std::chrono::seconds(5);
  options.on_error = [&sum](const eddy::failure_report& failed) {
    tell_failure(sum, failed.task, failed.message);
  };
  options.on_slow_task = [&sum](const eddy::slow_task_report& slow) {
    ++sum.slow;
    std::fprintf(stderr, "soak: %s runs for %.0f ms since %s:%u\n", slow.task.c_str(),
                 std::chrono::duration<double, std::milli>(slow.lasted).count(),
                 slow.resumed_at.file_name(), slow.resumed_at.line());
  };
  return eddy::run(whole_run(sum, std::chrono::seconds(seconds), seed, clients), options);
}
