// Clients that go away in the middle of an answer, at any moment, with SIGPIPE as deadly as it is by default.
#include "fixture.hpp"

#include <array>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/web/static_files.hpp>

namespace eddy::web::test {
namespace {

using namespace std::chrono_literals;

/// Asks, reads a little slowly, and resets or closes.
void leave_early(std::uint16_t port, std::string_view target, int times) {
  const std::string request = get(target);
  const net::address to = net::address::loopback_v4(port);
  for (int i = 0; i < times; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int small = 4096;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    EXPECT_EQ(::connect(fd, to.data(), to.size()), 0);
    EXPECT_GT(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), 0);
    std::array<char, 2048> piece{};
    for (int reads = 0; reads < i % 30; ++reads) {
      if (::recv(fd, piece.data(), piece.size(), 0) <= 0) break;
    }
    const linger reset{.l_onoff = 1, .l_linger = 0};
    if (i % 2 == 0) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(fd);
  }
}

task<void> write_much(http::body_writer& out) {
  const std::string piece(40'000, 'x');
  for (int i = 0; i < 200; ++i) co_await out.write(piece);
}

class vanishing_readers : public ::testing::TestWithParam<runtime::driver_kind> {
 protected:
  vanishing_readers() : before_(std::signal(SIGPIPE, SIG_DFL)) {}
  ~vanishing_readers() override { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

TEST_P(vanishing_readers, leave_the_server_alive) {
  const scratch_folder folder;
  folder.write("large", pattern(8'000'000));
  http::server app;
  auto main = [&]() -> task<void> {
    app.get("/files/{path...}", co_await static_files::open(folder.path()));
    app.get("/stream",
            [](http::request&) { return http::response::stream("text/plain", write_much); });
    app.get("/text", [](http::request&) { return std::string(8'000'000, 'x'); });
    app.get("/", [](http::request&) { return "root"; });
    const auto body = [](net::address at) -> task<void> {
      for (const char* target : {"/files/large", "/stream", "/text"}) {
        co_await to_thread(leave_early, at.port(), std::string_view(target), 150);
      }
      raw_client client = co_await raw_client::connect(at);
      const answer got = co_await client.ask(get("/"));
      EXPECT_EQ(got.body, "root");
    };
    co_await with_timeout(60s, with_server(app, body));
  };
  run_options options;
  options.driver = GetParam();
  options.handle_signals = false;
  run(main(), options);
  EXPECT_EQ(app.statistics().connections_open, 0U);
}

INSTANTIATE_TEST_SUITE_P(drivers, vanishing_readers,
                         ::testing::Values(runtime::driver_kind::epoll,
                                           runtime::driver_kind::io_uring),
                         [](const auto& kind) {
                           return kind.param == runtime::driver_kind::epoll ? "epoll" : "io_uring";
                         });

}  // namespace
}  // namespace eddy::web::test
