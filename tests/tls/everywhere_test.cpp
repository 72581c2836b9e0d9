// Every operation of a TLS stream, cancelled and made to fail at every point: no byte is lost or doubled.
#include <eddy/testing/everywhere.hpp>

#include "connected.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/net/net.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::tls {
namespace {

using namespace eddy::tls::testing;
using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::disturbance;
using ::eddy::testing::trial;

io::memory_stream_options narrow() {
  io::memory_stream_options options;
  options.capacity = 400;
  options.largest_transfer = 150;
  return options;
}

/// Every run has to be like the others: no resumption.
const context& forgetful_client() {
  static const context made = [] {
    auto options = trusting_client();
    options.session_cache = 0;
    return context::client(std::move(options));
  }();
  return made;
}

/// Of any address.
const context& careless_client() {
  static const context made = [] {
    client_options options;
    options.authorities = trust::nobody();
    options.session_cache = 0;
    return context::client(std::move(options));
  }();
  return made;
}

task<ends> connect_narrow_ends() {
  return connect_ends(forgetful_client(), plain_server(), narrow());
}

task<ends> connect_tcp_ends() {
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  io::any_stream near(co_await net::tcp_stream::connect(listener.local()));
  io::any_stream far(co_await listener.accept());
  auto accepted = spawn(stream::accept(std::move(far), plain_server()));
  stream client = co_await stream::connect(std::move(near), forgetful_client(), "example.org");
  auto& server = const_cast<stream&>(co_await accepted);
  co_return ends{std::move(client), std::move(server)};
}

// clk.6
// Exposes: tls/stream.connect
TEST(tls_everywhere, a_disturbed_handshake_leaves_nothing_behind) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [near, far] = io::memory_stream_pair();  // signatures differ in length: whole flights only
    auto accepted = spawn(
        [](io::memory_stream under) -> task<bool> {
          io::any_stream any(std::move(under));
          const auto ended = co_await as_result(stream::accept(std::move(any), plain_server()));
          co_return ended.has_value();
        },
        std::move(far));
    std::optional<result<stream>> ended;
    {
      io::any_stream any(std::move(near));
      ended = co_await t.expose(stream::connect(std::move(any), forgetful_client(), "example.org"));
    }
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended->has_value());
    }
    const bool made = ended->has_value();
    ended.reset();
    const bool there = co_await accepted;
    if (made) {
      EXPECT_TRUE(there);
    }
  });
}

// clk.6
// Exposes: tls/stream.accept
TEST(tls_everywhere, a_disturbed_accept_leaves_nothing_behind) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [near, far] = io::memory_stream_pair();
    auto connected = spawn(
        [](io::memory_stream under) -> task<bool> {
          io::any_stream any(std::move(under));
          auto ended = co_await as_result(
              stream::connect(std::move(any), forgetful_client(), "example.org"));
          if (!ended.has_value()) co_return false;
          stream made = std::move(ended).value();
          const auto read = co_await as_result(drain(made));  // to the end of the other side
          co_return true;
        },
        std::move(far));
    {
      io::any_stream any(std::move(near));
      const auto ended = co_await t.expose(stream::accept(std::move(any), plain_server()));
      if (t.kind() == disturbance::none) {
        EXPECT_TRUE(ended.has_value());
      }
    }
    static_cast<void>(co_await connected);
  });
}

// clk.6
// Exposes: tls/connect.connect
TEST(tls_everywhere, a_disturbed_connection_to_a_host_leaves_nothing_behind) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
    const std::uint16_t port = listener.local().port();
    const auto handle = [](net::tcp_stream tcp) -> task<void> {
      io::any_stream any(std::move(tcp));
      const auto ended = co_await as_result(stream::accept(std::move(any), plain_server()));
    };
    const auto body = [&](task_group& group) -> task<void> {
      group.spawn(net::serve(listener, handle));
      const auto ended = co_await t.expose(connect("127.0.0.1", port, careless_client()));
      if (t.kind() == disturbance::none) {
        EXPECT_TRUE(ended.has_value());
      }
      group.cancel();
    };
    co_await with_group(body);
  });
}

/// Reads four times, disturbed, and then the rest: `reader` gets all that `writer` sends.
task<void> read_disturbed(trial& t, stream& writer, stream& reader) {
  std::string sent;
  for (int i = 0; i < 300; ++i) sent += std::to_string(i) + " ";
  auto writing = spawn([&]() -> task<void> {
    co_await io::write_all(writer, sent.substr(0, 700));
    co_await io::write_all(writer, sent.substr(700));
    co_await writer.close();
  });
  std::string got;
  const auto read = [&]() -> task<void> {
    std::array<std::byte, 100> buffer;
    for (int i = 0; i < 4; ++i) {
      const std::size_t n = co_await reader.read_some(buffer);
      got.append(io::text_of(std::span(buffer).first(n)));
    }
  };
  const auto ended = co_await t.expose(read());
  if (t.kind() == disturbance::none) {
    EXPECT_TRUE(ended.has_value());
  }
  got += co_await drain(reader);
  EXPECT_EQ(got, sent);
  co_await writing;
}

