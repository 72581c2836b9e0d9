#include <eddy/net/connection_spread.hpp>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net {
namespace {

// Given to one loop and not begun there: what a loop that is held up may hold up.
constexpr std::size_t most_waiting = 256;

/// How many more than the fewest, `m`, are too many: small enough for the balance, large enough that connections which
/// come and go are not given to and fro.
constexpr std::size_t allowance(std::size_t m) noexcept { return 2 + m / 16; }

}  // namespace

// --- given_connection ---

given_connection::given_connection(int fd, const address& peer)
    : fd_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)), peer_(peer) {
  if (fd_ < 0) throw_error(std::error_code(errno, std::system_category()), "dup");
}

given_connection::~given_connection() {
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<runtime::descriptor> given_connection::arrive() {
  return runtime::loop::current().io().adopt(std::exchange(fd_, -1));
}

// --- connection_spread ---

connection_spread::~connection_spread() {
  check(members_.empty(), "a connection_spread was destroyed while a loop served with it");
}

std::size_t connection_spread::members() const {
  const std::lock_guard guard(lock_);
  return members_.size();
}

std::uint64_t connection_spread::given() const {
  const std::lock_guard guard(lock_);
  return given_;
}

connection_spread::member& connection_spread::choose(member& here) const noexcept {
  member* fewest = &here;
  for (member* one : members_) {
    if (one->connections() < fewest->connections()) fewest = one;
  }
  const std::size_t m = fewest->connections();
  if (here.connections() < m + allowance(m)) return here;
  // One place is left to the member's own accept, which may be waiting already: no connection is refused because
  // another one was given.
  const bool has_room = fewest->most_ == 0 || m + 2 <= fewest->most_;
  return has_room ? *fewest : here;
}

// --- member ---

connection_spread::member::member(connection_spread& spread, std::size_t most)
    : spread_(spread), most_(most), room_(most_waiting), door_(std::move(room_.sender())) {}

connection_spread::member::~member() { leave(); }

void connection_spread::member::join() {
  const std::lock_guard guard(spread_.lock_);
  spread_.members_.push_back(this);
}

void connection_spread::member::leave() noexcept {
  if (!door_) return;
  {
    const std::lock_guard guard(spread_.lock_);
    std::erase(spread_.members_, this);
  }
  door_.reset();
}

bool connection_spread::member::gives(int fd, const address& peer) noexcept {
  const std::lock_guard guard(spread_.lock_);
  if (door_ && fd >= 0) {
    member& chosen = spread_.choose(*this);
    if (&chosen != this && chosen.takes(fd, peer)) {
      ++spread_.given_;
      return true;
    }
  }
  connections_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// Counted first: once it is in the room, it may begin and end at any time.
bool connection_spread::member::takes(int fd, const address& peer) noexcept {
  connections_.fetch_add(1, std::memory_order_relaxed);
  try {
    if (door_->try_send(given_connection(fd, peer))) return true;
  } catch (
      const std::exception&) {  // no descriptor or memory for the way, or nobody there any more
  }
  ended();
  return false;
}

}  // namespace eddy::net
