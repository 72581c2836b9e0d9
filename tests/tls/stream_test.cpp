#include <eddy/tls/stream.hpp>

#include "connected.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::tls {
namespace {

using namespace std::chrono_literals;
using namespace eddy::tls::testing;
using eddy::testing::settle;

/// What `failed` failed with; code zero if it did not.
template <class T>
error failure_of(const result<T>& failed) {
  try {
    if (failed.has_error()) std::rethrow_exception(failed.error());
  } catch (const error& failure) {
    return failure;
  }
  return error(std::error_code());
}

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

EDDY_TEST(tls_stream, carries_megabytes_both_ways_at_once_through_a_narrow_stream) {
  io::memory_stream_options narrow;
  narrow.capacity = 10'000;
  narrow.largest_transfer = 4'001;
  auto both = co_await connect_ends(narrow);
  std::string there(3'000'000, '\0');
  for (std::size_t i = 0; i < there.size(); ++i) there[i] = static_cast<char>(i * 7 % 251);
  const std::string back(there.rbegin(), there.rend());
  const auto send = [](stream& to, const std::string& text) -> task<void> {
    co_await io::write_all(to, text);
    co_await to.shutdown_write();
  };
  auto sends_there = spawn(send, std::ref(both.client), std::cref(there));
  auto sends_back = spawn(send, std::ref(both.server), std::cref(back));
  auto heard_back = spawn([&] { return drain(both.client); });
  const std::string heard_there = co_await drain(both.server);
  EXPECT_TRUE(heard_there == there);
  const std::string& heard = co_await heard_back;
  EXPECT_TRUE(heard == back);
  co_await sends_there;
  co_await sends_back;
}

EDDY_TEST(tls_stream, pieces_arrive_in_order_whatever_their_sizes) {
  auto both = co_await connect_ends();
  std::string large(50'000, 'l');
  large += "end";
  const std::string medium(10'000, 'm');
  const std::array<iovec, 7> pieces{io::piece("head "), io::piece(""),    io::piece(medium),
                                    io::piece(medium),  io::piece(large), io::piece(" tail"),
                                    io::piece(medium)};
  auto heard = spawn([&] { return drain(both.server); });
  co_await io::write_all(both.client, io::const_buffers(pieces));
  co_await both.client.close();
  const std::string& text = co_await heard;
  EXPECT_TRUE(text == "head " + medium + medium + large + " tail" + medium);
}

EDDY_TEST(tls_stream, small_pieces_are_one_record_and_a_read_takes_several_records) {
  auto both = co_await connect_ends();
  auto* const below = both.server.under().target<io::memory_stream>();
  EDDY_REQUIRE(below != nullptr);
  const std::array<iovec, 3> pieces{io::piece("a"), io::piece("b"), io::piece("c")};
  const std::size_t wrote = co_await both.client.write_some(io::const_buffers(pieces));
  EXPECT_EQ(wrote, 3u);
  EXPECT_EQ(below->readable(), 3u + 22u) << "one record: header, tag, type";
  co_await io::write_all(both.client, "def");
  std::array<std::byte, 16> buffer;
  const std::size_t n = co_await both.server.read_some(buffer);
  EXPECT_EQ(io::text_of(std::span(buffer).first(n)), "abcdef");
}

EDDY_TEST(tls_stream, a_write_takes_64_kib_at_a_time_and_nothing_of_nothing) {
  auto both = co_await connect_ends();
  auto heard = spawn([&] { return drain(both.server); });
  const std::string text(100'000, 'x');
  const std::size_t wrote = co_await both.client.write_some(io::bytes_of(text));
  EXPECT_EQ(wrote, 65'536u);
  const std::size_t none = co_await both.client.write_some(std::span<const std::byte>());
  EXPECT_EQ(none, 0u);
  const std::size_t read = co_await both.client.read_some(std::span<std::byte>());
  EXPECT_EQ(read, 0u);
  co_await both.client.close();
  const std::string& arrived = co_await heard;
  EXPECT_EQ(arrived.size(), wrote);
}

// --- the end ---

EDDY_TEST(tls_stream, the_outgoing_direction_can_end_alone) {
  auto both = co_await connect_ends();
  co_await io::write_all(both.client, "question");
  co_await both.client.shutdown_write();
  co_await both.client.shutdown_write();  // no effect
  const std::string heard = co_await drain(both.server);
  EXPECT_EQ(heard, "question");
  co_await io::write_all(both.server, "answer");
  co_await both.server.close();
  const std::string answer = co_await drain(both.client);
  EXPECT_EQ(answer, "answer");
  const auto late = co_await as_result(io::write_all(both.client, "more"));
  EXPECT_EQ(failure_of(late), eddy::errc::closed);
}

EDDY_TEST(tls_stream, an_end_without_goodbye_is_an_error) {
  auto both = co_await connect_ends();
  co_await io::write_all(both.client, "half of");
  co_await both.client.under().close();
  std::array<std::byte, 64> buffer;
  const std::size_t n = co_await both.server.read_some(buffer);
  EXPECT_EQ(n, 7u);
  for (int again = 0; again < 2; ++again) {
    const auto cut = co_await as_result(both.server.read_some(buffer));
    EXPECT_EQ(failure_of(cut).code(), errc::truncated);
    EXPECT_EQ(failure_of(cut), condition::disconnected);
  }
}

EDDY_TEST(tls_stream, after_close_reads_give_the_end_and_writes_fail) {
  auto both = co_await connect_ends();
  co_await io::write_all(both.server, "unread");
  co_await both.client.close();
  co_await both.client.close();  // no effect
  std::array<std::byte, 8> buffer;
  const std::size_t n = co_await both.client.read_some(buffer);
  EXPECT_EQ(n, 0u);
  const auto write = co_await as_result(io::write_all(both.client, "x"));
  EXPECT_EQ(failure_of(write), eddy::errc::closed);
  const auto shutdown = co_await as_result(both.client.shutdown_write());
  EXPECT_EQ(failure_of(shutdown), eddy::errc::closed);
}

EDDY_TEST(tls_stream, a_waiting_read_is_told_of_close_and_of_abort) {
  for (const bool orderly : {true, false}) {
    auto both = co_await connect_ends();
    std::array<std::byte, 8> buffer;
    auto reader = spawn([&] { return as_result(both.client.read_some(buffer)); });
    co_await settle();
    if (orderly) {
      co_await both.client.close();
    } else {
      both.client.abort();
    }
    const auto& ended = co_await reader;
    EXPECT_EQ(failure_of(ended), eddy::errc::closed);
    const std::size_t n = co_await both.client.read_some(buffer);
    EXPECT_EQ(n, 0u);
  }
}

EDDY_TEST(tls_stream, abort_is_an_error_for_the_peer) {
  auto both = co_await connect_ends();
  both.client.abort();
  const auto read = co_await as_result(drain(both.server));
  EXPECT_EQ(failure_of(read), condition::disconnected);
  const auto write = co_await as_result(io::write_all(both.server, std::string(100'000, 'x')));
  EXPECT_EQ(failure_of(write), condition::disconnected);
  co_await both.server.close();  // a goodbye that cannot be sent is no failure
}

EDDY_TEST(tls_stream, a_cancelled_close_can_be_repeated) {
  io::memory_stream_options narrow;
  narrow.capacity = 10;
  auto both = co_await connect_ends(narrow);
  auto closing = spawn([&] { return both.client.close(); });
  co_await settle();
  closing.cancel();
  co_await settle();
  EXPECT_TRUE(closing.done());
  auto heard = spawn([&] { return drain(both.server); });
  co_await both.client.close();
  const std::string& text = co_await heard;
  EXPECT_EQ(text, "");
}

// --- one reader, one writer ---

EDDY_TEST(tls_stream, a_second_reader_or_writer_is_refused) {
  io::memory_stream_options narrow;
  narrow.capacity = 100;
  auto both = co_await connect_ends(narrow);
  auto reader = spawn([&] { return drain(both.client); });
  const std::string text(1'000, 'x');
  auto writer = spawn([&] { return io::write_all(both.client, text); });
  co_await settle();
  std::array<std::byte, 8> buffer;
  const auto second_read = co_await as_result(both.client.read_some(buffer));
  EXPECT_EQ(failure_of(second_read), eddy::errc::busy);
  const auto second_write = co_await as_result(both.client.write_some(io::bytes_of("y")));
  EXPECT_EQ(failure_of(second_write), eddy::errc::busy);
  auto there = spawn([&] { return drain(both.server); });
  co_await writer;
  co_await both.client.shutdown_write();
  const std::string& heard = co_await there;
  EXPECT_EQ(heard, text);
  co_await io::write_all(both.server, "fine");
  co_await both.server.close();
  const std::string& answer = co_await reader;
  EXPECT_EQ(answer, "fine");
}

// --- cancellation ---

EDDY_TEST(tls_stream, what_a_cancelled_write_left_behind_is_sent_by_the_next_read) {
  io::memory_stream_options narrow;
  narrow.capacity = 50;
  auto both = co_await connect_ends(narrow);
  const std::string question(500, 'q');
  const auto sent = co_await move_on_after(1s, both.client.write_some(io::bytes_of(question)));
  EDDY_REQUIRE(sent.has_value());
  EXPECT_EQ(*sent, question.size()) << "encrypted, so it counts as written";
  auto answering = spawn([&]() -> task<void> {
    std::string heard;
    std::array<std::byte, 100> buffer;
    while (heard.size() < 500) {
      const std::size_t n = co_await both.server.read_some(buffer);
      heard.append(io::text_of(std::span(buffer).first(n)));
    }
    EXPECT_EQ(heard, question);
    co_await io::write_all(both.server, "answer");
  });
  std::array<std::byte, 16> buffer;
  const std::size_t n = co_await both.client.read_some(buffer);
  EXPECT_EQ(io::text_of(std::span(buffer).first(n)), "answer");
  co_await answering;
}

EDDY_TEST(tls_stream, write_all_says_how_much_was_written_when_it_is_cancelled) {
  io::memory_stream_options narrow;
  narrow.capacity = 1'000;
  auto both = co_await connect_ends(narrow);
  const std::string text(200'000, 'x');
  std::size_t progress = 0;
  auto writer = spawn([&]() -> task<void> {
    try {
      co_await io::write_all(both.client, text);
    } catch (const cancelled& stop) {
      progress = stop.progress();
      throw;
    }
  });
  co_await settle();
  writer.cancel();
  co_await settle();
  EXPECT_EQ(progress, 65'536u);
  auto heard = spawn([&] { return drain(both.server); });
  co_await both.client.close();
  const std::string& arrived = co_await heard;
  EXPECT_EQ(arrived.size(), progress) << "exactly these reached the peer";
}

// --- a peer that misbehaves ---

EDDY_TEST(tls_stream, changed_bytes_are_a_protocol_error_and_the_peer_is_told) {
  auto both = co_await connect_ends();
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
  co_await io::write_all(both.client.under(), forged);
  std::array<std::byte, 8> buffer;
  const auto read = co_await as_result(both.server.read_some(buffer));
  EXPECT_EQ(failure_of(read).code(), errc::protocol_error);
  const auto told = co_await as_result(both.client.read_some(buffer));
  EXPECT_EQ(failure_of(told).code(), errc::alert_received);
  const auto write = co_await as_result(io::write_all(both.server, "x"));
  EXPECT_TRUE(write.has_error()) << "there is no connection any more";
}

EDDY_TEST(tls_stream, bytes_before_an_error_are_delivered_first) {
  auto both = co_await connect_ends();
  co_await io::write_all(both.client, "good");
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
  co_await io::write_all(both.client.under(), forged);
  std::array<std::byte, 64> buffer;
  const std::size_t n = co_await both.server.read_some(buffer);
  EXPECT_EQ(io::text_of(std::span(buffer).first(n)), "good");
  const auto read = co_await as_result(both.server.read_some(buffer));
  EXPECT_EQ(failure_of(read).code(), errc::protocol_error);
}

EDDY_TEST(tls_stream, is_a_byte_stream_like_any_other) {
  auto both = co_await connect_ends();
  io::any_stream any(std::move(both.client));
  EXPECT_NE(any.target<stream>(), nullptr);
  co_await io::write_all(any, "through an any_stream");
  co_await any.close();
  const std::string heard = co_await drain(both.server);
  EXPECT_EQ(heard, "through an any_stream");
}

EDDY_TEST(tls_stream, tls_goes_over_tls) {
  auto outer = co_await connect_ends();
  auto accepted = spawn(
      [](stream under) -> task<std::string> {
        io::any_stream any(std::move(under));
        auto inner = co_await stream::accept(std::move(any), plain_server());
        co_return co_await drain(inner);
      },
      std::move(outer.server));
  io::any_stream any(std::move(outer.client));
  auto inner = co_await stream::connect(std::move(any), plain_client(), "example.org");
  co_await io::write_all(inner, "twice");
  co_await inner.close();
  const std::string& heard = co_await accepted;
  EXPECT_EQ(heard, "twice");
}

}  // namespace
}  // namespace eddy::tls
