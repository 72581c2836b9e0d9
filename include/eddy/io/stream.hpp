// What a byte stream is: the concepts that sockets, TLS, pipes and memory streams satisfy, and what is built on them.
//
// The contract of every stream in eddy:
// - One loop; one reader and one writer at a time. A second one while the first waits gets errc::busy, and the first
//   does not notice.
// - Buffers are plain spans. They and the arrays of them must live until the await has ended, and need not live longer.
// - `read_some` gives 1 to n bytes, 0 at the end or when the buffer is empty. `write_some` gives 1 to n bytes, 0 only
//   when there was nothing to write. Both may be cancelled; then no byte has been read or written.
// - `shutdown_write` ends the outgoing direction: the peer reads what was sent, then the end, and can still answer.
// - `close` sends what is still unsent and closes both directions; it can be cancelled, and then the stream is still
//   open. `abort` closes at once and discards. After either, a read or write that waits gets errc::closed, later reads
//   give the end, later writes errc::closed. The destructor of an open stream closes it without waiting or flushing.
// - A write to a peer that has gone fails with an error that equals condition::disconnected, never with a signal.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

#include <sys/uio.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/cancelled.hpp>
#include <eddy/coro/task.hpp>

namespace eddy::io {

/// Several pieces to be written as one, in order. `iovec` is the system's: the list goes to the kernel as it is.
using const_buffers = std::span<const iovec>;

/// The bytes of a text, without its terminator.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

/// Bytes as text; no conversion takes place.
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One piece of a const_buffers list. Writing never modifies it.
[[nodiscard]] inline iovec piece(std::span<const std::byte> bytes) noexcept {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline iovec piece(std::string_view text) noexcept { return piece(bytes_of(text)); }

/// The bytes of all pieces together.
[[nodiscard]] inline std::size_t size_of(const_buffers pieces) noexcept {
  std::size_t total = 0;
  for (const iovec& one : pieces) total += one.iov_len;
  return total;
}

/// Can be awaited and gives an R.
template <class A, class R>
concept gives = coro::awaitable<A> && std::same_as<coro::await_result<A>, R>;

template <class S>
concept readable_stream = requires(S& s, std::span<std::byte> into) {
  { s.read_some(into) } -> gives<std::size_t>;
};

template <class S>
concept writable_stream = requires(S& s, std::span<const std::byte> bytes, const_buffers pieces) {
  { s.write_some(bytes) } -> gives<std::size_t>;
  { s.write_some(pieces) } -> gives<std::size_t>;
};

template <class S>
concept byte_stream = readable_stream<S> && writable_stream<S> && requires(S& s) {
  { s.shutdown_write() } -> gives<void>;
  { s.close() } -> gives<void>;
  { s.abort() } noexcept -> std::same_as<void>;
};

/// Writes all of `bytes`. When it fails or is cancelled half-way, the progress field of the error or `cancelled` says
/// how many bytes the stream took; it took no other.
template <writable_stream Stream>
task<void> write_all(Stream& stream, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  try {
    while (done < bytes.size()) done += co_await stream.write_some(bytes.subspan(done));
  } catch (error& failure) {
    failure.set_progress(done);
    throw;
  } catch (cancelled& stop) {
    stop.set_progress(done);
    throw;
  }
}

/// The same for a text.
template <writable_stream Stream>
task<void> write_all(Stream& stream, std::string_view text) {
  return write_all(stream, bytes_of(text));
}

/// The same for several pieces, in as few writes as the stream allows. The list is not copied.
template <writable_stream Stream>
task<void> write_all(Stream& stream, const_buffers pieces) {
  std::size_t done = 0;
  std::size_t into_first = 0;  // bytes of pieces.front() that are written already
  try {
    while (!pieces.empty()) {
      std::size_t wrote = 0;
      if (into_first == 0) {
        wrote = co_await stream.write_some(pieces);
      } else {
        const std::span first(static_cast<const std::byte*>(pieces.front().iov_base),
                              pieces.front().iov_len);
        wrote = co_await stream.write_some(first.subspan(into_first));
      }
      done += wrote;
      into_first += wrote;
      while (!pieces.empty() && into_first >= pieces.front().iov_len) {
        into_first -= pieces.front().iov_len;
        pieces = pieces.subspan(1);
      }
    }
  } catch (error& failure) {
    failure.set_progress(done);
    throw;
  } catch (cancelled& stop) {
    stop.set_progress(done);
    throw;
  }
}

}  // namespace eddy::io
