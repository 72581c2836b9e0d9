#include <eddy/tls/stream.hpp>

#include "connected.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::tls {
namespace {

using namespace std::chrono_literals;
using namespace eddy::tls::testing;

EDDY_TEST(tls_stream, carries_bytes_both_ways) {
  auto both = co_await shake_hands(plain_client(), plain_server());
  stream client = std::move(both.client).value();
  stream server = std::move(both.server).value();
  co_await io::write_all(client, "ping");
  std::array<std::byte, 16> buffer;
  const std::size_t n = co_await server.read_some(buffer);
  EXPECT_EQ(io::text_of(std::span(buffer).first(n)), "ping");
  co_await io::write_all(server, "pong");
  co_await server.close();
  const std::string heard = co_await drain(client);
  EXPECT_EQ(heard, "pong");
}

EDDY_TEST(tls_stream, says_what_was_agreed_upon) {
  auto both = co_await shake_hands(context::client(trusting_client()), plain_server());
  stream client = std::move(both.client).value();
  stream server = std::move(both.server).value();
  EXPECT_EQ(client.version(), version::tls_1_3);
  EXPECT_EQ(client.cipher(), "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(server.cipher(), client.cipher());
  EXPECT_EQ(server.server_name(), "example.org");
  EXPECT_EQ(client.server_name(), "example.org");
  EXPECT_EQ(client.alpn(), "");
  EXPECT_FALSE(client.session_reused());
  EXPECT_TRUE(client.peer().empty());
  const auto shown = client.peer_certificate();
  EDDY_REQUIRE(shown.has_value());
  EXPECT_EQ(shown->subject, "CN=example.org");
  EXPECT_EQ(shown->issuer, "CN=eddy test authority");
  EXPECT_EQ(shown->names, std::vector<std::string>{"example.org"});
  EXPECT_EQ(shown->fingerprint.size(), 64u);
  EXPECT_EQ(shown->not_before, std::chrono::sys_days(std::chrono::January / 1 / 2020));
  EXPECT_EQ(shown->not_after, std::chrono::sys_days(std::chrono::December / 31 / 2049));
  EXPECT_FALSE(server.peer_certificate().has_value());
}

EDDY_TEST(tls_stream, works_byte_by_byte) {
  io::memory_stream_options narrow;
  narrow.largest_transfer = 1;
  auto both = co_await shake_hands(plain_client(), plain_server(), "example.org", narrow);
  stream client = std::move(both.client).value();
  stream server = std::move(both.server).value();
  const std::string text(40'000, 'x');
  auto reader = spawn([&] { return drain(server); });
  co_await io::write_all(client, text);
  co_await client.shutdown_write();
  const std::string& heard = co_await reader;
  EXPECT_EQ(heard, text);
}

}  // namespace
}  // namespace eddy::tls
