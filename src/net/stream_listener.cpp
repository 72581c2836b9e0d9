#include <eddy/net/stream_listener.hpp>

#include <cerrno>

#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net {
namespace {

/// Nothing can be accepted now, whatever the peer: descriptors or memory are short.
bool is_starved(const std::error_code& code) noexcept {
  if (code.category() != std::system_category()) return false;
  return code.value() == EMFILE || code.value() == ENFILE || code.value() == ENOBUFS ||
         code.value() == ENOMEM;
}

/// The connection failed before it was accepted; the next one may be fine.
bool is_transient(const std::error_code& code) noexcept {
  if (code.category() != std::system_category()) return false;
  return code.value() == ECONNABORTED || code.value() == EPROTO || code.value() == EINTR ||
         code.value() == EPERM;
}

}  // namespace

void stream_listener::close() noexcept {
  on().close();
  closed_.try_set_value();
}

void stream_listener::stop_connects() noexcept {
  if (!owns_queue_ || !is_open()) return;
  try {
    on().stop_connects();
  } catch (const error&) {  // see the header
  }
}

task<accept_operation::connection> stream_listener::accept_connection() {
  for (;;) {
    std::exception_ptr failure;
    bool starved = false;
    try {
      accept_operation::connection made = co_await accept_operation(on());
      starved_ = false;
      co_return made;
    } catch (const error& thrown) {
      starved = is_starved(thrown.code());
      if (!starved && !is_transient(thrown.code())) throw;
      failure = std::current_exception();
    }
    if (!starved) continue;
    if (!std::exchange(starved_, true)) {
      runtime::loop::current().report({"a listener pauses: no connection can be accepted now",
                                       failure, current_task().name(),
                                       std::source_location::current()});
    }
    static_cast<void>(co_await move_on_after(accept_pause_, closed()));
  }
}

}  // namespace eddy::net
