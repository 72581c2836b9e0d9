#include <eddy/io/memory_stream.hpp>

#include "error_code.hpp"

#include <array>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: strm.1 strm.7 strm.8 strm.9 strm.10 strm.11 strm.12 strm.13 strm.14 strm.15

namespace eddy::io {
namespace {

using eddy::testing::settle;
using tests::code_of;

struct reader {
  std::array<std::byte, 64> memory{};

  task<std::string> read(memory_stream& from, std::size_t most = 64) {
    const std::size_t n = co_await from.read_some(std::span(memory).first(most));
    co_return std::string(text_of(std::span(memory).first(n)));
  }
};

EDDY_TEST(memory_stream, gives_one_to_n_bytes_then_the_end) {  // strm.1
  auto [a, b] = memory_stream_pair();
  reader r;
  co_await a.write_some(bytes_of("hello"));
  std::string got = co_await r.read(b, 0);
  EXPECT_EQ(got, "");
  got = co_await r.read(b, 3);
  EXPECT_EQ(got, "hel");
  got = co_await r.read(b);
  EXPECT_EQ(got, "lo");
  co_await a.close();
  got = co_await r.read(b);
  EXPECT_EQ(got, "");
  got = co_await r.read(b);
  EXPECT_EQ(got, "") << "again and again";
}

EDDY_TEST(memory_stream, wakes_a_waiting_reader_with_what_is_written) {
  auto [a, b] = memory_stream_pair();
  reader r;
  auto waiting = spawn([&] { return r.read(b); });
  co_await settle();
  EXPECT_FALSE(waiting.done());
  const std::size_t n = co_await a.write_some(bytes_of("x"));
  EXPECT_EQ(n, 1u);
  const std::string& got = co_await waiting;
  EXPECT_EQ(got, "x");
}

EDDY_TEST(memory_stream, delivers_to_a_reader_that_is_cancelled_after_the_write) {
  auto [a, b] = memory_stream_pair();
  reader r;
  auto served = spawn([&] { return r.read(b); });
  co_await settle();
  co_await a.write_some(bytes_of("x"));
  served.cancel();
  co_await settle();
  EXPECT_EQ(served.status(), coro::task_status::succeeded);

  auto withdrawn = spawn([&] { return r.read(b); });
  co_await settle();
  withdrawn.cancel();
  co_await a.write_some(bytes_of("y"));
  co_await settle();
  EXPECT_EQ(withdrawn.status(), coro::task_status::cancelled);
  EXPECT_EQ(b.readable(), 1u) << "nothing was read";
}

EDDY_TEST(memory_stream, tells_a_second_reader_and_a_second_writer_that_it_is_busy) {  // strm.7
  auto [a, b] = memory_stream_pair({.capacity = 2});
  reader r;
  reader other;
  auto first = spawn([&] { return r.read(b); });
  co_await settle();
  const auto second = co_await as_result(other.read(b));
  EXPECT_EQ(code_of(second), errc::busy);

  co_await a.write_some(bytes_of("12"));
  const std::string& got = co_await first;
  EXPECT_EQ(got, "12");
  co_await a.write_some(bytes_of("34"));
  auto blocked =
      spawn([&a]() -> task<std::size_t> { co_return co_await a.write_some(bytes_of("56")); });
  co_await settle();
  const auto refused = co_await as_result(a.write_some(bytes_of("78")));
  EXPECT_EQ(code_of(refused), errc::busy);
  const std::string next = co_await r.read(b);
  EXPECT_EQ(next, "34");
  const std::size_t wrote = co_await blocked;
  EXPECT_EQ(wrote, 2u);
  const std::string last = co_await r.read(b);
  EXPECT_EQ(last, "56");
}

EDDY_TEST(memory_stream, fails_the_waits_of_an_end_that_is_closed) {  // strm.8
  auto [a, b] = memory_stream_pair({.capacity = 1});
  reader r;
  co_await b.write_some(bytes_of("1"));
  auto reading = spawn([&] { return r.read(b); });
  auto writing = spawn([&b]() -> task<void> { co_await b.write_some(bytes_of("2")); });
  co_await settle();
  co_await b.close();
  const auto read = co_await as_result(reading);
  const auto wrote = co_await as_result(writing);
  EXPECT_EQ(code_of(read), errc::closed);
  EXPECT_EQ(code_of(wrote), errc::closed);
}

EDDY_TEST(memory_stream, fails_writes_to_a_peer_that_closed) {  // strm.10
  auto [a, b] = memory_stream_pair();
  co_await b.close();
  const auto wrote = co_await as_result(a.write_some(bytes_of("x")));
  EXPECT_EQ(code_of(wrote), std::errc::broken_pipe);
  EXPECT_EQ(code_of(wrote), condition::disconnected);
}

EDDY_TEST(memory_stream, delivers_what_was_written_before_close) {  // strm.12
  auto [a, b] = memory_stream_pair();
  reader r;
  co_await a.write_some(bytes_of("last words"));
  co_await a.close();
  std::string got = co_await r.read(b);
  EXPECT_EQ(got, "last words");
  got = co_await r.read(b);
  EXPECT_EQ(got, "");
  got = co_await r.read(a);
  EXPECT_EQ(got, "") << "the own reader sees the end";
  const auto late = co_await as_result(a.write_some(bytes_of("x")));
  EXPECT_EQ(code_of(late), errc::closed);
}

EDDY_TEST(memory_stream, discards_what_was_written_before_abort) {  // strm.12
  auto [a, b] = memory_stream_pair();
  reader r;
  co_await a.write_some(bytes_of("never heard"));
  a.abort();
  const auto read = co_await as_result(r.read(b));
  EXPECT_EQ(code_of(read), std::errc::connection_reset);
  const auto wrote = co_await as_result(b.write_some(bytes_of("x")));
  EXPECT_EQ(code_of(wrote), std::errc::connection_reset);
  const std::string own = co_await r.read(a);
  EXPECT_EQ(own, "");
  const auto late = co_await as_result(a.write_some(bytes_of("x")));
  EXPECT_EQ(code_of(late), errc::closed);
}

EDDY_TEST(memory_stream, abort_wakes_whoever_waits_at_either_end) {
  auto [a, b] = memory_stream_pair();
  reader mine;
  reader theirs;
  auto own = spawn([&] { return mine.read(a); });
  auto peer = spawn([&] { return theirs.read(b); });
  co_await settle();
  a.abort();
  const auto own_end = co_await as_result(own);
  const auto peer_end = co_await as_result(peer);
  EXPECT_EQ(code_of(own_end), errc::closed);
  EXPECT_EQ(code_of(peer_end), std::errc::connection_reset);
}

EDDY_TEST(memory_stream, refuses_close_in_a_cancelled_scope_and_ends_with_its_object) {  // strm.13
  auto [a, b] = memory_stream_pair();
  reader r;
  {
    memory_stream doomed(std::move(a));
    const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
      s.cancel();
      co_await doomed.close();
    });
    EXPECT_FALSE(finished);
    co_await doomed.write_some(bytes_of("still open"));
  }
  std::string got = co_await r.read(b);
  EXPECT_EQ(got, "still open");
  got = co_await r.read(b);
  EXPECT_EQ(got, "");
}

