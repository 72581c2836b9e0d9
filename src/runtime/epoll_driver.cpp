#include "epoll_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>
#include <span>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>

namespace eddy::runtime::detail {
namespace {

// All that were told of receive before their tasks run. With few at a time, what one brought into the caches is still
// there when its answer is sent.
constexpr std::size_t events_per_wait = 32;
constexpr std::uint64_t wake_mark = ~std::uint64_t{0};
constexpr std::uint32_t interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

// Which events make an attempt in a direction worthwhile.
constexpr std::uint32_t inbound_events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t outbound_events = EPOLLOUT | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t more_than_bytes = EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;

// What a system call may be asked for at most: a transfer cut short by these says nothing about the kernel's buffer.
constexpr std::size_t most_bytes = 0x7ffff000;
constexpr std::size_t most_buffers = IOV_MAX;

std::size_t bytes_tried(const io_operation& op) noexcept {
  std::size_t total = 0;
  for (const iovec& buffer : op.buffers.first(std::min(op.buffers.size(), most_buffers)))
    total += buffer.iov_len;
  return std::min(total, most_bytes);
}

bool is_readiness(io_verb verb) noexcept {
  return verb == io_verb::wait_readable || verb == io_verb::wait_writable;
}

}  // namespace

// --- descriptor ---

epoll_descriptor::epoll_descriptor(epoll_driver& driver, classified_fd from, origin where) noexcept
    : system_socket(std::move(from)), driver_(driver), shared_(where == origin::adopted) {
  // An adopted file may be of a kind that has no edges; for others the first registration tells the state.
  inbound_.may_succeed = shared_;
  outbound_.may_succeed = true;
}

epoll_descriptor::~epoll_descriptor() {
  check(inbound_.waiting == nullptr && outbound_.waiting == nullptr,
        "a descriptor was destroyed while a task waited on it");
  epoll_descriptor::close();
}

bool epoll_descriptor::start(io_operation& op) {
  side& way = side_of(op);
  if (way.waiting != nullptr) throw_error(errc::busy, op.describe().kind);
  const std::int64_t outcome = is_open() ? begin(op, way) : -EBADF;
  if (outcome != in_progress) {
    op.finish(outcome);
    return true;
  }
  way.waiting = &op;
  driver_.count_waiting(1);
  return false;
}

std::int64_t epoll_descriptor::begin(io_operation& op, side& way) noexcept {
  if (op.verb() == io_verb::connect) {
    // Registered only now: a socket that was never connected counts as hung up. A full backlog of a Unix socket is
    // EAGAIN, which no event ever follows.
    const std::int64_t outcome = attempt(op);
    return outcome == -EINPROGRESS ? wait_for_edges() : outcome;
  }
  if (is_readiness(op.verb())) {
    // Others use the descriptor, so edges must be told from before the look at its state.
    if (const std::int64_t failed = wait_for_edges(); failed != in_progress) return failed;
    const std::int64_t outcome = attempt(op);
    return outcome == -EAGAIN ? in_progress : outcome;
  }
  if (way.may_succeed) {
    const std::int64_t outcome = try_now(op, way);
    if (outcome != -EAGAIN) return outcome;
  }
  return wait_for_edges();
}

std::int64_t epoll_descriptor::wait_for_edges() noexcept {
  if (registered_) return in_progress;
  if (const int failed = driver_.add(fd(), *this); failed < 0) return failed;
  registered_ = true;
  return in_progress;
}

std::int64_t epoll_descriptor::try_now(io_operation& op, side& way) noexcept {
  const std::int64_t outcome = attempt(op);
  way.may_succeed = outcome != -EAGAIN && !shows_end_of_buffer(op, outcome);
  return outcome;
}

bool epoll_descriptor::shows_end_of_buffer(const io_operation& op,
                                           std::int64_t outcome) const noexcept {
  if (kind() != fd_kind::tcp || only_eagain_ || outcome <= 0) return false;
  return static_cast<std::size_t>(outcome) < bytes_tried(op);
}

void epoll_descriptor::edge(std::uint32_t events) noexcept {
  if ((events & more_than_bytes) != 0) only_eagain_ = true;
  if ((events & inbound_events) != 0) resume(inbound_);
  if ((events & outbound_events) != 0) resume(outbound_);
}

void epoll_descriptor::resume(side& way) noexcept {
  way.may_succeed = true;
  if (way.waiting == nullptr) return;
  io_operation& op = *way.waiting;
  const std::int64_t outcome = op.verb() == io_verb::connect ? connect_outcome(op)
                               : is_readiness(op.verb())     ? attempt(op)
                                                             : try_now(op, way);
  if (outcome == -EAGAIN || outcome == -EINPROGRESS) return;
  leave(way);
  op.finish(outcome);
}

void epoll_descriptor::leave(side& way) noexcept {
  way.waiting = nullptr;
  driver_.count_waiting(-1);
}

void epoll_descriptor::cancel(io_operation& op) noexcept {
  leave(side_of(op));
  op.finish_withdrawn();
}

void epoll_descriptor::close() noexcept {
  if (!is_open()) return;
  if (registered_) driver_.forget(fd(), shared_);
  close_fd();
  for (side* way : {&inbound_, &outbound_}) {
    if (way->waiting == nullptr) continue;
    io_operation& op = *way->waiting;
    leave(*way);
    op.finish(-ECANCELED);
  }
}

std::unique_ptr<system_socket> epoll_descriptor::make_accepted(classified_fd from) {
  return std::make_unique<epoll_descriptor>(driver_, std::move(from), origin::made_here);
}

// --- driver ---

epoll_driver::epoll_driver() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), events_(events_per_wait) {
  if (!epoll_) throw_error(std::error_code(errno, std::system_category()), "epoll_create1");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = wake_mark}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.fd(), &event) < 0) {
    throw_error(std::error_code(errno, std::system_category()), "epoll_ctl");
  }
}

