#include <eddy/io/buffered_writer.hpp>

#include "error_code.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: strm.7 strm.9 strm.10 strm.11 strm.12 strm.13 strm.14 strm.15

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using tests::code_of;

// A writer and the peer that reads what it sends.
struct connection {
  explicit connection(memory_stream_options options = {}, writer_options how = {})
      : ends(memory_stream_pair(options)), writer(ends.first, how), peer(ends.second) {}

  std::pair<memory_stream, memory_stream> ends;
  buffered_writer<memory_stream> writer;
  buffered_reader<memory_stream> peer;
};

EDDY_TEST(buffered_writer, keeps_small_writes_and_sends_them_together) {
  connection c;
  const auto turns = coro::scheduler::require().turns();
  co_await c.writer.write("one ");
  co_await c.writer.write("two");
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  EXPECT_EQ(c.writer.unsent_size(), 7u);
  EXPECT_EQ(c.ends.second.readable(), 0u);
  co_await c.writer.flush();
  EXPECT_EQ(c.writer.unsent_size(), 0u);
  const std::string got = co_await c.peer.read(100);
  EXPECT_EQ(got, "one two");
}

EDDY_TEST(buffered_writer, waits_at_the_high_water_mark_while_the_peer_reads_slowly) {  // strm.11
  connection c({.capacity = 100}, {.high_water = 50});
  int written = 0;
  auto writing = spawn([&]() -> task<void> {
    for (; written < 1000; ++written) co_await c.writer.write("0123456789");
    co_await c.writer.flush();
  });
  co_await settle();
  EXPECT_FALSE(writing.done());
  EXPECT_EQ(written, 15) << "100 bytes on the way and 50 kept";
  EXPECT_LE(c.writer.unsent_size(), 50u);
  const std::string all = co_await c.peer.read_exactly(10'000);
  EXPECT_EQ(all.substr(9'990), "0123456789");
  co_await writing;
}

EDDY_TEST(buffered_writer, sends_what_was_kept_before_a_large_write) {
  connection c({}, {.high_water = 8});
  co_await c.writer.write("head:");
  const std::string large(100, 'x');
  co_await c.writer.write(large);
  co_await c.writer.flush();
  const std::string got = co_await c.peer.read(200);
  EXPECT_EQ(got, "head:" + large);
}

EDDY_TEST(buffered_writer, keeps_nothing_with_a_high_water_mark_of_zero) {
  connection c({}, {.high_water = 0});
  co_await c.writer.write("at once");
  EXPECT_EQ(c.ends.second.readable(), 7u);
  EXPECT_EQ(c.writer.unsent_size(), 0u);
}

EDDY_TEST(buffered_writer, tells_a_second_writer_that_it_is_busy) {  // strm.7
  connection c({.capacity = 4}, {.high_water = 0});
  auto first = spawn([&] { return c.writer.write("0123456789"); });
  co_await settle();
  const auto second = co_await as_result(c.writer.write("x"));
  EXPECT_EQ(code_of(second), errc::busy);
  const auto flushed = co_await as_result(c.writer.flush());
  EXPECT_EQ(code_of(flushed), errc::busy);
  const std::string got = co_await c.peer.read_exactly(10);
  EXPECT_EQ(got, "0123456789");
  co_await first;
}

EDDY_TEST(buffered_writer, reports_progress_when_a_write_is_cancelled) {  // strm.9
  connection c({.capacity = 10}, {.high_water = 4});
  co_await c.writer.write("abc");
  std::size_t progress = 0;
  auto writing = spawn([&]() -> task<void> {
    try {
      co_await c.writer.write("0123456789ABCDEF");
    } catch (const cancelled& stop) {
      progress = stop.progress();
      throw;
    }
  });
  co_await settle();
  writing.cancel();
  co_await settle();
  EXPECT_EQ(progress, 7u) << "ten on the way, three of them from the write before";
  EXPECT_EQ(c.writer.unsent_size(), 0u);
  co_await c.writer.close();
  const std::string got = co_await c.peer.read_to_end(100);
  EXPECT_EQ(got, "abc0123456") << "exactly these reached the peer";
}

EDDY_TEST(buffered_writer, goes_on_where_a_cancelled_flush_stopped) {  // strm.9
  connection c({.capacity = 4});
  co_await c.writer.write("0123456789");
  std::size_t progress = 0;
  auto flushing = spawn([&]() -> task<void> {
    try {
      co_await c.writer.flush();
    } catch (const cancelled& stop) {
      progress = stop.progress();
      throw;
    }
  });
  co_await settle();
  flushing.cancel();
  co_await settle();
  EXPECT_EQ(progress, 4u);
  EXPECT_EQ(c.writer.unsent_size(), 6u);
  auto closing = spawn([&] { return c.writer.close(); });
  const std::string got = co_await c.peer.read_to_end(100);
  EXPECT_EQ(got, "0123456789");
  co_await closing;
}

EDDY_TEST(buffered_writer, fails_when_the_peer_is_gone) {  // strm.10
  connection c;
  co_await c.ends.second.close();
  co_await c.writer.write("kept for now");
  const auto flushed = co_await as_result(c.writer.flush());
  EXPECT_EQ(code_of(flushed), condition::disconnected);
}

EDDY_TEST(buffered_writer, close_flushes_and_abort_discards) {  // strm.12
  connection c;
  co_await c.writer.write("last words");
  co_await c.writer.close();
  const std::string got = co_await c.peer.read_to_end(100);
  EXPECT_EQ(got, "last words");
  co_await c.writer.write("x");
  const auto late = co_await as_result(c.writer.flush());
  EXPECT_EQ(code_of(late), errc::closed);

  connection d;
  co_await d.writer.write("never sent");
  d.ends.first.abort();
  const auto read = co_await as_result(d.peer.read(1));
  EXPECT_EQ(code_of(read), condition::disconnected);
}

EDDY_TEST(buffered_writer, is_refused_in_a_cancelled_scope) {  // strm.13
  connection c;
  co_await c.writer.write("kept");
  const bool wrote = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    co_await c.writer.write("not taken");
  });
  EXPECT_FALSE(wrote);
  const bool closed = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    co_await c.writer.close();
  });
  EXPECT_FALSE(closed);
  EXPECT_EQ(c.writer.unsent_size(), 4u);
  EXPECT_EQ(c.ends.second.readable(), 0u);
}

