// buffered_writer: collects small writes and sends them together, with back-pressure.
//
//   eddy::io::buffered_writer writer(stream);
//   co_await writer.write("HTTP/1.1 200 OK\r\n");
//   co_await writer.write("Content-Length: 0\r\n\r\n");
//   co_await writer.flush();
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <eddy/base/error.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/exclusive.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::io {

struct writer_options {
  /// Most unsent bytes kept; a write beyond it waits. Zero: nothing is kept.
  std::size_t high_water = 64 * 1024;
};

/// Refers to a stream, which must outlive it and must be written through it alone. One loop, one writing task at a
/// time: a second one gets errc::busy while the first waits. Nothing is sent but by write, flush, shutdown_write and
/// close; the destructor discards what is unsent. Neither copyable nor movable.
///
/// All four are cancellable. The progress field of their `cancelled` or error says how many bytes were done; after
/// that, the writer goes on where it stopped: unsent bytes of earlier writes are still in it.
template <writable_stream Stream>
class buffered_writer {
 public:
  explicit buffered_writer(Stream& stream, writer_options options = {})
      : stream_(&stream), options_(options) {}
  buffered_writer(const buffered_writer&) = delete;
  buffered_writer& operator=(const buffered_writer&) = delete;

  /// Takes all of `bytes`: at once if they fit below the high-water mark, else after enough of what is unsent, and of
  /// `bytes`, went to the stream. Progress: how many of `bytes` the stream took; the writer keeps none of the others.
  task<void> write(std::span<const std::byte> bytes) {
    const exclusive writing(writing_, "write");
    throw_if_cancelled();
    std::size_t done = 0;
    try {
      while (unsent_size() + (bytes.size() - done) > options_.high_water) {
        done += co_await send(bytes.subspan(done));
      }
    } catch (error& failure) {
      failure.set_progress(done);
      throw;
    } catch (cancelled& stop) {
      stop.set_progress(done);
      throw;
    }
    forget_sent();
    unsent_.append(text_of(bytes.subspan(done)));
  }
  task<void> write(std::string_view text) { return write(bytes_of(text)); }

  /// Waits until the stream has taken everything written. Progress: how many bytes it took in this call.
  task<void> flush() {
    const exclusive writing(writing_, "flush");
    throw_if_cancelled();
    std::size_t done = 0;
    try {
      while (unsent_size() > 0) {
        const std::size_t before = unsent_size();
        co_await send({});
        done += before - unsent_size();
      }
    } catch (error& failure) {
      failure.set_progress(done);
      throw;
    } catch (cancelled& stop) {
      stop.set_progress(done);
      throw;
    }
  }

  /// Flushes and ends the outgoing direction.
  task<void> shutdown_write()
    requires byte_stream<Stream>
  {
    co_await flush();
    co_await stream_->shutdown_write();
  }

  /// Flushes and closes the stream. When it throws, the stream is still open: abort it or destroy it.
  task<void> close()
    requires byte_stream<Stream>
  {
    co_await flush();
    co_await stream_->close();
  }

  /// Bytes written but not yet sent.
  [[nodiscard]] std::size_t unsent_size() const noexcept { return unsent_.size() - sent_; }
  /// Gives the buffer's memory back if nothing is unsent and nobody writes.
  void release_buffer() noexcept {
    if (!writing_ && unsent_size() == 0) {
      std::string().swap(unsent_);  // an assignment would keep it
      sent_ = 0;
    }
  }
  [[nodiscard]] Stream& stream() const noexcept { return *stream_; }

 private:
  /// One write of what is unsent, followed by `more`; returns how many bytes of `more` the stream took.
  task<std::size_t> send(std::span<const std::byte> more) {
    const std::array<iovec, 2> pieces{piece(bytes_of(unsent_).subspan(sent_)), piece(more)};
    const bool nothing_kept = pieces[0].iov_len == 0;
    const std::size_t wrote = co_await stream_->write_some(
        const_buffers(pieces).subspan(nothing_kept ? 1 : 0, more.empty() || nothing_kept ? 1 : 2));
    const std::size_t own = std::min(wrote, unsent_size());
    sent_ += own;
    co_return wrote - own;
  }

  /// Drops the sent bytes once they are at least half of the buffer: linear work in all, at most twice the memory.
  void forget_sent() noexcept {
    if (sent_ < unsent_size()) return;
    unsent_.erase(0, sent_);
    sent_ = 0;
  }

  Stream* stream_;
  writer_options options_;
  std::string unsent_;  // written by the user; the first sent_ bytes are gone
  std::size_t sent_ = 0;
  bool writing_ = false;
};

}  // namespace eddy::io
