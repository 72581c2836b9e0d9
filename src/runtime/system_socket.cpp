#include "system_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <iterator>
#include <new>

#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <eddy/base/error.hpp>

namespace eddy::runtime::detail {
namespace {

constexpr std::size_t most_buffers = IOV_MAX;

[[noreturn]] void throw_errno(std::string_view operation) {
  if (errno == EBADF) throw_error(errc::closed, operation);
  throw_error(std::error_code(errno, std::system_category()), operation);
}

/// A system call's result as an outcome, repeated while signals interrupt it.
template <class Call>
std::int64_t uninterrupted(Call call) noexcept {
  for (;;) {
    const auto result = call();
    if (result >= 0) return static_cast<std::int64_t>(result);
    if (errno != EINTR) return -errno;
  }
}

int socket_option(int fd, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

fd_kind classify(int fd) noexcept {
  const int type = socket_option(fd, SO_TYPE);
  if (type < 0) return fd_kind::file;
  const bool tcp = type == SOCK_STREAM && socket_option(fd, SO_PROTOCOL) == IPPROTO_TCP;
  return tcp ? fd_kind::tcp : fd_kind::other_socket;
}

// write() and sendfile() have no MSG_NOSIGNAL: a pipe or socket without a reader raises SIGPIPE in the calling thread,
// which is blocked and taken back here, unless one was pending before. It is also raised where the reader leaves in the
// middle of a call that then tells of what went out before.
template <class Call>
std::int64_t without_signal(std::size_t asked, Call call) noexcept {
  sigset_t pipe_only;
  sigset_t pending;
  sigset_t before;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const std::int64_t outcome = uninterrupted(call);
  const bool cut_short = outcome >= 0 && static_cast<std::size_t>(outcome) < asked;
  if ((outcome == -EPIPE || cut_short) && sigismember(&pending, SIGPIPE) == 0) {
    const timespec no_wait{};
    sigtimedwait(&pipe_only, nullptr, &no_wait);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return outcome;
}

}  // namespace

bool concerns_one_connection(std::int64_t outcome) noexcept {
  switch (-outcome) {
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH: return true;
    default: return false;
  }
}

void fill_message(msghdr& message, const io_operation& op) noexcept {
  message = {};
  message.msg_iov = const_cast<iovec*>(op.buffers.data());
  message.msg_iovlen = std::min(op.buffers.size(), most_buffers);
  if (op.address == nullptr) return;
  if (op.verb() == io_verb::receive_from) {
    message.msg_name = op.address->data();
    message.msg_namelen = socket_address::capacity;
  } else if (op.verb() == io_verb::send_to && !op.address->empty()) {
    message.msg_name = op.address->data();
    message.msg_namelen = op.address->size();
  }
}

classified_fd open_system_socket(int family, int type, int protocol) {
  unique_fd fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) throw_errno("socket");
  const bool tcp = (family == AF_INET || family == AF_INET6) && type == SOCK_STREAM &&
                   (protocol == 0 || protocol == IPPROTO_TCP);
  return {std::move(fd), tcp ? fd_kind::tcp : fd_kind::other_socket};
}

classified_fd adopt_system_fd(int fd) {
  unique_fd owned(fd);
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) throw_errno("adopt");
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) throw_errno("adopt");
  return {std::move(owned), classify(fd)};
}

// --- control ---

bool system_socket::is_readable() const noexcept {
  return !is_open() || poll_now(POLLIN | POLLRDHUP) != -EAGAIN;
}

void system_socket::bind(const socket_address& address) {
  if (::bind(fd(), address.data(), address.size()) < 0) {
    throw error(std::error_code(errno, std::system_category()), "bind", address.to_string());
  }
}

void system_socket::listen(int backlog) {
  if (::listen(fd(), backlog) < 0) throw_errno("listen");
}

