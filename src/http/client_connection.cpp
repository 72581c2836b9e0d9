#include "client_connection.hpp"

#include <optional>

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

task<std::size_t> client_connection::fill() {
  buffer_.make_room(read_size);
  const std::size_t got = co_await stream_.read_some(buffer_.room());
  buffer_.commit(got);
  co_return got;
}

task<bool> client_connection::is_quiet() {
  // A deadline so near is in the past when the loop has polled once: the read gets what is there, and does not wait.
  std::optional<std::size_t> got;
  bool failed = false;
  try {
    got = co_await move_on_after(duration(1), fill());
  } catch (const error&) {
    failed = true;
  }
  co_return !failed && !got;
}

}  // namespace eddy::http::detail
