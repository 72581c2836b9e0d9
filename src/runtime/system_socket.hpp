// What the sockets of the epoll and io_uring drivers have in common: ownership, control, and one non-blocking attempt
// at each operation.
#pragma once

#include "unique_fd.hpp"

#include <cstdint>
#include <memory>

#include <netinet/in.h>

#include <eddy/runtime/driver.hpp>

namespace eddy::runtime::detail {

/// What kind of descriptor it is, as far as the way to use it depends on that.
enum class fd_kind : std::uint8_t {
  tcp,           ///< a read or write that is cut short has emptied or filled the kernel's buffer
  other_socket,  ///< datagrams, and streams whose short reads mean nothing
  file,          ///< read and written, not received and sent: pipes, terminals, eventfd
};

struct classified_fd {
  unique_fd fd;
  fd_kind kind = fd_kind::other_socket;
};

/// A new non-blocking, close-on-exec socket. Throws eddy::error.
[[nodiscard]] classified_fd open_system_socket(int family, int type, int protocol);
/// Takes over `fd`; closes it when it cannot be made non-blocking. Throws eddy::error.
[[nodiscard]] classified_fd adopt_system_fd(int fd);

class system_socket : public descriptor {
 public:
  [[nodiscard]] bool is_open() const noexcept override { return static_cast<bool>(fd_); }
  [[nodiscard]] bool is_readable() const noexcept override;
  void bind(const socket_address& address) override;
  void listen(int backlog) override;
  void stop_connects() override;
  void shutdown(int how) override;
  void set_option(int level, int name, int value) override;
  [[nodiscard]] int option(int level, int name) const override;
  [[nodiscard]] socket_address local_address() const override;
  [[nodiscard]] socket_address peer_address() const override;
  [[nodiscard]] int native_handle() const noexcept override { return fd_.get(); }

  /// For a connection that was made elsewhere; without an effect on anything else.
  void learn_peer() noexcept;

 protected:
  explicit system_socket(classified_fd from) noexcept : fd_(std::move(from.fd)), kind_(from.kind) {}

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] fd_kind kind() const noexcept { return kind_; }
  void close_fd() noexcept { fd_.reset(); }

  /// Tries `op` without waiting: its outcome, -EAGAIN when it would wait, -EINPROGRESS for a connect under way.
  [[nodiscard]] std::int64_t attempt(io_operation& op) noexcept;
  /// How the connect `op` that was under way stands: 0, a negative errno, or -EINPROGRESS.
  [[nodiscard]] std::int64_t connect_outcome(const io_operation& op) noexcept;
  /// Wraps a connection that the kernel has handed out: 0, or -ENOMEM with the connection closed.
  [[nodiscard]] std::int64_t take_connection(io_operation& op, int fd, const sockaddr* peer,
                                             socklen_t size) noexcept;

  /// A descriptor of the same driver.
  [[nodiscard]] virtual std::unique_ptr<system_socket> make_accepted(classified_fd from) = 0;

 private:
  [[nodiscard]] std::int64_t attempt_receive(io_operation& op) noexcept;
  [[nodiscard]] std::int64_t attempt_send(io_operation& op) noexcept;
  [[nodiscard]] std::int64_t attempt_send_file(const io_operation& op) noexcept;
  [[nodiscard]] std::int64_t attempt_accept(io_operation& op) noexcept;
  [[nodiscard]] std::int64_t attempt_connect(io_operation& op) noexcept;
  [[nodiscard]] std::int64_t poll_now(short events) const noexcept;
  void remember_peer(const sockaddr* peer, socklen_t size) noexcept;

  unique_fd fd_;
  fd_kind kind_;
  // The peer of an accepted or connected IP socket, for errors: the kernel forgets it when the connection breaks.
  socklen_t peer_size_ = 0;
  sockaddr_in6 peer_;
};

/// Errors of accept() that concern one connection that is gone already; the next may be fine.
[[nodiscard]] bool concerns_one_connection(std::int64_t outcome) noexcept;

/// The first of `buffers` in the kernel's message form, at most as many as it takes.
void fill_message(msghdr& message, const io_operation& op) noexcept;

}  // namespace eddy::runtime::detail
