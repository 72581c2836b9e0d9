// Every operation of io on memory streams, cancelled and made to fail at every point: no byte is lost or doubled.
#include <eddy/testing/everywhere.hpp>

#include <array>
#include <string>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/io/any_stream.hpp>
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
// Exposes: io/buffered_reader.read_until io/buffered_reader.read_exactly io/buffered_reader.read
// Exposes: io/buffered_reader.read_line io/buffered_reader.read_to_end io/memory_stream.read_some
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
// Exposes: io/stream.write_all io/memory_stream.write_some
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
// Exposes: io/buffered_writer.write io/buffered_writer.flush
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

// clk.6
// Exposes: io/buffered_reader.fill io/buffered_reader.read_some io/buffered_writer.shutdown_write
// Exposes: io/buffered_writer.close io/memory_stream.shutdown_write io/memory_stream.close
TEST(everywhere, an_end_comes_after_everything_that_was_written) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [near, far] = memory_stream_pair(narrow());
    const std::string text = "0123456789";
    bool written = false;
    bool ended_by_writer = false;
    std::string received;
    auto peer = spawn([&]() -> task<void> {
      buffered_reader reader(far);
      std::array<std::byte, 16> buffer;
      for (;;) {
        const std::size_t more = co_await reader.fill();
        if (more == 0) break;
        const std::size_t n = co_await reader.read_some(buffer);
        received.append(reinterpret_cast<const char*>(buffer.data()), n);
      }
    });
    const auto send = [&]() -> task<void> {
      buffered_reader reader(near);
      buffered_writer writer(near);
      co_await writer.write(text);
      written = true;
      co_await writer.shutdown_write();
      ended_by_writer = true;
      std::array<std::byte, 4> buffer;
      const std::size_t none = co_await reader.fill();
      const std::size_t nothing = co_await reader.read_some(buffer);
      EXPECT_EQ(none + nothing, 0U);
      co_await writer.close();
    };
    auto back = spawn([&]() -> task<void> {
      co_await peer;
      co_await far.close();
    });
    const auto ended = co_await t.expose(send());
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    co_await near.close();
    co_await peer;
    co_await back;
    EXPECT_EQ(text.substr(0, received.size()), received);
    EXPECT_TRUE(!ended_by_writer || (written && received == text));
  });
}

// clk.6
// Exposes: io/any_stream.read_some io/any_stream.write_some io/any_stream.shutdown_write io/any_stream.close
TEST(everywhere, a_stream_of_any_kind_loses_no_byte) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [near, far] = memory_stream_pair(narrow());
    any_stream mine(std::move(near));
    std::size_t sent = 0;
    std::string received;
    auto peer = spawn([&]() -> task<void> {
      received = co_await drain(far);
      co_await write_all(far, std::string_view("bye"));
      co_await far.close();
    });
    std::string answer;
    const auto read = [&]() -> task<void> {
      std::array<std::byte, 8> buffer;
      for (;;) {
        const std::size_t n = co_await mine.read_some(buffer);
        if (n == 0) break;
        answer.append(reinterpret_cast<const char*>(buffer.data()), n);
      }
    };
    const auto talk = [&]() -> task<void> {
      const std::string_view text = "hello";
      while (sent < text.size()) sent += co_await mine.write_some(bytes_of(text.substr(sent)));
      co_await mine.shutdown_write();
      co_await read();
      co_await mine.close();
    };
    const auto ended = co_await t.expose(talk());
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    if (!ended.has_value()) {
      co_await mine.shutdown_write();
      co_await read();
    }
    co_await mine.close();
    co_await peer;
    EXPECT_EQ(received.size(), sent);
    EXPECT_EQ(answer, "bye");
  });
}

}  // namespace
}  // namespace eddy::io