EDDY_TEST(memory_stream, can_be_half_closed_and_answered) {  // strm.14
  auto [a, b] = memory_stream_pair();
  reader r;
  co_await a.write_some(bytes_of("question"));
  co_await a.shutdown_write();
  std::string got = co_await r.read(b);
  EXPECT_EQ(got, "question");
  got = co_await r.read(b);
  EXPECT_EQ(got, "");
  co_await b.write_some(bytes_of("answer"));
  got = co_await r.read(a);
  EXPECT_EQ(got, "answer");
  const auto late = co_await as_result(a.write_some(bytes_of("x")));
  EXPECT_EQ(code_of(late), errc::closed);
}

// Byte i of what one side sends; the same for whoever checks it.
char pattern(std::size_t i, int salt) {
  return static_cast<char>('a' + (i * 7 + static_cast<std::size_t>(salt)) % 26);
}

task<void> send_pattern(memory_stream& to, std::size_t total, int salt) {
  std::string block;
  for (std::size_t sent = 0; sent < total; sent += block.size()) {
    block.resize(std::min<std::size_t>(1 + sent % 5000, total - sent));
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = pattern(sent + i, salt);
    co_await write_all(to, block);
  }
  co_await to.shutdown_write();
}

task<std::size_t> check_pattern(memory_stream& from, int salt) {
  std::array<std::byte, 777> memory;
  std::size_t received = 0;
  for (;;) {
    const std::size_t n = co_await from.read_some(memory);
    if (n == 0) co_return received;
    for (const char c : text_of(std::span(memory).first(n))) {
      EDDY_REQUIRE(c == pattern(received, salt));
      ++received;
    }
  }
}

EDDY_TEST(memory_stream, carries_megabytes_both_ways_in_order) {  // strm.11, strm.15
  static constexpr std::size_t total = 3'000'000;
  auto [a, b] = memory_stream_pair({.capacity = 1000, .largest_transfer = 613});
  const auto [x, y, received_by_b, received_by_a] =
      co_await gather(send_pattern(a, total, 1), send_pattern(b, total, 2), check_pattern(b, 1),
                      check_pattern(a, 2));
  EXPECT_EQ(received_by_b, total);
  EXPECT_EQ(received_by_a, total);
}

TEST(memory_stream_options, that_are_zero_throw_invalid_input) {
  EXPECT_THROW(static_cast<void>(memory_stream_pair({.capacity = 0})), error);
  EXPECT_THROW(static_cast<void>(memory_stream_pair({.largest_transfer = 0})), error);
}

void destroy_while_read() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto [a, b] = memory_stream_pair();
    auto end = std::make_unique<memory_stream>(std::move(a));
    reader r;
    const auto waiting = spawn([&] { return r.read(*end); });
    co_await settle();
    end.reset();
  });
}

void use_after_move() {
  auto [a, b] = memory_stream_pair();
  const memory_stream taken(std::move(a));
  a.abort();
}

TEST(memory_stream_mistakes, stop_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(destroy_while_read(), "destroyed while a task waits on it");
  EXPECT_DEATH(use_after_move(), "used after it had been moved from");
}

}  // namespace
}  // namespace eddy::io
