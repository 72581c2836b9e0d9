// Every operation of io on memory streams, cancelled and made to fail at every point: no byte is lost or doubled.
#include <eddy/testing/everywhere.hpp>

#include <array>
#include <string>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/io/buffered_writer.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::io {
namespace {

using namespace std::chrono_literals;
using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::disturbance;
using ::eddy::testing::trial;

memory_stream_options narrow() {
  memory_stream_options options;
  options.capacity = 4;
  options.largest_transfer = 3;
  return options;
}

/// All bytes up to the end of the stream.
task<std::string> drain(memory_stream& from) {
  std::string text;
  std::array<std::byte, 16> buffer;
  for (;;) {
    const std::size_t n = co_await from.read_some(buffer);
    if (n == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), n);
  }
}

// clk.6
TEST(everywhere, a_reader_loses_no_byte) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [near, far] = memory_stream_pair(narrow());
    const std::string sent = "first line\nsecond line\nrest";
    auto writer = spawn([&]() -> task<void> {
      co_await write_all(far, sent);
      co_await far.shutdown_write();
    });
    buffered_reader reader(near);
    std::string got;
    const auto read = [&]() -> task<void> {
      got += co_await reader.read_until("\n");
      got += co_await reader.read_exactly(6);
      got += co_await reader.read(2);
      const auto line = co_await reader.read_line();
      got += *line + "\n";
      got += co_await reader.read_to_end(100);
    };
    const auto ended = co_await t.expose(read());
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    got += co_await reader.read_to_end(100);
    EXPECT_EQ(got, sent);
    co_await writer;
  });
}

// clk.6
TEST(everywhere, a_cancelled_write_says_how_much_was_sent) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [near, far] = memory_stream_pair(narrow());
    const std::string text = "0123456789abcdef";
    std::string received;
    auto peer = spawn([&]() -> task<void> { received = co_await drain(far); });
    const auto ended = co_await t.expose(write_all(near, text));
    co_await near.close();
    co_await peer;
    if (ended.has_value()) {
      EXPECT_EQ(received, text);
    } else if (ended.is_cancelled()) {
      EXPECT_EQ(received, text.substr(0, ended.cancellation().progress()));
    } else {
      EXPECT_EQ(t.kind(), disturbance::error_at_entry);
    }
  });
}

// clk.6
TEST(everywhere, a_buffered_writer_sends_each_byte_once) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [near, far] = memory_stream_pair(narrow());
    std::string received;
    auto peer = spawn([&]() -> task<void> { received = co_await drain(far); });
    buffered_writer writer(near);
    const std::string text = "0123456789abcdef";
    const auto send = [&]() -> task<void> {
      co_await writer.write(text);
      co_await writer.flush();
    };
    const auto ended = co_await t.expose(send());
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    const auto flushed = co_await as_result(writer.flush());
    EXPECT_TRUE(flushed.has_value());
    co_await near.close();
    co_await peer;
    EXPECT_EQ(text.substr(0, received.size()), received);
    if (ended.has_value()) {
      EXPECT_EQ(received, text);
    }
  });
}

}  // namespace
}  // namespace eddy::io
