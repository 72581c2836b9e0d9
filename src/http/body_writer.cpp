// Files as bodies, wherever the kernel does not send them by itself.
#include <algorithm>
#include <span>
#include <string>

#include <eddy/base/error.hpp>
#include <eddy/http/response.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/runtime/offload.hpp>

namespace eddy::http {

task<std::uint64_t> body_sink::send_file(const runtime::open_file& from, std::uint64_t offset,
                                         std::uint64_t size) {
  static_cast<void>(from);
  static_cast<void>(offset);
  static_cast<void>(size);
  co_return 0;
}

task<void> body_writer::write_file(const runtime::open_file& from, std::uint64_t offset,
                                   std::uint64_t size) {
  constexpr std::uint64_t largest = 64 * 1024;
  std::uint64_t done = co_await sink_.send_file(from, offset, size);
  if (done == size) co_return;
  std::string piece(static_cast<std::size_t>(std::min(size - done, largest)), '\0');
  while (done < size) {
    const std::uint64_t place = offset + done;
    const std::size_t wanted = std::min<std::uint64_t>(piece.size(), size - done);
    const auto into = std::as_writable_bytes(std::span(piece)).first(wanted);
    const std::size_t got =
        co_await to_thread([&from, place, into] { return from.read_at(place, into); });
    if (got == 0) throw_error(errc::incomplete, "write_file");
    co_await write(std::string_view(piece).substr(0, got));
    done += got;
  }
}

}  // namespace eddy::http
