// How a listener ends without losing a connection: to others on its port, or with its socket handed over.
#include "on_every_network.hpp"

#include <array>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/net/serve.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

/// Accepts until nobody comes for `patience`.
task<std::size_t> accept_some(tcp_listener& listener, duration patience,
                              std::vector<tcp_stream>& into) {
  const std::size_t before = into.size();
  for (;;) {
    auto one = co_await move_on_after(patience, listener.accept());
    if (!one) break;
    into.push_back(std::move(*one));
  }
  co_return into.size() - before;
}

SOCKET_TEST(handover, stops_connects_and_loses_no_connection) {
  constexpr std::size_t each = 24;
  listen_options shared;
  shared.reuse_port = true;
  tcp_listener old = tcp_listener::listen(address::loopback_v4(0), shared);
  tcp_listener young = tcp_listener::listen(old.local(), shared);
  std::vector<tcp_stream> clients;
  for (std::size_t i = 0; i < each; ++i) {
    clients.push_back(co_await tcp_stream::connect(old.local()));
  }
  old.stop_connects();
  std::vector<task_handle<tcp_stream>> late;
  for (std::size_t i = 0; i < each; ++i) late.push_back(spawn(tcp_stream::connect(young.local())));
  std::vector<tcp_stream> accepted;
  const std::size_t of_old = co_await accept_some(old, 20ms, accepted);
  EXPECT_GT(of_old, 0U);
  EXPECT_LE(of_old, each);
  old.close();
  while (accepted.size() < 2 * each) accepted.push_back(co_await young.accept());
  for (task_handle<tcp_stream>& one : late) clients.push_back(co_await std::move(one));
  // Each client has somebody on the other side.
  for (tcp_stream& one : accepted) co_await one.write_all("hello");
  for (tcp_stream& one : clients) {
    std::array<std::byte, 16> piece{};
    const std::size_t count = co_await one.read_some(piece);
    EXPECT_EQ(count, 5U);
  }
}

SOCKET_TEST(handover, serve_accepts_what_has_begun_when_it_is_cancelled) {
  listen_options shared;
  shared.reuse_port = true;
  tcp_listener old = tcp_listener::listen(address::loopback_v4(0), shared);
  auto greet = [](tcp_stream peer) -> task<void> { co_await peer.write_all("hello"); };
  auto serving = spawn(serve(old, greet, {.drain_limit = 5s, .handover = 50ms}));
  co_await sleep(1ms);
  std::vector<tcp_stream> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(co_await tcp_stream::connect(old.local()));
  serving.cancel();
  for (tcp_stream& one : clients) {
    const std::string text = co_await read_all(one);
    EXPECT_EQ(text, "hello");
  }
  const auto ended = co_await as_result(serving);
  EXPECT_TRUE(ended.has_error());
  EXPECT_FALSE(old.is_open());
}

SYSTEM_TEST(handover, an_adopted_listener_has_the_queue_of_the_one_before) {
  tcp_listener first = tcp_listener::listen(address::loopback_v4(0));
  tcp_listener second = tcp_listener::adopt(::dup(first.native_handle()));
  EXPECT_EQ(second.local(), first.local());
  EXPECT_TRUE(first.owns_queue());
  EXPECT_FALSE(second.owns_queue());
  tcp_stream client = co_await tcp_stream::connect(first.local());
  second.stop_connects();  // without an effect: the other one goes on
  tcp_stream later = co_await tcp_stream::connect(first.local());
  first.close();
  for (int i = 0; i < 2; ++i) {
    tcp_stream server = co_await second.accept();
    EXPECT_TRUE(server.peer() == client.local() || server.peer() == later.local());
  }
}

SYSTEM_TEST(handover, what_does_not_listen_is_not_adopted) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    bool refused = false;
    try {
      tcp_listener none = tcp_listener::adopt(fd);
    } catch (const error& failure) {
      refused = failure == condition::invalid_input;
    }
    EXPECT_TRUE(refused);
    EXPECT_LT(::close(fd), 0);  // it is closed already
  }
  co_return;
}

}  // namespace
}  // namespace eddy::net
