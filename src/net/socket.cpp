#include <eddy/net/socket.hpp>

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace eddy::net {

void socket::set_receive_buffer(int bytes) { on().set_option(SOL_SOCKET, SO_RCVBUF, bytes); }

void socket::set_send_buffer(int bytes) { on().set_option(SOL_SOCKET, SO_SNDBUF, bytes); }

std::size_t read_operation::take() {
  // Closed here before the read began: the reader sees the end. A read that was waiting meanwhile gets an error.
  if (outcome() == -EBADF) return 0;
  return take_count("read");
}

bool write_operation::nothing_to_do() const noexcept {
  return std::ranges::all_of(buffers, [](const iovec& one) { return one.iov_len == 0; });
}

std::size_t send_file_operation::take() {
  // A file system without splicing says EINVAL.
  if (outcome() == -ENOTSUP || outcome() == -EINVAL) throw_error(errc::unsupported, "send_file");
  return take_count("send_file");
}

void connect_operation::take() { static_cast<void>(take_count("connect")); }

accept_operation::connection accept_operation::take() {
  static_cast<void>(take_count("accept"));
  connection made;
  made.on = std::move(accepted);
  made.peer = peer_;
  return made;
}

bool shutdown_operation::try_complete() {
  if (!on_->is_open()) return true;
  try {
    on_->shutdown(SHUT_WR);
  } catch (const error& failure) {
    // A peer that is gone already needs no end from us.
    if (failure.code() != std::errc::not_connected) throw;
  }
  if (end_ == what::everything) on_->close();
  return true;
}

}  // namespace eddy::net
