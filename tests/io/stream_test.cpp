#include <eddy/io/stream.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: strm.9 strm.11, and that an any_stream is as good as the stream inside.

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;

static_assert(byte_stream<memory_stream>);
static_assert(byte_stream<any_stream>);
static_assert(!readable_stream<std::string>);
static_assert(!byte_stream<int>);

/// Reads until the end, in small pieces.
template <readable_stream Stream>
task<std::string> drain(Stream& stream, std::size_t piece_size = 7) {
  std::string all;
  std::string some(piece_size, '\0');
  for (;;) {
    const std::size_t n = co_await stream.read_some(std::as_writable_bytes(std::span(some)));
    if (n == 0) co_return all;
    all.append(some, 0, n);
  }
}

TEST(stream_bytes, are_the_text_without_terminator) {
  EXPECT_EQ(bytes_of("abc").size(), 3u);
  EXPECT_EQ(text_of(bytes_of("abc")), "abc");
  const std::array<iovec, 2> pieces{piece("ab"), piece("cde")};
  EXPECT_EQ(size_of(pieces), 5u);
}

EDDY_TEST(stream, write_all_writes_everything_through_a_narrow_stream) {  // strm.11
  auto [a, b] = memory_stream_pair({.capacity = 5, .largest_transfer = 3});
  const std::string text(1000, 'x');
  auto reader = spawn([&b] { return drain(b); });
  co_await write_all(a, text);
  EXPECT_LE(b.readable(), 5u);
  co_await a.close();
  const std::string& got = co_await reader;
  EXPECT_EQ(got, text);
}

EDDY_TEST(stream, write_all_of_pieces_keeps_their_order_over_short_writes) {
  for (std::size_t largest = 1; largest <= 9; ++largest) {
    auto [a, b] = memory_stream_pair({.capacity = 4, .largest_transfer = largest});
    auto reader = spawn([&b] { return drain(b); });
    const std::array<iovec, 5> pieces{piece("one"), piece(""), piece("two"), piece("three"),
                                      piece("")};
    co_await write_all(a, const_buffers(pieces));
    co_await a.close();
    const std::string& got = co_await reader;
    EXPECT_EQ(got, "onetwothree");
  }
}

EDDY_TEST(stream, write_all_reports_what_was_written_when_cancelled) {  // strm.9
  auto [a, b] = memory_stream_pair({.capacity = 10, .largest_transfer = 4});
  const std::string text = "0123456789abcdef";
  std::size_t progress = 0;
  const auto write = [&](memory_stream& to) -> task<void> {
    try {
      co_await write_all(to, text);
    } catch (const cancelled& stop) {
      progress = stop.progress();
      throw;
    }
  };
  auto writer = spawn(write, std::ref(a));
  co_await settle();
  writer.cancel();
  co_await settle();
  EXPECT_EQ(writer.status(), coro::task_status::cancelled);
  EXPECT_EQ(progress, 10u);
  co_await a.close();
  const std::string got = co_await drain(b);
  EXPECT_EQ(got, text.substr(0, progress)) << "exactly these reached the peer";
}

EDDY_TEST(stream, write_all_reports_what_was_written_when_the_peer_goes) {
  auto [a, b] = memory_stream_pair({.capacity = 10});
  std::size_t progress = 0;
  const auto write = [&](memory_stream& to) -> task<void> {
    try {
      co_await write_all(to, std::string_view("0123456789abcdef"));
    } catch (const error& failure) {
      EXPECT_EQ(failure, condition::disconnected);
      progress = failure.progress();
    }
  };
  auto writer = spawn(write, std::ref(a));
  co_await settle();
  co_await b.close();
  co_await writer;
  EXPECT_EQ(progress, 10u);
}

EDDY_TEST(any_stream, reads_writes_and_ends_like_the_stream_inside) {
  auto [a, b] = memory_stream_pair();
  any_stream left(std::move(a));
  any_stream right(std::move(b));
  co_await write_all(left, "ping");
  co_await left.shutdown_write();
  const std::string heard = co_await drain(right);
  EXPECT_EQ(heard, "ping");

  const std::array<iovec, 2> answer{piece("po"), piece("ng")};
  co_await write_all(right, const_buffers(answer));
  co_await right.close();
  const std::string answered = co_await drain(left);
  EXPECT_EQ(answered, "pong");
  const auto late = co_await as_result(write_all(right, "x"));
  EXPECT_TRUE(late.has_error());
}

EDDY_TEST(any_stream, aborts_the_stream_inside_and_shows_it_by_type) {
  auto [a, b] = memory_stream_pair();
  any_stream left(std::move(a));
  EXPECT_NE(left.target<memory_stream>(), nullptr);
  any_stream moved(std::move(left));
  moved.abort();
  const auto reset = co_await as_result(drain(b));
  EXPECT_TRUE(reset.has_error());
}

EDDY_TEST(any_stream, is_refused_in_a_cancelled_scope) {
  auto [a, b] = memory_stream_pair();
  any_stream left(std::move(a));
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    co_await write_all(left, "nothing of this");
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(b.readable(), 0u);
}

}  // namespace
}  // namespace eddy::io
