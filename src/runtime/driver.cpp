#include <eddy/runtime/driver.hpp>

#include "epoll_driver.hpp"
#include "uring_driver.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <eddy/base/error.hpp>

namespace eddy::runtime {
namespace {

std::string_view kind_of(io_verb verb) noexcept {
  switch (verb) {
    case io_verb::receive: return "socket.receive";
    case io_verb::send: return "socket.send";
    case io_verb::receive_from: return "socket.receive_from";
    case io_verb::send_to: return "socket.send_to";
    case io_verb::accept: return "socket.accept";
    case io_verb::connect: return "socket.connect";
    case io_verb::wait_readable: return "descriptor.readable";
    case io_verb::wait_writable: return "descriptor.writable";
    case io_verb::send_file: return "socket.send_file";
  }
  return "descriptor";
}

/// The other side as text; empty when there is none, or no longer.
std::string peer_of(const io_operation& op) {
  const io_verb verb = op.verb();
  const bool to_address = verb == io_verb::connect || verb == io_verb::send_to;
  if (to_address && op.address != nullptr && !op.address->empty()) return op.address->to_string();
  if (verb == io_verb::accept || verb == io_verb::connect || !op.on().is_open()) return {};
  try {
    return op.on().peer_address().to_string();
  } catch (const error&) {
    return {};
  }
}

}  // namespace

coro::wait_info io_operation::describe() const {
  std::string detail;
  if (const int fd = on_->native_handle(); fd >= 0) detail = "fd " + std::to_string(fd);
  const std::string peer = peer_of(*this);
  if (!peer.empty()) detail += (detail.empty() ? "" : ", ") + peer;
  return {kind_of(verb_), on_, nullptr, std::move(detail)};
}

bool io_operation::try_complete() { return on_->start(*this); }

void io_operation::withdraw() noexcept { on_->cancel(*this); }

void io_operation::finish(std::int64_t outcome) noexcept {
  outcome_ = outcome;
  if (pending()) complete();
}

std::size_t io_operation::take_count(const char* what) const {
  if (outcome_ >= 0) return static_cast<std::size_t>(outcome_);
  // Both come from close(), after which the descriptor must not be asked for anything.
  if (outcome_ == -ECANCELED || outcome_ == -EBADF) throw_error(errc::closed, what);
  const std::error_code code(static_cast<int>(-outcome_), std::system_category());
  throw error(code, what, peer_of(*this));
}

// --- choosing a driver ---

namespace {

driver_kind named_by_environment() {
  const char* name = std::getenv("EDDY_DRIVER");
  if (name == nullptr || *name == '\0') return driver_kind::automatic;
  const std::string_view text(name);
  if (text == "epoll") return driver_kind::epoll;
  if (text == "io_uring") return driver_kind::io_uring;
  throw error(errc::unsupported,
              "EDDY_DRIVER=" + std::string(text) + ": neither epoll nor io_uring:");
}

void notice_fallback(const error& why) noexcept {
  static std::atomic_flag given;
  if (given.test_and_set()) return;
  std::fprintf(stderr, "eddy: using epoll, as io_uring does not work here: %s\n", why.what());
}

}  // namespace

std::unique_ptr<driver> make_driver(driver_kind kind) {
  if (kind == driver_kind::automatic) kind = named_by_environment();
  if (kind == driver_kind::epoll) return std::make_unique<detail::epoll_driver>();
  try {
    return std::make_unique<detail::uring_driver>();
  } catch (const error& why) {
    if (kind == driver_kind::io_uring) throw;
    notice_fallback(why);
  }
  return std::make_unique<detail::epoll_driver>();
}

}  // namespace eddy::runtime
