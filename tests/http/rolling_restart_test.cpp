// Generations of a server that follow one another on one port, under load: no request fails.
#include "net/reserved_port.hpp"
#include "server_fixture.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

/// A client of the simplest kind: blocks, repeats nothing, and looks whether a connection has ended before it uses it
/// again.
class blocking_client {
 public:
  explicit blocking_client(std::uint16_t port) : to_(net::address::loopback_v4(port)) {}
  blocking_client(const blocking_client&) = delete;
  blocking_client& operator=(const blocking_client&) = delete;
  ~blocking_client() { leave(); }

  /// Whether a request on the connection there is, or on a new one, was answered completely.
  [[nodiscard]] bool ask() {
    if (fd_ >= 0 && has_ended()) leave();
    const char* const connection = fd_ >= 0 ? "a kept connection" : "a new connection";
    if (fd_ < 0 && !connect()) return fails("connect", connection);
    constexpr std::string_view text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != ssize_t{text.size()})
      return fails("send", connection);
    std::string got;
    while (!got.ends_with("root")) {
      char piece[1024];
      const ssize_t count = ::recv(fd_, piece, sizeof piece, 0);
      if (count <= 0) return fails(count == 0 ? "end" : "receive", connection);
      got.append(piece, static_cast<std::size_t>(count));
    }
    if (got.find("Connection: close") != std::string::npos) leave();
    return got.starts_with("HTTP/1.1 200 ");
  }
  /// What the last request that failed has met.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }
  void leave() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool fails(const char* step, const char* connection) {
    trouble_ = std::string(step) + " on " + connection + ", errno " + std::to_string(errno);
    return false;
  }
  bool connect() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{.tv_sec = 20, .tv_usec = 0};  // an answer that never comes is a failure
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return ::connect(fd_, to_.data(), to_.size()) == 0;
  }
  [[nodiscard]] bool has_ended() const {
    pollfd state{.fd = fd_, .events = POLLIN | POLLRDHUP, .revents = 0};
    return ::poll(&state, 1, 0) != 0;
  }

  net::address to_;
  std::string trouble_;
  int fd_ = -1;
};

/// Clients of both kinds, each in a thread: those that connect anew for each request, and those that do not.
class load {
 public:
  explicit load(std::uint16_t port) {
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this, port] { ask(port, false, 0us); });
    threads_.emplace_back([this, port] { ask(port, true, 0us); });
    for (int i = 0; i < 4; ++i) threads_.emplace_back([this, port] { ask(port, true, 3ms); });
  }
  load(const load&) = delete;
  load& operator=(const load&) = delete;
  ~load() { end(); }

  void end() {
    end_ = true;
    threads_.clear();
  }

  /// Waits for so many further requests to end; how is told by failed().
  void go_on_for(std::uint64_t requests) const {
    const std::uint64_t before = ended();
    while (ended() < before + requests) std::this_thread::yield();
  }
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  /// Of the last failure; after end().
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  [[nodiscard]] std::uint64_t ended() const { return answered_ + failed_; }
  void ask(std::uint16_t port, bool keeps, std::chrono::microseconds pause) {
    blocking_client client(port);
    while (!end_) {
      const bool good = client.ask();
      ++(good ? answered_ : failed_);
      if (!good) {
        const std::lock_guard guard(lock_);
        trouble_ = client.trouble();
      }
      if (!keeps || !good) client.leave();
      std::this_thread::sleep_for(pause);
    }
  }

  std::atomic<bool> end_ = false;
  std::atomic<std::uint64_t> answered_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::mutex lock_;
  std::string trouble_;
  std::vector<std::jthread> threads_;  // last: they end first
};

/// One process's life as a thread: a server of its own on loops of its own.
class generation {
 public:
  /// `fd`: the listening socket of the one before, or -1 to listen at `port`, beside others.
  generation(runtime::driver_kind driver, std::uint16_t port, int fd = -1, std::size_t loops = 1)
      : thread_([this, driver, port, fd, loops] { live(driver, port, fd, loops); }) {
    while (!app_.ready()) std::this_thread::yield();
  }

  [[nodiscard]] std::uint64_t requests() const { return app_.statistics().requests; }
  void end() {
    app_.shutdown();
    thread_.join();
  }

 private:
  void live(runtime::driver_kind driver, std::uint16_t port, int fd, std::size_t loops) {
    app_.get("/", [](request&) { return "root"; });
    run_options options;
    options.driver = driver;
    options.handle_signals = false;
    options.loops = loops;
    run([this, port, fd] { return serve(port, fd); }, options);
  }
  task<void> serve(std::uint16_t port, int fd) {
    net::listen_options shared;
    shared.reuse_port = true;
    net::tcp_listener listener =
        fd >= 0 ? net::tcp_listener::adopt(fd)
                : net::tcp_listener::listen(net::address::loopback_v4(port), shared);
    co_await app_.serve(listener);
  }

  server app_;
  std::jthread thread_;
};