EDDY_TEST(buffered_writer, half_closes_after_flushing) {  // strm.14
  connection c;
  co_await c.writer.write("question");
  co_await c.writer.shutdown_write();
  const std::string question = co_await c.peer.read_to_end(100);
  EXPECT_EQ(question, "question");
  co_await write_all(c.ends.second, "answer");
  buffered_reader own(c.ends.first);
  const std::string answer = co_await own.read_exactly(6);
  EXPECT_EQ(answer, "answer");
}

EDDY_TEST(buffered_writer, sends_megabytes_in_order_in_bounded_memory) {  // strm.15
  connection c({.capacity = 777, .largest_transfer = 100}, {.high_water = 1000});
  std::string expected;
  for (int i = 0; expected.size() < 1'000'000; ++i) expected += std::to_string(i) + " ";
  auto writing = spawn([&]() -> task<void> {
    std::size_t size = 1;
    for (std::string_view rest = expected; !rest.empty();) {
      const std::string_view part = rest.substr(0, size);
      co_await c.writer.write(part);
      EXPECT_LE(c.writer.unsent_size(), 1000u);
      rest.remove_prefix(part.size());
      size = size % 1700 + 1;
    }
    co_await c.writer.close();
  });
  const std::string got = co_await c.peer.read_to_end(expected.size());
  EXPECT_EQ(got, expected);
  co_await writing;
}

EDDY_TEST(buffered_writer, gives_its_memory_back_only_when_everything_is_sent) {
  connection c;
  co_await c.writer.write("kept");
  c.writer.release_buffer();
  EXPECT_EQ(c.writer.unsent_size(), 4u);
  co_await c.writer.flush();
  c.writer.release_buffer();
  co_await c.writer.write("again");
  co_await c.writer.flush();
  const std::string got = co_await c.peer.read(100);
  EXPECT_EQ(got, "keptagain");
}

}  // namespace
}  // namespace eddy::io
