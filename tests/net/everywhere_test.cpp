// Every operation of net on the simulated network, cancelled and made to fail at every point: no socket is left.
#include <eddy/testing/everywhere.hpp>

#include "dns_server.hpp"
#include "everywhere_on_system.hpp"
#include "on_every_network.hpp"
#include "scratch_folder.hpp"

#include <array>
#include <string>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/net/dns_resolver.hpp>
#include <eddy/net/net.hpp>
#include <eddy/net/unix.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::disturbance;
using ::eddy::testing::everywhere_options;
using ::eddy::testing::trial;

everywhere_options slow_network() {
  everywhere_options options;
  options.run.network.latency = 10ms;
  options.run.network.max_transfer = 3;
  options.run.network.window = 8;
  return options;
}

task<void> echo_and_close(tcp_stream peer) {
  std::array<std::byte, 16> buffer;
  for (;;) {
    const std::size_t n = co_await peer.read_some(buffer);
    if (n == 0) break;
    const std::span<const std::byte> got(buffer.data(), n);
    co_await peer.write_all(got);
  }
  co_await peer.close();
}

/// Handles whose client was disturbed meet resets.
task<void> echo_to_whom_it_may_concern(tcp_stream peer) {
  const auto ended = co_await as_result(echo_and_close(std::move(peer)));
  if (ended.is_cancelled()) static_cast<void>(ended.value());
}

// clk.6
// Exposes: net/tcp.connect net/stream_socket.write_all net/stream_socket.read_some
// Exposes: net/stream_socket.shutdown_write net/stream_socket.close
TEST(everywhere, a_client_leaves_no_socket) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
        const address to = listener.local();
        auto server =
            spawn([&]() -> task<void> { co_await serve(listener, echo_to_whom_it_may_concern); });
        const auto talk = [&]() -> task<std::string> {
          tcp_stream stream = co_await tcp_stream::connect(to);
          const std::string_view question = "hello, network";
          co_await stream.write_all(question);
          co_await stream.shutdown_write();
          std::string answer;
          std::array<std::byte, 16> buffer;
          for (;;) {
            const std::size_t n = co_await stream.read_some(buffer);
            if (n == 0) break;
            answer.append(reinterpret_cast<const char*>(buffer.data()), n);
          }
          co_await stream.close();
          co_return answer;
        };
        const auto ended = co_await t.expose(talk());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        if (ended.has_value()) {
          EXPECT_EQ(*ended, "hello, network");
        }
        server.cancel();
        const auto stopped = co_await as_result(server);
        EXPECT_TRUE(stopped.has_error());
      },
      slow_network());
}

// clk.6
// Exposes: net/tcp.accept
TEST(everywhere, a_server_leaves_no_socket) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
        const address to = listener.local();
        const auto ask = [to]() -> task<void> {
          tcp_stream stream = co_await tcp_stream::connect(to);
          const std::string_view question = "hi";
          co_await stream.write_all(question);
          co_await stream.shutdown_write();
          std::array<std::byte, 16> buffer;
          while (true) {
            const std::size_t n = co_await stream.read_some(buffer);
            if (n == 0) break;
          }
        };
        auto client = spawn([&]() -> task<void> {
          // Only the end matters: the server may be gone at any point.
          const auto ended = co_await as_result(with_timeout(1s, ask()));
          if (ended.is_cancelled()) static_cast<void>(ended.value());
        });
        const auto accept_one = [&]() -> task<void> {
          tcp_stream peer = co_await listener.accept();
          co_await echo_and_close(std::move(peer));
        };
        const auto ended = co_await t.expose(accept_one());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        co_await client;
      },
      slow_network());
}

