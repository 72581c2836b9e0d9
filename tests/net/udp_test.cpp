#include <eddy/net/udp.hpp>

#include "on_every_network.hpp"

#include <array>
#include <string>

#include <eddy/coro/sleep.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

SOCKET_TEST(udp_socket, carries_datagrams_and_says_who_sent_them) {
  udp_socket one = udp_socket::bind(address::loopback_v4(0));
  udp_socket other = udp_socket::bind(address::loopback_v4(0));
  const address to = other.local();
  co_await one.send_to(io::bytes_of("first"), to);
  co_await one.send_to(io::bytes_of("second one"), to);
  std::array<std::byte, 64> buffer;
  const datagram first = co_await other.receive_from(buffer);
  EXPECT_EQ(io::text_of(std::span(buffer).first(first.size)), "first");
  EXPECT_EQ(first.from, one.local());
  EXPECT_FALSE(first.truncated);
  const datagram second = co_await other.receive_from(buffer);
  EXPECT_EQ(io::text_of(std::span(buffer).first(second.size)), "second one");
}

SOCKET_TEST(udp_socket, reports_a_datagram_that_is_longer_than_the_buffer) {
  udp_socket one = udp_socket::bind(address::loopback_v4(0));
  udp_socket other = udp_socket::bind(address::loopback_v4(0));
  const address to = other.local();
  co_await one.send_to(io::bytes_of("12345"), to);
  co_await one.send_to(io::bytes_of("1234"), to);
  std::array<std::byte, 4> buffer;
  const datagram cut = co_await other.receive_from(buffer);
  EXPECT_EQ(cut.size, 4U);
  EXPECT_TRUE(cut.truncated);
  const datagram whole = co_await other.receive_from(buffer);
  EXPECT_EQ(whole.size, 4U);
  EXPECT_FALSE(whole.truncated);
}

SOCKET_TEST(udp_socket, receives_empty_datagrams) {
  udp_socket one = udp_socket::bind(address::loopback_v4(0));
  udp_socket other = udp_socket::bind(address::loopback_v4(0));
  const address to = other.local();
  co_await one.send_to({}, to);
  std::array<std::byte, 4> buffer;
  const datagram empty = co_await other.receive_from(buffer);
  EXPECT_EQ(empty.size, 0U);
  EXPECT_EQ(empty.from, one.local());
}

SOCKET_TEST(udp_socket, hears_only_its_peer_when_connected) {
  udp_socket server = udp_socket::bind(address::loopback_v4(0));
  udp_socket stranger = udp_socket::bind(address::loopback_v4(0));
  const address to = server.local();
  udp_socket client = co_await udp_socket::connect(to);
  co_await client.send(io::bytes_of("question"));
  std::array<std::byte, 64> buffer;
  const datagram question = co_await server.receive_from(buffer);
  EXPECT_EQ(question.from, client.local());
  co_await stranger.send_to(io::bytes_of("nonsense"), question.from);
  co_await server.send_to(io::bytes_of("answer"), question.from);
  const datagram answer = co_await client.receive(buffer);
  EXPECT_EQ(io::text_of(std::span(buffer).first(answer.size)), "answer");
}

SYSTEM_TEST(udp_socket, hears_that_nobody_listens_at_its_peer) {
  address gone;
  {
    udp_socket other = udp_socket::bind(address::loopback_v4(0));
    gone = other.local();
  }
  udp_socket client = co_await udp_socket::connect(gone);
  co_await client.send(io::bytes_of("hello?"));
  std::array<std::byte, 16> buffer;
  auto answer = co_await as_result(client.receive(buffer));
  const error thrown = error_of(answer.error());
  EXPECT_EQ(thrown, condition::disconnected);
  EXPECT_EQ(thrown.peer(), gone.to_string());
}

SOCKET_TEST(udp_socket, wakes_a_receiver_when_it_is_closed) {
  udp_socket one = udp_socket::bind(address::loopback_v4(0));
  auto receive = [](udp_socket& on) -> task<void> {
    std::array<std::byte, 4> buffer;
    static_cast<void>(co_await on.receive_from(buffer));
  };
  task_handle<void> receiving = spawn(receive(one));
  co_await sleep(1ms);
  one.close();
  auto ended = co_await as_result(receiving);
  EXPECT_EQ(error_of(ended.error()), errc::closed);
}

SOCKET_TEST(udp_socket, keeps_the_datagram_when_a_receive_is_cancelled) {
  udp_socket one = udp_socket::bind(address::loopback_v6(0));
  udp_socket other = udp_socket::bind(address::loopback_v6(0));
  const address to = other.local();
  std::array<std::byte, 16> buffer;
  auto nothing = co_await move_on_after(2ms, other.receive_from(buffer));
  EXPECT_FALSE(nothing.has_value());
  co_await one.send_to(io::bytes_of("late"), to);
  const datagram late = co_await other.receive_from(buffer);
  EXPECT_EQ(late.size, 4U);
}

}  // namespace
}  // namespace eddy::net
