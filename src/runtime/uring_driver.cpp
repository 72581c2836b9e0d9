#include "uring_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include <poll.h>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/coro/frame_pool.hpp>

namespace eddy::runtime::detail {
namespace {

constexpr unsigned submission_entries = 512;
constexpr unsigned completion_entries = 4096;  // beyond that the kernel keeps completions in a list

// What user_data holds besides the addresses of operations, which are aligned.
constexpr std::uint64_t ignored = 0;
constexpr std::uint64_t wake_mark = 1;

std::uint64_t mark_of(const io_operation& op) noexcept {
  return reinterpret_cast<std::uintptr_t>(&op);
}

[[noreturn]] void throw_missing(const std::string& what) {
  throw error(errc::unsupported, "io_uring (" + what + "):");
}

// --- driver_data: [0] is a block of memory for requests that need one, [1] the size of an accepted peer's address ---

bool needs_message(const io_operation& op) noexcept {
  switch (op.verb()) {
    case io_verb::receive:
    case io_verb::send: return op.buffers.size() != 1;
    case io_verb::receive_from:
    case io_verb::send_to: return true;
    default: return false;
  }
}

/// A msghdr, or the place for the peer's address of an accept that nobody asked for it.
std::size_t block_size(const io_operation& op) noexcept {
  if (needs_message(op)) return sizeof(msghdr);
  return op.verb() == io_verb::accept && op.address == nullptr ? sizeof(sockaddr_storage) : 0;
}

void* block_of(const io_operation& op) noexcept {
  return reinterpret_cast<void*>(op.driver_data[0]);
}

msghdr* message_of(const io_operation& op) noexcept { return static_cast<msghdr*>(block_of(op)); }

sockaddr* peer_of(const io_operation& op) noexcept {
  return op.address != nullptr ? op.address->data() : static_cast<sockaddr*>(block_of(op));
}

void set_peer_size(io_operation& op, socklen_t size) noexcept {
  std::memcpy(&op.driver_data[1], &size, sizeof(size));
}

socklen_t peer_size(const io_operation& op) noexcept {
  socklen_t size = 0;
  std::memcpy(&size, &op.driver_data[1], sizeof(size));
  return size;
}

// A request has 32 bits for it; the kernel would not do more at once anyway.
std::size_t request_size(const iovec& buffer) noexcept {
  return std::min<std::size_t>(buffer.iov_len, 0x7ffff000);
}

unsigned poll_events(const io_operation& op) noexcept {
  return is_inbound(op.verb()) ? POLLIN | POLLRDHUP : POLLOUT;
}

}  // namespace

// --- descriptor ---

uring_descriptor::uring_descriptor(uring_driver& driver, classified_fd from) noexcept
    : system_socket(std::move(from)), driver_(driver) {}

uring_descriptor::~uring_descriptor() {
  check(inbound_ == nullptr && outbound_ == nullptr,
        "a descriptor was destroyed while a task waited on it");
}

bool uring_descriptor::uses_poll(const io_operation& op) const noexcept {
  switch (op.verb()) {
    case io_verb::connect:
    case io_verb::wait_readable:
    case io_verb::wait_writable:
    case io_verb::send_file: return true;
    default: return kind() == fd_kind::file;
  }
}

bool uring_descriptor::start(io_operation& op) {
  io_operation*& waiting = waiting_for(op);
  if (waiting != nullptr) throw_error(errc::busy, op.describe().kind);
  std::int64_t outcome = is_open() ? -EAGAIN : -EBADF;
  bool under_way = outcome == -EAGAIN;
  if (under_way && uses_poll(op)) {
    outcome = attempt(op);
    // A full backlog of a Unix socket is EAGAIN as well, which no event ever follows.
    under_way = outcome == (op.verb() == io_verb::connect ? -EINPROGRESS : -EAGAIN);
  }
  if (!under_way) {
    op.finish(outcome);
    return true;
  }
  op.driver_data[0] = op.driver_data[1] = 0;
  if (const std::size_t size = block_size(op); size > 0 && !uses_poll(op)) {
    op.driver_data[0] = reinterpret_cast<std::uintptr_t>(coro::allocate_frame(size));
  }
  waiting = &op;
  driver_.count_requests(1);
  submit(op);
  return false;
}

void uring_descriptor::submit(io_operation& op) noexcept {
  io_uring_sqe& request = driver_.next_request();
  prepare(request, op);
  io_uring_sqe_set_data64(&request, mark_of(op));
}

void uring_descriptor::prepare(io_uring_sqe& request, io_operation& op) noexcept {
  if (uses_poll(op)) {
    io_uring_prep_poll_add(&request, fd(), poll_events(op));
    return;
  }
  if (needs_message(op)) fill_message(*message_of(op), op);
  const iovec first = op.buffers.empty() ? iovec{} : op.buffers.front();
  switch (op.verb()) {
    case io_verb::receive:
    case io_verb::receive_from:
      if (needs_message(op)) {
        io_uring_prep_recvmsg(&request, fd(), message_of(op), 0);
      } else {
        io_uring_prep_recv(&request, fd(), first.iov_base, request_size(first), 0);
      }
      if (likely_empty_ && driver_.can_poll_first()) request.ioprio |= IORING_RECVSEND_POLL_FIRST;
      break;
    case io_verb::send:
    case io_verb::send_to:
      if (needs_message(op)) {
        io_uring_prep_sendmsg(&request, fd(), message_of(op), MSG_NOSIGNAL);
      } else {
        io_uring_prep_send(&request, fd(), first.iov_base, request_size(first), MSG_NOSIGNAL);
      }
      break;
    default:
      set_peer_size(op, socket_address::capacity);
      io_uring_prep_accept(&request, fd(), peer_of(op),
                           reinterpret_cast<socklen_t*>(&op.driver_data[1]),
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  }
}

void uring_descriptor::answered(io_operation& op, int result, unsigned flags) noexcept {
  if (is_inbound(op.verb())) likely_empty_ = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
  const std::int64_t outcome = uses_poll(op) ? polled_outcome(op, result) : outcome_of(op, result);
  const bool to_repeat = outcome == -EAGAIN || outcome == -EINTR || outcome == -EINPROGRESS;
  const bool given_up = op.is_withdrawing() || closing_;
  if (to_repeat && !given_up) {
    submit(op);
    return;
  }
  release(op);
  if (!to_repeat && outcome != -ECANCELED) {
    op.finish(outcome);
  } else if (op.is_withdrawing()) {
    op.finish_withdrawn();
  } else {
    op.finish(-ECANCELED);
  }
}

std::int64_t uring_descriptor::outcome_of(io_operation& op, int result) noexcept {
  if (op.verb() == io_verb::receive_from && result >= 0 && op.address != nullptr) {
    op.address->resize(message_of(op)->msg_namelen);
  }
  if (op.verb() != io_verb::accept) return result;
  if (concerns_one_connection(result)) return -EAGAIN;
  if (result < 0) return result;
  return take_connection(op, result, peer_of(op), peer_size(op));
}

std::int64_t uring_descriptor::polled_outcome(io_operation& op, int result) noexcept {
  if (result < 0) return result;
  switch (op.verb()) {
    case io_verb::connect: return connect_outcome(op);
    case io_verb::wait_readable:
    case io_verb::wait_writable: return 0;
    // The poll told of a chance; nothing has happened yet, and when nobody wants it any more nothing will.
    default: return op.is_withdrawing() || closing_ ? -ECANCELED : attempt(op);
  }
}

void uring_descriptor::release(io_operation& op) noexcept {
  if (block_of(op) != nullptr) coro::free_frame(block_of(op), block_size(op));
  waiting_for(op) = nullptr;
  driver_.count_requests(-1);
  if (closing_ && inbound_ == nullptr && outbound_ == nullptr) close_fd();
}

void uring_descriptor::cancel(io_operation& op) noexcept {
  if (!closing_) driver_.request_cancel(op);
}

void uring_descriptor::close() noexcept {
  if (!is_open()) return;
  closing_ = true;
  if (inbound_ == nullptr && outbound_ == nullptr) close_fd();
  for (io_operation* op : {inbound_, outbound_}) {
    if (op != nullptr && !op->is_withdrawing()) driver_.request_cancel(*op);
  }
}

std::unique_ptr<system_socket> uring_descriptor::make_accepted(classified_fd from) {
  return std::make_unique<uring_descriptor>(driver_, std::move(from));
}

// --- driver ---

uring_driver::uring_driver() {
  set_up();
  try {
    require_features();
  } catch (...) {
    io_uring_queue_exit(&ring_);
    throw;
  }
}

uring_driver::~uring_driver() { io_uring_queue_exit(&ring_); }

void uring_driver::set_up() {
  // From best to most widely known. Disabled at first, so that the thread that waits becomes the one that may submit.
  constexpr unsigned deferred =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  constexpr unsigned cooperative = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  int failed = 0;
  for (const unsigned way : {deferred, cooperative, 0U}) {
    io_uring_params how{};
    how.flags = way | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    how.cq_entries = completion_entries;
    failed = io_uring_queue_init_params(submission_entries, &ring_, &how);
    if (failed == 0) modern_ = way == deferred;
    if (failed != -EINVAL) break;
  }
  if (failed < 0) throw_missing("io_uring_setup: " + std::system_category().message(-failed));
}

void uring_driver::require_features() {
  constexpr unsigned needed =
      IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;
  if ((ring_.features & needed) != needed) throw_missing("Linux 5.11 or newer");
  const std::unique_ptr<io_uring_probe, void (*)(io_uring_probe*)> probe(
      io_uring_get_probe_ring(&ring_), io_uring_free_probe);
  if (probe == nullptr) throw_missing("io_uring_register is refused");
  for (const int operation : {IORING_OP_RECV, IORING_OP_SEND, IORING_OP_RECVMSG, IORING_OP_SENDMSG,
                              IORING_OP_ACCEPT, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL}) {
    if (io_uring_opcode_supported(probe.get(), operation) == 0) {
      throw_missing("operation " + std::to_string(operation) + " of the kernel");
    }
  }
}

void uring_driver::enable() {
  if (enabled_) return;
  // liburing 2.3 does not export the function for it.
  const int failed = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                       IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (failed < 0)
    throw_error(std::error_code(-failed, std::system_category()), "io_uring_register");
  enabled_ = true;
}

std::unique_ptr<descriptor> uring_driver::open_socket(int family, int type, int protocol) {
  return std::make_unique<uring_descriptor>(*this, open_system_socket(family, type, protocol));
}

std::unique_ptr<descriptor> uring_driver::adopt(int fd) {
  auto adopted = std::make_unique<uring_descriptor>(*this, adopt_system_fd(fd));
  adopted->learn_peer();
  return adopted;
}

io_uring_sqe& uring_driver::next_request() noexcept {
  for (;;) {
    if (io_uring_sqe* request = io_uring_get_sqe(&ring_)) [[likely]]
      return *request;
    enable();
    // Refused while too many completions wait to be taken: taking them makes tasks ready and nothing else.
    if (io_uring_submit(&ring_) < 0) reap();
  }
}

void uring_driver::request_cancel(io_operation& op) noexcept {
  io_uring_sqe& request = next_request();
  io_uring_prep_cancel64(&request, mark_of(op), 0);
  io_uring_sqe_set_data64(&request, ignored);
}

void uring_driver::watch_wake() noexcept {
  if (watching_wake_) return;
  io_uring_sqe& request = next_request();
  io_uring_prep_poll_add(&request, wake_.fd(), POLLIN);
  io_uring_sqe_set_data64(&request, wake_mark);
  watching_wake_ = true;
}

void uring_driver::wait(time_point deadline) {
  enable();
  watch_wake();
  enter(deadline);
  reap();
}

// Without deferred work and without a request to hand over, a look needs no system call.
bool uring_driver::nothing_to_look_at() const noexcept {
  constexpr unsigned flags = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
  return modern_ && io_uring_sq_ready(&ring_) == 0 &&
         (IO_URING_READ_ONCE(*ring_.sq.kflags) & flags) == 0;
}

void uring_driver::enter(time_point deadline) {
  int result = 0;
  io_uring_cqe* first = nullptr;
  const bool done_already = io_uring_cq_ready(&ring_) > 0;
  if (deadline == never && !done_already) {
    result = io_uring_submit_and_wait(&ring_, 1);
  } else if (const time_point now = clock_.now(); deadline > now && !done_already) {
    auto limit = to_timespec<__kernel_timespec>(deadline - now);
    result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
  } else if (!nothing_to_look_at()) {
    result = io_uring_submit_and_get_events(&ring_);
  }
  // Passing: the deadline, a signal, and completions that have to be taken before more is submitted.
  if (result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY)
    return;
  throw_error(std::error_code(-result, std::system_category()), "io_uring_enter");
}

// Each answer is given back before it is dealt with, as that may submit and take further ones.
void uring_driver::reap() noexcept {
  while (io_uring_cq_ready(&ring_) > 0) {
    const io_uring_cqe& answer = ring_.cq.cqes[*ring_.cq.khead & ring_.cq.ring_mask];
    const std::uint64_t mark = answer.user_data;
    const int result = answer.res;
    const unsigned flags = answer.flags;
    io_uring_cq_advance(&ring_, 1);
    if (mark == wake_mark) {
      watching_wake_ = false;
      wake_.drain();
    } else if (mark != ignored && mark != LIBURING_UDATA_TIMEOUT) {
      io_operation& op = *reinterpret_cast<io_operation*>(mark);
      static_cast<uring_descriptor&>(op.on()).answered(op, result, flags);
    }
  }
}

}  // namespace eddy::runtime::detail
