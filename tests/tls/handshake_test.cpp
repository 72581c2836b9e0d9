// How handshakes fail: each cause has its code, on both sides.
#include "connected.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/tls/error.hpp>

namespace eddy::tls {
namespace {

using namespace std::chrono_literals;
using namespace eddy::tls::testing;

/// What a server with `certificate` makes of a client that trusts the tests' authority.
task<handshakes> show(credentials certificate, std::string name = "example.org") {
  server_options options;
  options.certificates.push_back(std::move(certificate));
  return shake_hands(context::client(trusting_client()), context::server(std::move(options)),
                     std::move(name));
}

EDDY_TEST(tls_handshake, refuses_a_certificate_of_an_unknown_authority) {
  const certificate_authority other("somebody else");
  const auto ended = co_await show(issued("example.org", issue_options(), other));
  EXPECT_EQ(ended.client_error().code(), errc::unknown_authority);
  EXPECT_EQ(ended.client_error(), condition::failed);
  EXPECT_EQ(ended.client_error().operation(), "tls connect example.org");
  EXPECT_EQ(ended.client_error().detail(), "unable to get local issuer certificate");
  EXPECT_EQ(std::string(ended.client_error().what()),
            "tls connect example.org: the certificate is not from a trusted authority (unable to "
            "get local issuer certificate)");
  EXPECT_EQ(ended.server_error().code(), errc::alert_received);
  EXPECT_EQ(ended.server_error().alert(), 48) << "unknown_ca";
}

EDDY_TEST(tls_handshake, refuses_a_self_signed_certificate) {
  const credentials own = self_signed({"example.org"});
  const auto ended = co_await show(own);
  EXPECT_EQ(ended.client_error().code(), errc::unknown_authority);
}

EDDY_TEST(tls_handshake, refuses_an_expired_certificate) {
  issue_options over;
  over.not_after = std::chrono::December / 31 / 2025;  // the virtual calendar begins the day after
  const auto ended = co_await show(issued("example.org", over));
  EXPECT_EQ(ended.client_error().code(), errc::certificate_expired);
}

EDDY_TEST(tls_handshake, judges_certificates_by_the_calendar_of_the_loop) {
  issue_options january;
  january.not_before = std::chrono::January / 10 / 2026;
  january.not_after = std::chrono::January / 20 / 2026;
  const auto early = co_await show(issued("example.org", january));
  EXPECT_EQ(early.client_error().code(), errc::certificate_not_yet_valid);
  co_await sleep(std::chrono::days(12));
  const auto in_time = co_await show(issued("example.org", january));
  EXPECT_TRUE(in_time.client.has_value());
  co_await sleep(std::chrono::days(12));
  const auto late = co_await show(issued("example.org", january));
  EXPECT_EQ(late.client_error().code(), errc::certificate_expired);
}

EDDY_TEST(tls_handshake, checks_the_name_that_was_asked_for) {
  const auto ask = [](std::string name) {
    return show(
        authority().issue({"example.org", "*.wild.example.org", "192.0.2.1", "2001:db8::1"}),
        std::move(name));
  };
  for (const char* right : {"example.org", "EXAMPLE.org", "example.org.", "a.wild.example.org",
                            "192.0.2.1", "2001:db8::1"}) {
    const auto ended = co_await ask(right);
    EXPECT_TRUE(ended.client.has_value()) << right;
  }
  for (const char* wrong : {"example.com", "www.example.org", "wild.example.org",
                            "a.b.wild.example.org", "192.0.2.2", "2001:db8::2"}) {
    const auto ended = co_await ask(wrong);
    EXPECT_EQ(ended.client_error().code(), errc::wrong_host) << wrong;
  }
}

EDDY_TEST(tls_handshake, a_common_name_is_no_host_name) {
  issue_options named;
  named.common_name = "example.org";
  const auto ended = co_await show(issued("other.example.org", named));
  EXPECT_EQ(ended.client_error().code(), errc::wrong_host);
}

EDDY_TEST(tls_handshake, an_impossible_host_name_is_invalid_input) {
  auto [near, far] = io::memory_stream_pair();
  io::any_stream any(std::move(near));
  const auto ended =
      co_await as_result(stream::connect(std::move(any), plain_client(), std::string(300, 'a')));
  EDDY_REQUIRE(ended.has_error());
  try {
    std::rethrow_exception(ended.error());
  } catch (const error& failure) {
    EXPECT_EQ(failure, condition::invalid_input);
  }
}

EDDY_TEST(tls_handshake, without_a_common_version_fails_on_both_sides) {
  auto new_only = server_for({"example.org"});
  new_only.lowest = version::tls_1_3;
  auto old_only = trusting_client();
  old_only.highest = version::tls_1_2;
  const auto ended = co_await shake_hands(context::client(old_only), context::server(new_only));
  EXPECT_EQ(ended.server_error().code(), errc::no_common_version);
  EXPECT_EQ(ended.client_error().code(), errc::no_common_version);
  EXPECT_EQ(ended.client_error().alert(), 70);
}

EDDY_TEST(tls_handshake, without_a_common_protocol_fails_on_both_sides) {
  auto serving = server_for({"example.org"});
  serving.alpn = {"h2"};
  auto asking = trusting_client();
  asking.alpn = {"http/1.1"};
  const auto ended = co_await shake_hands(context::client(asking), context::server(serving));
  EXPECT_EQ(ended.server_error().code(), errc::no_common_protocol);
  EXPECT_EQ(ended.client_error().code(), errc::no_common_protocol);
  EXPECT_EQ(ended.client_error().alert(), 120);
}

/// How the server's side of a handshake ends when the peer does `what`, in code and condition.
template <class Fn>
task<tls_error> accept_from(Fn what, handshake_options options = handshake_options()) {
  auto [near, far] = io::memory_stream_pair();
  auto peer = spawn(what, std::ref(near));
  io::any_stream any(std::move(far));
  auto ended = co_await as_result(stream::accept(std::move(any), plain_server(), options));
  const auto waited = co_await as_result(peer);
  handshakes both{result<stream>(std::make_exception_ptr(std::logic_error("none"))),
                  std::move(ended)};
  co_return both.server_error();
}

EDDY_TEST(tls_handshake, a_client_that_speaks_plain_text_is_told_from_a_broken_one) {
  const auto plain = co_await accept_from([](io::memory_stream& out) {
    return io::write_all(out, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  });
  EXPECT_EQ(plain.code(), errc::not_tls);
  EXPECT_EQ(plain.detail(), "it begins with 'GET / HTTP/1.1..'");
  const auto broken = co_await accept_from([](io::memory_stream& out) {
    return io::write_all(out, std::string_view("\x16\x03\x01\x00\x05hello", 10));
  });
  EXPECT_EQ(broken.code(), errc::protocol_error);
}

EDDY_TEST(tls_handshake, a_server_that_speaks_plain_text_is_named_as_such) {
  auto [near, far] = io::memory_stream_pair();
  co_await io::write_all(far, "SSH-2.0-OpenSSH_9.2\r\n");
  io::any_stream any(std::move(near));
  auto ended = co_await as_result(stream::connect(std::move(any), plain_client(), "example.org"));
  const handshakes both{std::move(ended),
                        result<stream>(std::make_exception_ptr(std::logic_error("none")))};
  EXPECT_EQ(both.client_error().code(), errc::not_tls);
  EXPECT_EQ(both.client_error().detail(), "it begins with 'SSH-2.0-OpenSSH_'");
}

EDDY_TEST(tls_handshake, a_peer_that_closes_is_told_from_one_that_is_silent) {
  const auto closed =
      co_await accept_from([](io::memory_stream& out) -> task<void> { co_await out.close(); });
  EXPECT_EQ(closed.code(), errc::peer_closed);
  EXPECT_EQ(closed, condition::disconnected);
  const auto start = now();
  const auto silent =
      co_await accept_from([](io::memory_stream&) -> task<void> { co_await sleep(1h); },
                           handshake_options{.timeout = 3s});
  EXPECT_EQ(silent.code(), errc::timed_out);
  EXPECT_EQ(silent, condition::timed_out);
  EXPECT_GE(now() - start, 3s);
}

EDDY_TEST(tls_handshake, a_reset_passes_as_it_is) {
  auto [near, far] = io::memory_stream_pair();
  near.abort();
  io::any_stream any(std::move(far));
  auto ended = co_await as_result(stream::accept(std::move(any), plain_server()));
  EDDY_REQUIRE(ended.has_error());
  try {
    std::rethrow_exception(ended.error());
  } catch (const error& failure) {
    EXPECT_EQ(failure.code(), std::errc::connection_reset);
    EXPECT_EQ(failure, condition::disconnected);
  }
}

EDDY_TEST(tls_handshake, keeps_bytes_that_were_read_before_it) {  // strm.25
  auto [near, far] = io::memory_stream_pair();
  auto client = spawn(
      [](io::memory_stream under) -> task<std::string> {
        co_await io::write_all(under, "STARTTLS\r\n");
        io::any_stream any(std::move(under));
        auto secure = co_await stream::connect(std::move(any), plain_client(), "example.org");
        co_await io::write_all(secure, "hello");
        co_await secure.shutdown_write();
        co_return co_await drain(secure);
      },
      std::move(near));
  // The server reads more than the line: its buffer has the beginning of the client's hello.
  std::array<std::byte, 64> buffer;
  std::size_t have = 0;
  while (have < buffer.size()) have += co_await far.read_some(std::span(buffer).subspan(have));
  EXPECT_TRUE(io::text_of(buffer).starts_with("STARTTLS\r\n"));
  handshake_options options;
  options.received = std::span(buffer).subspan(10);
  io::any_stream any(std::move(far));
  auto server = co_await stream::accept(std::move(any), plain_server(), options);
  const std::string heard = co_await drain(server);
  EXPECT_EQ(heard, "hello");
  co_await io::write_all(server, "welcome");
  co_await server.close();
  const std::string& answer = co_await client;
  EXPECT_EQ(answer, "welcome");
}

TEST(tls_errors, know_what_a_caller_should_do) {
  EXPECT_EQ(make_error_code(errc::peer_closed), condition::disconnected);
  EXPECT_EQ(make_error_code(errc::truncated), condition::disconnected);
  EXPECT_EQ(make_error_code(errc::timed_out), condition::timed_out);
  EXPECT_EQ(make_error_code(errc::bad_credentials), condition::invalid_input);
  EXPECT_EQ(make_error_code(errc::wrong_host), condition::failed);
  EXPECT_EQ(std::string(category().name()), "eddy.tls");
  for (int code = 1; code <= static_cast<int>(errc::bad_credentials); ++code) {
    EXPECT_FALSE(category().message(code).starts_with("unknown")) << code;
  }
}

}  // namespace
}  // namespace eddy::tls