std::unique_ptr<descriptor> epoll_driver::open_socket(int family, int type, int protocol) {
  return std::make_unique<epoll_descriptor>(*this, open_system_socket(family, type, protocol),
                                            epoll_descriptor::origin::made_here);
}

std::unique_ptr<descriptor> epoll_driver::adopt(int fd) {
  auto adopted = std::make_unique<epoll_descriptor>(*this, adopt_system_fd(fd),
                                                    epoll_descriptor::origin::adopted);
  adopted->learn_peer();
  return adopted;
}

int epoll_driver::add(int fd, epoll_descriptor& owner) noexcept {
  const auto number = static_cast<std::size_t>(fd);
  if (number >= slots_.size()) {
    try {
      slots_.resize(std::max(number + 1, 2 * slots_.size()));
    } catch (const std::bad_alloc&) {
      return -ENOMEM;
    }
  }
  slot& entry = slots_[number];
  const std::uint64_t mark = std::uint64_t{entry.generation} << 32 | number;
  epoll_event event{.events = interest, .data = {.u64 = mark}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    // A file that was closed here, but lives on elsewhere, came back under its old number.
    if (errno != EEXIST || ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) < 0) return -errno;
  }
  entry.owner = &owner;
  return 0;
}

void epoll_driver::forget(int fd, bool shared) noexcept {
  slot& entry = slots_[static_cast<std::size_t>(fd)];
  entry.owner = nullptr;
  ++entry.generation;
  if (shared) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void epoll_driver::wait(time_point deadline) {
  const int count = sleep(deadline);
  for (const epoll_event& event : std::span(events_).first(static_cast<std::size_t>(count))) {
    if (event.data.u64 == wake_mark) {
      wake_.rearm();
      continue;
    }
    const slot& entry = slots_[static_cast<std::uint32_t>(event.data.u64)];
    if (entry.owner != nullptr && entry.generation == event.data.u64 >> 32)
      entry.owner->edge(event.events);
  }
}

int epoll_driver::sleep(time_point deadline) {
  duration left{};
  if (const time_point now = clock_.now(); deadline > now) left = deadline - now;
  const bool forever = deadline == never;
  int count = -1;
  if (has_pwait2_) {
    const auto limit = to_timespec<timespec>(left);
    const auto size = static_cast<int>(events_.size());
    count = ::epoll_pwait2(epoll_.get(), events_.data(), size, forever ? nullptr : &limit, nullptr);
    // Older container runtimes refuse calls that they do not know with EPERM.
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) has_pwait2_ = false;
  }
  if (!has_pwait2_) count = sleep_in_milliseconds(forever, left);
  if (count >= 0) return count;
  if (errno != EINTR) throw_error(std::error_code(errno, std::system_category()), "epoll_wait");
  return 0;
}

int epoll_driver::sleep_in_milliseconds(bool forever, duration left) noexcept {
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  const int limit = forever ? -1 : static_cast<int>(std::min<std::int64_t>(rounded_up, INT_MAX));
  return ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), limit);
}

}  // namespace eddy::runtime::detail
