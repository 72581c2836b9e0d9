// buffered_reader: reads what was asked for, however the bytes arrive.
//
//   eddy::io::buffered_reader reader(stream);
//   while (auto line = co_await reader.read_line()) ...
//   std::string body = co_await reader.read_exactly(length);
//
// Parsers work on the buffer itself:
//
//   while (!parser.complete(reader.buffered())) {
//     const std::size_t more = co_await reader.fill();
//     if (more == 0) ...  // the stream has ended
//   }
//   reader.consume(parser.used());
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/base/error.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/exclusive.hpp>
#include <eddy/io/incomplete_error.hpp>
#include <eddy/io/read_buffer.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::io {

struct reader_options {
  std::size_t chunk_size =
      16 * 1024;                  ///< room offered to the stream in one read, bytes; at least 1
  std::size_t limit = 64 * 1024;  ///< most unread bytes fill() keeps; default limit of lines
};

/// Refers to a stream, which must outlive it and must be read through it alone. One loop, one reading task at a time: a
/// second one gets errc::busy while the first waits. All reads are cancellable; a cancelled or failed read has lost
/// nothing: bytes that arrived stay for the next one. Neither copyable nor movable.
///
/// The buffer grows with what is asked for and has arrived, never with a number alone, and is kept until
/// release_buffer(). Texts are bytes; nothing is decoded.
template <readable_stream Stream>
class buffered_reader {
 public:
  /// Wrong options throw invalid_input.
  explicit buffered_reader(Stream& stream, reader_options options = {})
      : stream_(&stream), options_(options) {
    if (options.chunk_size == 0) throw_invalid_input("buffered_reader: chunk_size zero");
    if (options.limit == 0) throw_invalid_input("buffered_reader: limit zero");
  }

  // --- for parsers ---

  /// The unread bytes, in one piece; valid until the next call that is not const.
  [[nodiscard]] std::span<const std::byte> buffered() const noexcept { return buffer_.unread(); }
  /// Drops the first `n` of them; more than there are stops the program.
  void consume(std::size_t n) { buffer_.consume(n); }
  /// Waits for at least one more byte behind the unread ones and returns how many came; 0: the stream has ended. Throws
  /// errc::limit_exceeded when reader_options::limit bytes are unread already.
  task<std::size_t> fill() {
    const exclusive reading(reading_, "fill");
    throw_if_cancelled();
    if (buffer_.size() >= options_.limit) throw_error(errc::limit_exceeded, "fill");
    const std::size_t most = std::min(options_.chunk_size, options_.limit - buffer_.size());
    const std::size_t got = co_await stream_->read_some(offer(most).first(most));
    buffer_.commit(got);
    co_return got;
  }

  // --- reads ---

  /// 1 to out.size() bytes, as soon as there are any; 0 at the end, or when `out` is empty.
  task<std::size_t> read_some(std::span<std::byte> out) {
    const exclusive reading(reading_, "read_some");
    throw_if_cancelled();
    if (out.empty()) co_return 0;
    if (buffer_.empty()) {
      if (out.size() >= options_.chunk_size) co_return co_await stream_->read_some(out);
      buffer_.commit(co_await stream_->read_some(offer(options_.chunk_size)));
    }
    co_return buffer_.take_into(out);
  }

  /// The same as a text of at most `n` bytes; empty at the end.
  task<std::string> read(std::size_t n) {
    const exclusive reading(reading_, "read");
    throw_if_cancelled();
    if (n > 0 && buffer_.empty()) {
      buffer_.commit(co_await stream_->read_some(offer(options_.chunk_size)));
    }
    co_return buffer_.take(std::min(n, buffer_.size()));
  }

  /// Exactly `n` bytes. If the stream ends before, throws incomplete_error, and the buffer is empty.
  task<std::string> read_exactly(std::size_t n) {
    const exclusive reading(reading_, "read_exactly");
    throw_if_cancelled();
    while (buffer_.size() < n) {
      // As much again as there is: large reads take few calls, and a number alone allocates nothing.
      const std::size_t missing = n - buffer_.size();
      const std::size_t wanted = std::min(missing, buffer_.size());
      const std::size_t got =
          co_await stream_->read_some(offer(std::max(wanted, options_.chunk_size)));
      if (got == 0) throw_incomplete("read_exactly", n);
      buffer_.commit(got);
    }
    co_return buffer_.take(n);
  }

