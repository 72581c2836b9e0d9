#include "client_connection.hpp"

#include <optional>
#include <vector>

#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/stream.hpp>

namespace eddy::http::detail {
namespace {

constexpr std::size_t read_size = 16 * 1024;

}  // namespace

std::string_view client_connection::unread() const noexcept {
  return io::text_of(buffer_.unread());
}

io::any_stream any_stream_of(client_stream stream) {
  if (auto* tcp = std::get_if<net::tcp_stream>(&stream)) return io::any_stream(std::move(*tcp));
  return std::move(std::get<io::any_stream>(stream));
}

io::any_stream client_connection::release_stream() { return any_stream_of(std::move(stream_)); }

task<std::size_t> client_connection::fill() {
  buffer_.make_room(read_size);
  std::size_t got = 0;
  if (auto* tcp = std::get_if<net::tcp_stream>(&stream_)) {
    got = co_await tcp->read_some(buffer_.room());
  } else {
    got = co_await std::get<io::any_stream>(stream_).read_some(buffer_.room());
  }
  buffer_.commit(got);
  co_return got;
}

task<std::size_t> client_connection::write_some(io::const_buffers pieces) {
  std::size_t wrote = 0;
  if (auto* tcp = std::get_if<net::tcp_stream>(&stream_)) {
    wrote = co_await tcp->write_some(pieces);
  } else {
    wrote = co_await std::get<io::any_stream>(stream_).write_some(pieces);
  }
  co_return wrote;
}

task<void> client_connection::write_all(std::string_view text, duration idle) {
  const iovec piece = io::piece(text);
  co_await write_all(io::const_buffers(&piece, 1), idle);
}

task<void> client_connection::write_all(io::const_buffers pieces, duration idle) {
  if (idle != duration::max()) return write_with_progress(pieces, idle);
  if (auto* tcp = std::get_if<net::tcp_stream>(&stream_)) return tcp->write_all(pieces);
  return io::write_all(std::get<io::any_stream>(stream_), pieces);
}

task<void> client_connection::write_with_progress(io::const_buffers pieces, duration idle) {
  std::vector<iovec> left(pieces.begin(), pieces.end());
  std::size_t first = 0;
  while (first < left.size()) {
    const auto wrote = co_await move_on_after(idle, write_some(std::span(left).subspan(first)));
    if (!wrote) throw_error(errc::timed_out, "no progress of sending");
    std::size_t done = *wrote;
    while (first < left.size() && done >= left[first].iov_len) done -= left[first++].iov_len;
    if (first == left.size()) break;
    left[first].iov_base = static_cast<std::byte*>(left[first].iov_base) + done;
    left[first].iov_len -= done;
  }
}

task<bool> client_connection::nothing_comes(io::any_stream& layered) {
  bool quiet = false;
  try {
    buffer_.make_room(read_size);
    buffer_.commit(co_await layered.read_some(buffer_.room()));
  } catch (const cancelled&) {
    quiet = true;  // a cancellation from outside is seen by the next operation
  }
  co_return quiet;
}

task<bool> client_connection::is_quiet() {
  if (const auto* tcp = std::get_if<net::tcp_stream>(&stream_)) co_return !tcp->is_readable();
  // What has arrived may be a layer's own, such as TLS session tickets: only a read tells. A deadline so near is in the
  // past when the loop has polled once: the read gets what is there, and does not wait.
  std::optional<bool> quiet;
  try {
    quiet = co_await move_on_after(duration(1), nothing_comes(std::get<io::any_stream>(stream_)));
  } catch (const error&) {
    // It has ended.
  }
  co_return quiet.value_or(false);
}

}  // namespace eddy::http::detail