void serve_everywhere(connection_spread* spread) {
  cancel_everywhere(
      [spread](trial& t) -> task<void> {
        const ::eddy::testing::error_recorder failed_handlers;
        tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
        const address to = listener.local();
        auto client = spawn([to]() -> task<void> {
          const auto ask = [to]() -> task<void> {
            tcp_stream stream = co_await tcp_stream::connect(to);
            const std::string_view question = "hi";
            co_await stream.write_all(question);
            co_await stream.shutdown_write();
            std::array<std::byte, 16> buffer;
            const std::size_t n = co_await stream.read_some(buffer);
            EXPECT_LE(n, 2U);
          };
          const auto ended = co_await as_result(with_timeout(1s, ask()));
          if (ended.is_cancelled()) static_cast<void>(ended.value());
        });
        int running = 0;
        const auto handler = [&](tcp_stream peer) -> task<void> {
          ++running;
          const auto ended = co_await as_result(echo_and_close(std::move(peer)));
          --running;
          static_cast<void>(ended.value());
        };
        const auto serve_a_while = [&]() -> task<void> {
          const serve_options how{.spread = spread};
          const bool forever = co_await move_on_after(2s, serve(listener, std::ref(handler), how));
          EXPECT_FALSE(forever);
        };
        const auto ended = co_await t.expose(serve_a_while());
        EXPECT_EQ(running, 0);
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        co_await client;
      },
      slow_network());
}

// clk.6
// Exposes: net/serve.serve
TEST(everywhere, serve_ends_with_its_handlers) {
  serve_everywhere(nullptr);
  connection_spread spread;
  serve_everywhere(&spread);
  EXPECT_EQ(spread.members(), 0U);
}

// clk.6
// Exposes: net/udp.connect net/udp.send net/udp.receive_from
TEST(everywhere, datagram_sockets_are_closed) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        udp_socket receiver = udp_socket::bind(address::loopback_v4(0));
        const address to = receiver.local();
        const auto both = [&]() -> task<std::size_t> {
          udp_socket sender = co_await udp_socket::connect(to);
          const std::array<std::byte, 4> bytes{};
          co_await sender.send(bytes);
          std::array<std::byte, 16> buffer;
          const auto got = co_await receiver.receive_from(buffer);
          co_return got.size;
        };
        const auto ended = co_await t.expose(both());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        if (ended.has_value()) {
          EXPECT_EQ(*ended, 4U);
        }
      },
      slow_network());
}

// clk.6
// Exposes: net/udp.send_to net/udp.receive
TEST(everywhere, a_datagram_arrives_once_or_was_not_sent) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        udp_socket left = udp_socket::bind(address::loopback_v4(0));
        udp_socket right = co_await udp_socket::connect(left.local());
        const address to = right.local();
        const std::array<std::byte, 4> bytes{};
        bool sent = false;
        std::size_t received = 0;
        const auto exchange = [&]() -> task<void> {
          co_await left.send_to(bytes, to);
          sent = true;
          std::array<std::byte, 16> buffer;
          const auto got = co_await right.receive(buffer);
          received += got.size;
        };
        const auto ended = co_await t.expose(exchange());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        if (sent && received == 0) {
          std::array<std::byte, 16> buffer;
          const auto got = co_await right.receive(buffer);
          received += got.size;
        }
        EXPECT_EQ(received, sent ? 4U : 0U);
      },
      slow_network());
}

// clk.6
// Exposes: net/unix.connect net/unix.accept net/stream_socket.write_some
TEST(everywhere, unix_sockets_are_closed) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        unix_listener listener = unix_listener::listen("/simulated/socket");
        const auto ask = []() -> task<void> {
          unix_stream stream = co_await unix_stream::connect("/simulated/socket");
          const std::string_view question = "hi";
          const std::size_t sent = co_await stream.write_some(io::bytes_of(question));
          EXPECT_GT(sent, 0U);
          co_await stream.shutdown_write();
          const std::string answer = co_await read_all(stream);
        };
        const auto answer = [&]() -> task<void> {
          unix_stream peer = co_await listener.accept();
          const std::string question = co_await read_all(peer);
          co_await peer.write_all(question);
          co_await peer.close();
        };
        const auto both = [&]() -> task<void> { co_await gather(ask(), answer()); };
        const auto ended = co_await t.expose(both());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        listener.close();
        EXPECT_EQ(::eddy::testing::virtual_io().network().open_sockets(), 0U);
      },
      slow_network());
}