// The kernel shows a listener's filter the TCP header of each segment: those that ask for a connection are dropped, and
// asked again after a second; those that complete one pass. Sockets that share the port have filters of their own.
void system_socket::stop_connects() {
  if (kind_ != fd_kind::tcp) return;
  constexpr std::uint32_t flags_at = 13;
  constexpr std::uint32_t syn = 0x02;
  sock_filter steps[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
                         BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, syn, 0, 1),
                         BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
  const sock_fprog program{.len = std::size(steps), .filter = steps};
  if (::setsockopt(fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
    throw_errno("stop_connects");
}

void system_socket::shutdown(int how) {
  if (::shutdown(fd(), how) < 0) throw_errno("shutdown");
}

void system_socket::set_option(int level, int name, int value) {
  int failed = 0;
  if (level == SOL_SOCKET && name == SO_LINGER) {
    const linger how{.l_onoff = value >= 0, .l_linger = std::max(value, 0)};
    failed = ::setsockopt(fd(), level, name, &how, sizeof(how));
  } else {
    failed = ::setsockopt(fd(), level, name, &value, sizeof(value));
  }
  if (failed < 0) throw_errno("setsockopt");
}

int system_socket::option(int level, int name) const {
  if (level == SOL_SOCKET && name == SO_LINGER) {
    linger how{};
    socklen_t size = sizeof(how);
    if (::getsockopt(fd(), level, name, &how, &size) < 0) throw_errno("getsockopt");
    return how.l_onoff != 0 ? how.l_linger : -1;
  }
  int value = 0;
  socklen_t size = sizeof(value);
  if (::getsockopt(fd(), level, name, &value, &size) < 0) throw_errno("getsockopt");
  return value;
}

socket_address system_socket::local_address() const {
  socket_address address;
  socklen_t size = socket_address::capacity;
  if (::getsockname(fd(), address.data(), &size) < 0) throw_errno("getsockname");
  address.resize(size);
  return address;
}

socket_address system_socket::peer_address() const {
  if (peer_size_ != 0) return {reinterpret_cast<const sockaddr*>(&peer_), peer_size_};
  socket_address address;
  socklen_t size = socket_address::capacity;
  if (::getpeername(fd(), address.data(), &size) < 0) throw_errno("getpeername");
  address.resize(size);
  return address;
}

void system_socket::remember_peer(const sockaddr* peer, socklen_t size) noexcept {
  if (size > sizeof(peer_) || (peer->sa_family != AF_INET && peer->sa_family != AF_INET6)) return;
  std::memcpy(&peer_, peer, size);
  peer_size_ = size;
}

void system_socket::learn_peer() noexcept {
  if (kind_ != fd_kind::tcp) return;
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  if (::getpeername(fd(), reinterpret_cast<sockaddr*>(&peer), &size) == 0)
    remember_peer(reinterpret_cast<const sockaddr*>(&peer), size);
}

// --- attempts ---

std::int64_t system_socket::attempt(io_operation& op) noexcept {
  switch (op.verb()) {
    case io_verb::receive:
    case io_verb::receive_from: return attempt_receive(op);
    case io_verb::send:
    case io_verb::send_to: return attempt_send(op);
    case io_verb::accept: return attempt_accept(op);
    case io_verb::connect: return attempt_connect(op);
    case io_verb::wait_readable: return poll_now(POLLIN | POLLRDHUP);
    case io_verb::wait_writable: return poll_now(POLLOUT);
    case io_verb::send_file: return attempt_send_file(op);
  }
  return -EINVAL;
}

std::int64_t system_socket::attempt_receive(io_operation& op) noexcept {
  if (kind_ == fd_kind::file) {
    const auto count = static_cast<int>(std::min(op.buffers.size(), most_buffers));
    return uninterrupted([&] { return ::readv(fd(), op.buffers.data(), count); });
  }
  if (op.verb() == io_verb::receive && op.buffers.size() == 1) {
    const iovec& into = op.buffers.front();
    return uninterrupted([&] { return ::recv(fd(), into.iov_base, into.iov_len, 0); });
  }
  msghdr message;
  fill_message(message, op);
  const std::int64_t outcome = uninterrupted([&] { return ::recvmsg(fd(), &message, 0); });
  if (outcome >= 0 && message.msg_name != nullptr) op.address->resize(message.msg_namelen);
  return outcome;
}

std::int64_t system_socket::attempt_send(io_operation& op) noexcept {
  if (kind_ == fd_kind::file) {
    const auto pieces = op.buffers.first(std::min(op.buffers.size(), most_buffers));
    std::size_t asked = 0;
    for (const iovec& one : pieces) asked += one.iov_len;
    return without_signal(
        asked, [&] { return ::writev(fd(), pieces.data(), static_cast<int>(pieces.size())); });
  }
  if (op.verb() == io_verb::send && op.buffers.size() == 1) {
    const iovec& from = op.buffers.front();
    return uninterrupted([&] { return ::send(fd(), from.iov_base, from.iov_len, MSG_NOSIGNAL); });
  }
  msghdr message;
  fill_message(message, op);
  return uninterrupted([&] { return ::sendmsg(fd(), &message, MSG_NOSIGNAL); });
}

std::int64_t system_socket::attempt_send_file(const io_operation& op) noexcept {
  if (op.file.file == nullptr || op.file.file->native_handle() < 0) return -ENOTSUP;
  const int from = op.file.file->native_handle();
  auto offset = static_cast<off_t>(op.file.offset);
  return without_signal(op.file.size,
                        [&] { return ::sendfile(fd(), from, &offset, op.file.size); });
}

std::int64_t system_socket::attempt_accept(io_operation& op) noexcept {
  sockaddr_storage peer;
  socklen_t size = 0;
  std::int64_t accepted = 0;
  do {
    size = sizeof(peer);
    accepted = uninterrupted([&] {
      return ::accept4(fd(), reinterpret_cast<sockaddr*>(&peer), &size,
                       SOCK_NONBLOCK | SOCK_CLOEXEC);
    });
  } while (concerns_one_connection(accepted));
  if (accepted < 0) return accepted;
  return take_connection(op, static_cast<int>(accepted), reinterpret_cast<const sockaddr*>(&peer),
                         size);
}

std::int64_t system_socket::take_connection(io_operation& op, int fd, const sockaddr* peer,
                                            socklen_t size) noexcept {
  unique_fd connection(fd);
  size = std::min(size, socket_address::capacity);
  try {
    auto accepted = make_accepted({std::move(connection), kind_});
    accepted->remember_peer(peer, size);
    op.accepted = std::move(accepted);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
  if (op.address == nullptr) return 0;
  if (op.address->data() == peer) {
    op.address->resize(size);
  } else {
    *op.address = socket_address(peer, size);
  }
  return 0;
}

std::int64_t system_socket::attempt_connect(io_operation& op) noexcept {
  if (op.address == nullptr) return -EDESTADDRREQ;
  if (::connect(fd(), op.address->data(), op.address->size()) < 0)
    return errno == EINTR ? -EINPROGRESS : -errno;
  remember_peer(op.address->data(), op.address->size());
  return 0;
}

std::int64_t system_socket::connect_outcome(const io_operation& op) noexcept {
  const int failure = socket_option(fd(), SO_ERROR);
  if (failure > 0) return -failure;
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  // Without an error there is a peer, unless the notice was about an earlier state of the socket.
  if (::getpeername(fd(), reinterpret_cast<sockaddr*>(&peer), &size) < 0)
    return errno == ENOTCONN ? -EINPROGRESS : -errno;
  remember_peer(op.address->data(), op.address->size());
  return 0;
}

std::int64_t system_socket::poll_now(short events) const noexcept {
  pollfd state{.fd = fd(), .events = events, .revents = 0};
  const std::int64_t ready = uninterrupted([&] { return ::poll(&state, 1, 0); });
  if (ready < 0) return ready;
  return ready == 0 ? -EAGAIN : 0;
}

}  // namespace eddy::runtime::detail