// clk.6
// Exposes: tls/stream.read_some
TEST(tls_everywhere, a_reader_loses_no_byte) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto both = co_await connect_narrow_ends();
    co_await read_disturbed(t, both.server, both.client);
  });
}

// clk.6
TEST(tls_everywhere, a_server_that_sends_its_tickets_while_it_reads_loses_no_byte) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto both = co_await connect_narrow_ends();
    co_await read_disturbed(t, both.client, both.server);
  });
}

// clk.6
// Exposes: tls/stream.write_some
TEST(tls_everywhere, a_disturbed_write_says_how_much_was_sent) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto both = co_await connect_narrow_ends();
    const std::string text(700, 'x');
    std::string received;
    auto peer = spawn([&]() -> task<void> {
      const auto all = co_await as_result(drain(both.server));
      if (all.has_value()) received = *all;
    });
    const std::array<iovec, 3> pieces{io::piece(text), io::piece("middle"), io::piece(text)};
    const std::string whole = text + "middle" + text;
    const auto write = [&]() -> task<void> {
      const std::size_t first = co_await both.client.write_some(io::bytes_of("first "));
      EXPECT_EQ(first, 6u);
      co_await io::write_all(both.client, io::const_buffers(pieces));
    };
    const auto ended = co_await t.expose(write());
    const auto closed = co_await as_result(both.client.close());
    co_await peer;
    if (ended.has_value()) {
      EXPECT_EQ(received, "first " + whole);
    } else if (ended.is_cancelled() && received.starts_with("first ")) {
      EXPECT_EQ(received.substr(6), whole.substr(0, ended.cancellation().progress()));
    } else if (ended.is_cancelled()) {
      EXPECT_EQ(received, "");
    } else {
      EXPECT_EQ(t.kind(), disturbance::error_at_entry);
    }
  });
}

// clk.6
// Exposes: tls/stream.shutdown_write
TEST(tls_everywhere, a_disturbed_end_of_one_side_can_be_made_good) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto both = co_await connect_narrow_ends();
    std::string received;
    auto peer = spawn([&]() -> task<void> {
      const auto all = co_await as_result(drain(both.server));
      if (all.has_value()) received = *all;
      const auto closed = co_await as_result(both.server.close());
    });
    co_await io::write_all(both.client, "all of this");
    const auto ended = co_await t.expose(both.client.shutdown_write());
    const auto again = co_await as_result(both.client.shutdown_write());
    if (!again.has_value()) both.client.abort();
    const auto answer = co_await as_result(drain(both.client));  // the server's tickets
    co_await peer;
    if (t.kind() != disturbance::error_at_entry) {
      EXPECT_EQ(received, "all of this");
    }
  });
}

// clk.6
// Exposes: tls/stream.close
TEST(tls_everywhere, a_disturbed_close_can_be_made_good) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto both = co_await connect_narrow_ends();
    std::string received;
    auto peer = spawn([&]() -> task<void> {
      const auto all = co_await as_result(drain(both.server));
      if (all.has_value()) received = *all;
    });
    co_await io::write_all(both.client, "all of this");
    const auto ended = co_await t.expose(both.client.close());
    const auto again = co_await as_result(both.client.close());
    co_await peer;
    if (t.kind() != disturbance::error_at_entry) {
      EXPECT_TRUE(again.has_value());
      EXPECT_EQ(received, "all of this");
    }
  });
}

// clk.6
// Exposes: tls/stream.wait_readable
TEST(tls_everywhere, waiting_for_bytes_takes_none_and_leaves_the_readers_place) {
  cancel_everywhere([](trial& t) -> task<void> {
    ends both = co_await connect_tcp_ends();
    auto sender = spawn([&]() -> task<void> {
      co_await sleep(std::chrono::seconds(1));
      co_await io::write_all(both.client, "some text");
      co_await both.client.close();
    });
    const auto wait_twice = [&]() -> task<void> {
      co_await both.server.wait_readable();
      co_await both.server.wait_readable();
    };
    const auto ended = co_await t.expose(wait_twice());
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    const std::string received = co_await drain(both.server);
    EXPECT_EQ(received, "some text");
    co_await both.server.close();
    co_await sender;
  });
}

}  // namespace
}  // namespace eddy::tls
