// The server over the operating system's sockets, with clients that behave badly, and with curl.
#include "scratch_folder.hpp"
#include "server_fixture.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Runs `body(address)` beside a server on a real loop, for at most a minute.
template <class Body>
void serve_real(server& app, Body body, error_hook on_error = {}) {
  run_options options;
  options.handle_signals = false;
  options.on_error = std::move(on_error);
  run(with_timeout(60s, with_server(app, std::move(body))), options);
}

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string text;
  std::array<char, 4096> piece;
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe)) {
    text.append(piece.data(), count);
  }
  ::pclose(pipe);
  return text;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Sets how many descriptors the process may have, while it lives.
class descriptor_limit {
 public:
  explicit descriptor_limit(rlim_t wanted) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now = before_;
    now.rlim_cur = std::min(wanted, before_.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &now);
    value_ = now.rlim_cur;
  }
  descriptor_limit(const descriptor_limit&) = delete;
  descriptor_limit& operator=(const descriptor_limit&) = delete;
  ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  [[nodiscard]] rlim_t value() const noexcept { return value_; }

 private:
  rlimit before_{};
  rlim_t value_ = 0;
};

/// All descriptors but a few are taken, while it lives.
class descriptor_shortage {
 public:
  explicit descriptor_shortage(std::size_t left) {
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken_.push_back(fd);
    for (; left > 0; --left) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }
  ~descriptor_shortage() {
    for (const int fd : taken_) ::close(fd);
  }

 private:
  std::vector<int> taken_;
};

/// Waits until `holds` does; the run's time limit bounds it.
template <class Condition>
task<void> until(Condition holds) {
  while (!holds()) co_await sleep(1ms);
}

void add_routes(server& app) {
  app.get("/", [](request&) { return "root"; });
  app.get("/wait", [](request&) -> task<std::string> {
    co_await sleep(1h);
    co_return "never";
  });
  app.get("/large", [](request&) { return std::string(8'000'000, 'x'); });
  app.post("/echo", [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::string(body);
  });
}

TEST(http_server_tcp, curl_gets_what_it_asks_for) {
  if (!std::filesystem::exists("/usr/bin/curl")) GTEST_SKIP() << "no curl";
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    const std::string base = "http://" + at.to_string();
    const auto curl = [](std::string arguments) -> task<std::string> {
      const std::string command = "curl -s -m 20 " + arguments;
      co_return co_await to_thread([&command] { return output_of(command); });
    };
    std::string got = co_await curl("-i " + base + "/ " + base + "/ -w '%{num_connects}'");
    EXPECT_THAT(got, HasSubstr("HTTP/1.1 200 OK"));
    EXPECT_THAT(got, HasSubstr("root1"));
    EXPECT_THAT(got, HasSubstr("root0"));  // the second used the same connection
    got = co_await curl("-H 'Transfer-Encoding: chunked' -d hello " + base + "/echo");
    EXPECT_EQ(got, "hello");
    got = co_await curl("-H 'Expect: 100-continue' --data-binary @/proc/self/cmdline " + base +
                        "/echo");
    EXPECT_THAT(got, HasSubstr("100-continue"));
    got = co_await curl("-o /dev/null -w '%{size_download}' " + base + "/large");
    EXPECT_EQ(got, "8000000");
    got = co_await curl("-0 " + base + "/");
    EXPECT_EQ(got, "root");
    got = co_await curl("-I " + base + "/large");
    EXPECT_THAT(got, HasSubstr("Content-Length: 8000000"));
    got = co_await curl("-o /dev/null -w '%{http_code}' -d @/usr/bin/curl -H 'Expect:' " + base +
                        "/wait");
    EXPECT_EQ(got, "405");
  };
  serve_real(app, body);
}

TEST(http_server_tcp, clients_that_vanish_leave_nothing_behind) {
  server app;
  add_routes(app);
  const std::size_t before = open_descriptors();
  auto body = [&](net::address at) -> task<void> {
    const std::string requests[] = {get("/wait"),
                                    get("/large"),
                                    get("/large") + get("/wait"),
                                    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab",
                                    "GET / HT",
                                    ""};
    raw_client good = co_await raw_client::connect(at);
    answer got = co_await good.ask(get("/"));
    const std::size_t tasks = all_tasks().size();
    for (int round = 0; round < 20; ++round) {
      for (const std::string& text : requests) {
        raw_client client = co_await raw_client::connect(at);
        co_await client.send(text);
        if (round % 3 == 1) co_await sleep(1ms);
        if (round % 2 == 0) client.stream().abort();
      }
    }
    got = co_await good.ask(get("/"));
    EXPECT_EQ(got.body, "root");
    co_await until([&app] { return app.statistics().connections_open == 1; });
    co_await until([tasks] { return all_tasks().size() == tasks; });
    EXPECT_EQ(app.statistics().requests_running, 0u);
  };
  serve_real(app, body);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(http_server_tcp, requests_may_come_byte_by_byte) {
  server app;
  add_routes(app);
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    const std::string text = post("/echo", "hello") + get("/");
    for (const char& one : text) {
      co_await client.send(std::string_view(&one, 1));
      co_await yield();
    }
    const answer first = co_await client.read();
    EXPECT_EQ(first.body, "hello");
    const answer second = co_await client.read();
    EXPECT_EQ(second.body, "root");
  };
  serve_real(app, body);
}