class rolling_restart : public ::testing::TestWithParam<runtime::driver_kind> {
 protected:
  /// Restarts a few times under load; `next` makes a generation.
  template <class Next>
  void restart_under_load(std::uint16_t port, Next next) {
    constexpr std::uint64_t some = 200;
    auto running = next();
    load clients(port);
    for (int restart = 0; restart < 4; ++restart) {
      clients.go_on_for(some);
      auto following = next();
      running->end();
      EXPECT_GT(running->requests(), 0U);
      running = std::move(following);
    }
    clients.go_on_for(some);
    clients.end();
    EXPECT_EQ(clients.failed(), 0U) << "of " << clients.answered() << ": " << clients.trouble();
    running->end();
  }
};

TEST_P(rolling_restart, on_a_shared_port_fails_no_request) {
  const net::testing::reserved_port port;
  const auto next = [&] { return std::make_unique<generation>(GetParam(), port.number()); };
  restart_under_load(port.number(), next);
}

TEST_P(rolling_restart, on_a_shared_port_with_several_loops_each_fails_no_request) {
  const net::testing::reserved_port port;
  const auto next = [&] { return std::make_unique<generation>(GetParam(), port.number(), -1, 3); };
  restart_under_load(port.number(), next);
}

TEST_P(rolling_restart, with_a_socket_handed_over_fails_no_request) {
  const net::testing::reserved_port port;
  ASSERT_EQ(::listen(port.socket(), 1024), 0);
  const auto next = [&] {
    return std::make_unique<generation>(GetParam(), port.number(), ::dup(port.socket()));
  };
  restart_under_load(port.number(), next);
}

INSTANTIATE_TEST_SUITE_P(drivers, rolling_restart,
                         ::testing::Values(runtime::driver_kind::epoll,
                                           runtime::driver_kind::io_uring),
                         [](const auto& kind) {
                           return kind.param == runtime::driver_kind::epoll ? "epoll" : "io_uring";
                         });

// What the others rest on: an end that leaves even one connection behind is a failed request to this load.
TEST(rolling_restart_load, notices_an_end_without_a_handover) {
  const net::testing::reserved_port port;
  ASSERT_EQ(::listen(port.socket(), 1024), 0);  // a generation that accepts nothing any more
  generation following(runtime::driver_kind::epoll, port.number());
  load clients(port.number());
  pollfd waits{.fd = port.socket(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&waits, 1, 20'000), 1);
  EXPECT_EQ(::shutdown(port.socket(), SHUT_RDWR), 0);  // resets what waits to be accepted
  clients.go_on_for(200);
  clients.end();
  EXPECT_GT(clients.failed(), 0U);
  EXPECT_GT(clients.answered(), 0U);
  following.end();
}

// --- the same in virtual time, one thing at a time ---

EDDY_TEST(http_server_end, serves_what_has_connected_but_was_not_accepted) {
  server app;
  app.get("/", [](request&) { return "root"; });
  net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener));
    co_await sleep(1ms);
    raw_client client = co_await raw_client::connect(listener.local());
    app.shutdown();
    EXPECT_FALSE(app.ready());
    const answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.body, "root");
    const std::string rest = co_await client.read_rest();
    EXPECT_EQ(rest, "");
  };
  co_await with_group(both);
  EXPECT_FALSE(listener.is_open());
}

EDDY_TEST(http_server_end, on_a_shared_port_gives_idle_connections_time_to_notice) {
  server app;
  app.get("/", [](request&) { return "root"; });
  net::listen_options shared;
  shared.reuse_port = true;
  net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0), shared);
  net::tcp_listener other = net::tcp_listener::listen(listener.local(), shared);
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener));
    std::vector<raw_client> clients;
    while (app.statistics().connections_open < 3) {
      clients.push_back(co_await raw_client::connect(listener.local()));
      co_await sleep(1ms);
    }
    const time_point start = now();
    app.shutdown();
    co_await sleep(1ms);
    std::vector<net::tcp_stream> of_other;
    for (std::size_t i = 3; i < clients.size(); ++i) of_other.push_back(co_await other.accept());
    // Nobody comes any more: the other listener has all that do.
    for (int i = 0; i < 20; ++i) {
      net::tcp_stream elsewhere = co_await net::tcp_stream::connect(other.local());
      const auto there = co_await move_on_after(1ms, other.accept());
      EXPECT_TRUE(there.has_value());
    }
    co_await sleep(start + 600ms - now());
    EXPECT_FALSE(listener.is_open());
    int answered = 0;
    for (raw_client& one : clients) {
      const auto got = co_await move_on_after(10ms, one.ask(get("/")));
      if (!got) continue;  // of the other listener
      ++answered;
      EXPECT_EQ(got->field("connection"), "close");
      const std::string rest = co_await one.read_rest();
      EXPECT_EQ(rest, "");
    }
    EXPECT_EQ(answered, 3);
  };
  co_await with_group(both);
}

}  // namespace
}  // namespace eddy::http::test
