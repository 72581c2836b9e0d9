// Files that go out without being copied, on the kernel's driver under test.
#include "error_code.hpp"
#include "scratch_folder.hpp"

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::net {
namespace {

using eddy::tests::scratch_folder;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 7 + i / 251) & 0xff);
  return text;
}

task<void> send_all(tcp_stream& to, const runtime::open_file& from, std::uint64_t size) {
  std::uint64_t done = 0;
  for (;;) {
    const std::size_t sent = co_await to.send_file(from, done, size - done);
    if (sent == 0) break;
    done += sent;
  }
  co_await to.close();
}

task<std::string> read_all(tcp_stream& from) {
  std::string all;
  std::string piece(64 * 1024, '\0');
  for (;;) {
    const std::size_t got = co_await from.read_some(std::as_writable_bytes(std::span(piece)));
    if (got == 0) break;
    all.append(piece, 0, got);
  }
  co_return all;
}

class connection {
 public:
  connection(tcp_stream c, tcp_stream s) : client(std::move(c)), server(std::move(s)) {}
  tcp_stream client;
  tcp_stream server;
};

task<connection> connect_to_myself() {
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  tcp_stream client = co_await tcp_stream::connect(listener.local());
  tcp_stream server = co_await listener.accept();
  co_return connection(std::move(client), std::move(server));
}

TEST(send_file, a_large_file_arrives_as_it_is_with_back_pressure) {
  const scratch_folder folder;
  const std::string text = pattern(9'000'001);
  const auto file = runtime::system_files().open(folder.write("large", text), {});
  run([&]() -> task<void> {
    connection c = co_await connect_to_myself();
    std::string arrived;
    const auto body = [&](task_group& group) -> task<void> {
      group.spawn(send_all(c.server, *file, text.size()));
      arrived = co_await read_all(c.client);
    };
    co_await with_group(body);
    EXPECT_TRUE(arrived == text);
  });
}

TEST(send_file, one_operation_is_bounded_and_starts_where_it_is_told) {
  const scratch_folder folder;
  const auto file = runtime::system_files().open(folder.write("small", "0123456789"), {});
  run([&]() -> task<void> {
    connection c = co_await connect_to_myself();
    const std::size_t sent = co_await c.server.send_file(*file, 4, 3);
    EXPECT_EQ(sent, 3U);
    const std::size_t behind = co_await c.server.send_file(*file, 10, 100);
    EXPECT_EQ(behind, 0U);
    co_await c.server.close();
    const std::string arrived = co_await read_all(c.client);
    EXPECT_EQ(arrived, "456");
  });
}

TEST(send_file, a_cancelled_send_has_sent_nothing_and_a_lost_peer_is_an_error) {
  const scratch_folder folder;
  const std::string text = pattern(8'000'000);
  const auto file = runtime::system_files().open(folder.write("large", text), {});
  run([&]() -> task<void> {
    connection c = co_await connect_to_myself();
    std::uint64_t done = 0;
    // Until the peer's window and the own buffer are full.
    const auto fill = [&](cancel_scope& scope) -> task<void> {
      for (;;) {
        scope.set_deadline(after(now(), std::chrono::milliseconds(200)));
        done += co_await c.server.send_file(*file, done, text.size());
      }
    };
    const bool finished = co_await with_scope(fill);
    EXPECT_FALSE(finished);
    EXPECT_GT(done, 0U);
    EXPECT_LT(done, text.size());
    std::string first(done, '\0');
    std::size_t got = 0;
    while (got < done) {
      got += co_await c.client.read_some(std::as_writable_bytes(std::span(first)).subspan(got));
    }
    EXPECT_TRUE(first == text.substr(0, done));
    c.client.abort();
    const auto lost = co_await as_result(send_all(c.server, *file, text.size()));
    EDDY_REQUIRE(lost.has_error());
    EXPECT_EQ(condition_of(eddy::tests::code_of(lost)), condition::disconnected);
  });
}

TEST(listen_options, bound_what_slow_readers_make_the_system_hold) {
  run([]() -> task<void> {
    tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
    tcp_stream client = co_await tcp_stream::connect(listener.local());
    tcp_stream server = co_await listener.accept();
    EXPECT_EQ(server.option(IPPROTO_TCP, TCP_NOTSENT_LOWAT), 256 * 1024);
    // Nobody reads: what is taken is that, and what the peer's window and the way there hold.
    client.set_receive_buffer(4096);
    std::size_t taken = 0;
    const std::string text(64 * 1024, 'x');
    const auto fill = [&](cancel_scope& scope) -> task<void> {
      for (;;) {
        scope.set_deadline(after(now(), std::chrono::milliseconds(200)));
        taken += co_await server.write_some(std::as_bytes(std::span(text)));
      }
    };
    const bool finished = co_await with_scope(fill);
    EXPECT_FALSE(finished);
    EXPECT_LT(taken, 2'000'000U);
  });
}

/// Connects to `port` again and again, reads a little and resets: at any moment of what the other side does.
void reset_connections(std::uint16_t port, int times) {
  for (int i = 0; i < times; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const address to = address::loopback_v4(port);
    EXPECT_EQ(::connect(fd, to.data(), to.size()), 0);
    std::array<char, 4096> piece{};
    for (int reads = 0; reads < i % 40; ++reads) {
      if (::recv(fd, piece.data(), piece.size(), 0) <= 0) break;
    }
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(fd);
  }
}

/// The signal ends the program while it lives, as it does by default.
class deadly_sigpipe {
 public:
  deadly_sigpipe() : before_(std::signal(SIGPIPE, SIG_DFL)) {}
  deadly_sigpipe(const deadly_sigpipe&) = delete;
  deadly_sigpipe& operator=(const deadly_sigpipe&) = delete;
  ~deadly_sigpipe() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

class send_file_on : public ::testing::TestWithParam<runtime::driver_kind> {};

TEST_P(send_file_on, a_reset_in_the_middle_raises_no_signal) {
  const scratch_folder folder;
  const deadly_sigpipe deadly;
  const auto file = runtime::system_files().open(folder.write("large", pattern(8'000'000)), {});
  run_options options;
  options.driver = GetParam();
  auto main = [&]() -> task<void> {
    constexpr int times = 500;
    tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
    std::jthread client(reset_connections, listener.local().port(), times);
    for (int i = 0; i < times; ++i) {
      tcp_stream peer = co_await listener.accept();
      const auto sent = co_await as_result(send_all(peer, *file, 8'000'000));
      EXPECT_TRUE(sent.has_error());  // a signal would have ended the program
    }
  };
  run(main(), options);
}

INSTANTIATE_TEST_SUITE_P(drivers, send_file_on,
                         ::testing::Values(runtime::driver_kind::epoll,
                                           runtime::driver_kind::io_uring),
                         [](const auto& kind) {
                           return kind.param == runtime::driver_kind::epoll ? "epoll" : "io_uring";
                         });

EDDY_TEST(send_file, a_simulated_socket_says_that_it_cannot) {
  const scratch_folder folder;
  const auto file = runtime::system_files().open(folder.write("small", "x"), {});
  connection c = co_await connect_to_myself();
  const auto sent = co_await as_result(c.server.send_file(*file, 0, 1));
  EXPECT_EQ(eddy::tests::code_of(sent), make_error_code(errc::unsupported));
}

}  // namespace
}  // namespace eddy::net