  /// Everything up to and including `separator`, of which at most `limit` bytes stand before it. More throws
  /// errc::limit_exceeded and leaves all of it readable. If the stream ends before, throws incomplete_error, and the
  /// buffer is empty. An empty separator throws invalid_input.
  task<std::string> read_until(std::string_view separator) {
    return read_until(separator, options_.limit);
  }
  task<std::string> read_until(std::string_view separator, std::size_t limit) {
    const exclusive reading(reading_, "read_until");
    throw_if_cancelled();
    const separator_match match = co_await find(std::span(&separator, 1), limit, "read_until");
    if (match.outcome != separator_match::result::found) throw_incomplete("read_until", 0);
    co_return buffer_.take(match.end);
  }
  /// The same for several separators: the match that ends first. The list must live until the await has ended.
  task<std::string> read_until(std::span<const std::string_view> separators, std::size_t limit) {
    const exclusive reading(reading_, "read_until");
    throw_if_cancelled();
    const separator_match match = co_await find(separators, limit, "read_until");
    if (match.outcome != separator_match::result::found) throw_incomplete("read_until", 0);
    co_return buffer_.take(match.end);
  }

  /// The next line without its "\n" or "\r\n"; the last one may lack them. Nothing at the end of the stream. A line of
  /// more than `limit` bytes throws errc::limit_exceeded and stays readable.
  task<std::optional<std::string>> read_line() { return read_line(options_.limit); }
  task<std::optional<std::string>> read_line(std::size_t limit) {
    static constexpr std::array<std::string_view, 2> line_ends{"\r\n", "\n"};
    const exclusive reading(reading_, "read_line");
    throw_if_cancelled();
    const separator_match match = co_await find(line_ends, limit, "read_line");
    if (match.outcome == separator_match::result::found) {
      std::string line = buffer_.take(match.end);
      line.resize(match.end - match.separator_size);
      co_return line;
    }
    if (buffer_.empty()) co_return std::nullopt;
    if (buffer_.size() > limit) throw_error(errc::limit_exceeded, "read_line");
    co_return buffer_.take(buffer_.size());
  }

  /// Everything up to the end of the stream. More than `limit` bytes throw errc::limit_exceeded and stay readable.
  task<std::string> read_to_end(std::size_t limit) {
    const exclusive reading(reading_, "read_to_end");
    throw_if_cancelled();
    while (buffer_.size() <= limit) {
      const std::size_t got = co_await stream_->read_some(offer(options_.chunk_size));
      if (got == 0) co_return buffer_.take(buffer_.size());
      buffer_.commit(got);
    }
    throw_error(errc::limit_exceeded, "read_to_end");
  }

  /// Gives the buffer's memory back if nothing is unread and nobody reads: for connections that are idle.
  void release_buffer() noexcept {
    if (!reading_) buffer_.release();
  }
  [[nodiscard]] std::size_t buffer_capacity() const noexcept { return buffer_.capacity(); }
  [[nodiscard]] Stream& stream() const noexcept { return *stream_; }

 private:
  /// Room for at least `n` bytes behind the unread ones.
  std::span<std::byte> offer(std::size_t n) {
    buffer_.make_room(n);
    return buffer_.room();
  }

  /// Reads until a separator is in the buffer; outcome not_yet: the stream ended before.
  task<separator_match> find(std::span<const std::string_view> separators, std::size_t limit,
                             std::string_view operation) {
    require_separators(separators);
    std::size_t searched = 0;
    for (;;) {
      const separator_match match = buffer_.find(separators, limit, searched);
      if (match.outcome == separator_match::result::found) co_return match;
      if (match.outcome == separator_match::result::too_long) {
        throw_error(errc::limit_exceeded, operation);
      }
      const std::size_t got = co_await stream_->read_some(offer(options_.chunk_size));
      if (got == 0) co_return match;
      buffer_.commit(got);
    }
  }

  [[noreturn]] void throw_incomplete(std::string_view operation, std::size_t expected) {
    throw incomplete_error(std::string(operation), buffer_.take(buffer_.size()), expected);
  }

  Stream* stream_;
  reader_options options_;
  read_buffer buffer_;
  bool reading_ = false;
};

}  // namespace eddy::io