TEST(http_server_tcp, goes_on_after_the_descriptors_ran_out) {
  const descriptor_limit few(
      256);  // from the start: io_uring's accept counts with the limit of its submission
  server app;
  add_routes(app);
  std::vector<std::string> reports;
  auto body = [&](net::address at) -> task<void> {
    std::vector<raw_client> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(co_await raw_client::connect(at));
    co_await until([&app] { return app.statistics().connections_open == 10; });
    {
      const descriptor_shortage one_left(1);  // for the client's end
      clients.push_back(co_await raw_client::connect(at));
      co_await until([&reports] { return !reports.empty(); });
      const answer got = co_await clients.front().ask(get("/"));  // the others are served
      EXPECT_EQ(got.body, "root");
      EXPECT_EQ(app.statistics().connections_open, 10u);
    }
    for (raw_client& one : clients) {
      const answer late = co_await one.ask(get("/"));
      EXPECT_EQ(late.body, "root");
    }
  };
  serve_real(app, body,
             [&reports](const failure_report& what) { reports.push_back(what.message); });
  EXPECT_EQ(reports.size(), 1u);
}

TEST(http_server_tcp, holds_ten_thousand_idle_connections_or_as_many_as_it_may) {
  const descriptor_limit wide(21'000);
  const std::size_t count = std::min<std::size_t>(10'000, (wide.value() - 200) / 2);
  server app;
  add_routes(app);
  const std::size_t before = open_descriptors();
  auto body = [&](net::address at) -> task<void> {
    std::vector<raw_client> clients;
    clients.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(co_await raw_client::connect(at));
      if (i % 10 == 0) {
        const answer got = co_await clients.back().ask(get("/"));
        EXPECT_EQ(got.body, "root");
      }
    }
    co_await until([&] { return app.statistics().connections_open == count; });
    const answer first = co_await clients.front().ask(get("/"));
    EXPECT_EQ(first.body, "root");
    const answer last = co_await clients.back().ask(get("/"));
    EXPECT_EQ(last.body, "root");
    clients.clear();
    co_await until([&app] { return app.statistics().connections_open == 0; });
  };
  serve_real(app, body);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(http_server_tcp, one_server_serves_on_several_loops) {
  server app;
  add_routes(app);
  run_options options;
  options.loops = 3;
  options.handle_signals = false;
  std::atomic<std::uint16_t> port = 0;
  auto main = [&]() -> task<void> {
    net::listen_options shared;
    shared.reuse_port = true;
    const bool first = runtime::loop::current().index() == 0;
    while (!first && port == 0) co_await sleep(1ms);
    net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(port), shared);
    port = listener.local().port();
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(listener));
      if (!first) co_return;
      for (int i = 0; i < 60; ++i) {
        raw_client client = co_await raw_client::connect(listener.local());
        const answer got = co_await client.ask(get("/"));
        EXPECT_EQ(got.body, "root");
      }
      app.shutdown();
    };
    co_await with_group(both);
  };
  run(main, options);
  EXPECT_EQ(app.statistics().requests, 60u);
}

TEST(http_server_unix, serves_at_a_path_as_over_tcp) {
  const tests::scratch_folder folder;
  const std::string path = folder / "http.sock";
  server app;
  event slow_has_begun;
  app.get("/", [](request& r) {
    return std::string(r.peer().is_ip() ? "ip" : "unix") + " " + std::string(r.scheme()) + "\n";
  });
  app.get("/slow", [&](request&) -> task<std::string> {
    slow_has_begun.set();
    co_await sleep(100ms);
    co_return "slow\n";
  });
  auto main = [&]() -> task<void> {
    auto listener = net::unix_listener::listen(path);
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(listener));
      const std::string curl = "curl -sS --unix-socket " + path + " http://localhost";
      const std::string got = co_await to_thread([&] { return output_of(curl + "/"); });
      EXPECT_EQ(got, "unix http\n");
      auto slow = to_thread([&] { return output_of(curl + "/slow"); });
      auto stop = [&]() -> task<void> {
        co_await slow_has_begun.wait();
        app.shutdown();
      };
      group.spawn(stop());
      const std::string last = co_await std::move(slow);  // finished although the end has begun
      EXPECT_EQ(last, "slow\n");
    };
    co_await with_timeout(60s, with_group(both));
  };
  run_options options;
  options.handle_signals = false;
  run(main(), options);
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace eddy::http::test
