// How a connection sends files: the end of connection.hpp, for streams to which the system sends them by itself.
#pragma once

#include "connection.hpp"

#include <eddy/base/error.hpp>

namespace eddy::http::detail {

template <class Stream>
concept sends_files = requires(Stream& s, const runtime::open_file& file) {
  s.send_file(file, std::uint64_t{}, std::size_t{});
};

/// 0 where the driver or the file system cannot, too.
template <class Stream>
task<std::size_t> send_piece(Stream& to, const runtime::open_file& from, std::uint64_t offset,
                             std::uint64_t size) {
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(size, SIZE_MAX));
  try {
    co_return co_await to.send_file(from, offset, most);
  } catch (const error& failure) {
    if (!(failure == condition::unsupported)) throw;
  }
  co_return 0;
}

template <io::byte_stream Stream>
task<std::uint64_t> connection<Stream>::send_file(const runtime::open_file& from,
                                                  std::uint64_t offset, std::uint64_t size) {
  std::uint64_t done = 0;
  if constexpr (sends_files<Stream>) {
    if (current().plan().body != wire::http1::framing::length || size > stream_left_) co_return 0;
    streamed_ = true;
    co_await flush();
    while (done < size) {
      enter_writing();
      const std::size_t count = co_await send_piece(stream_, from, offset + done, size - done);
      if (count == 0) break;
      sent_directly(count);
      done += count;
    }
    stream_left_ -= done;
    enter_handling();
  }
  co_return done;
}

}  // namespace eddy::http::detail