// clk.6
// Exposes: net/resolver.resolve
TEST(everywhere, a_name_that_is_asked_for_reaches_those_who_still_wait) {
  cancel_everywhere([](trial& t) -> task<void> {
    dns_server server;
    server.table["example.test"] = {.v4 = {"192.0.2.1"}, .v6 = {"2001:db8::1"}};
    server.table["second.test"] = {.v4 = {"192.0.2.2"}};
    dns_options how;
    how.servers = server.local().to_string();
    how.hosts_file = "/nonexistent/hosts";
    auto serving = spawn(server.serve());
    auto& home = runtime::loop::current();
    auto made = std::make_unique<dns_resolver>(home, how);
    const dns_resolver& asked = *made;
    set_resolver(home, std::move(made));
    auto other = spawn([]() -> task<std::vector<address>> {
      co_await sleep(1ms);
      co_return co_await resolve("example.test", 80);
    });
    const auto ask = []() -> task<void> {
      const auto first = co_await resolve("example.test", 80);
      const auto second = co_await resolve("second.test", 80, {.family = address_family::v4});
      EXPECT_EQ(second.size(), 1U);
    };
    const auto ended = co_await t.expose(ask());
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    const auto found = co_await other;
    EXPECT_EQ(found.size(), 2U);
    EXPECT_EQ(asked.statistics().in_flight, 0U);
    set_resolver(home, nullptr);
    serving.cancel();
    const auto stopped = co_await as_result(serving);
  });
}

// clk.6
// Exposes: net/tcp.connect
TEST(everywhere, racing_connects_leave_no_socket) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
        const std::uint16_t port = listener.local().port();
        const auto connect = [port]() -> task<void> {
          tcp_stream stream = co_await tcp_stream::connect("localhost", port);
          co_await stream.close();
        };
        const auto ended = co_await t.expose(connect());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        EXPECT_EQ(::eddy::testing::virtual_io().network().open_sockets(), 1U);
      },
      slow_network());
}

// clk.6
// Exposes: net/stream_socket.wait_readable
TEST(everywhere, waiting_for_bytes_takes_none_and_leaves_the_readers_place) {
  cancel_everywhere(
      [](trial& t) -> task<void> {
        connected_pair pair = co_await connect_pair();
        auto sender = spawn([&]() -> task<void> {
          co_await sleep(1s);
          co_await pair.client.write_all("some text");
          co_await pair.client.shutdown_write();
        });
        const auto wait_twice = [&]() -> task<void> {
          co_await pair.server.wait_readable();
          co_await pair.server.wait_readable();
        };
        const auto ended = co_await t.expose(wait_twice());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        co_await pair.server.wait_readable();
        const std::string received = co_await read_all(pair.server);
        EXPECT_EQ(received, "some text");
        co_await pair.server.wait_readable();  // the end is readable
        co_await sender;
      },
      slow_network());
}

// Exposes: net/stream_socket.send_file
TEST(everywhere, a_file_that_is_sent_arrives_up_to_where_its_sender_came) {
  tests::cancel_everywhere_on_system([](trial& t) -> task<void> {
    const tests::scratch_folder folder;
    const std::string text(100'000, 'x');
    const auto file = runtime::system_files().open(folder.write("file", text), {});
    connected_pair pair = co_await connect_pair();
    std::size_t sent = 0;
    const auto send = [&]() -> task<void> {
      while (sent < text.size()) sent += co_await pair.server.send_file(*file, sent, text.size());
    };
    auto receiver = spawn([&]() -> task<std::string> { co_return co_await read_all(pair.client); });
    const auto ended = co_await t.expose(send());
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    co_await pair.server.close();
    const std::string received = co_await receiver;
    EXPECT_EQ(received.size(), sent);
  });
}

}  // namespace
}  // namespace eddy::net
