// What all sockets have in common, and the operations on them.
//
// A socket belongs to the loop on which it was made and is used by that loop's tasks only. It is a move-only owner: its
// destructor releases the descriptor at once and never waits. No operation may be pending on a socket that is moved
// from or destroyed; close() or abort() it first when another task may be waiting there.
//
// In each direction one task may wait at a time; a second one gets errc::busy. After close() or abort(), pending
// operations throw errc::closed, and so do later ones, but for reads of a stream, which give the end. All operations
// can be cancelled, and one that was cancelled has moved no byte.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include <sys/uio.h>

#include <eddy/base/time.hpp>
#include <eddy/net/address.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::net {

/// When to ask a silent peer whether it is still there. Seconds are the system's resolution; less counts as one.
struct keepalive {
  duration idle = std::chrono::seconds(60);      ///< silence before the first probe
  duration interval = std::chrono::seconds(15);  ///< between probes
  int probes = 4;                                ///< unanswered ones before the connection fails
};

class socket {
 public:
  socket(socket&&) noexcept = default;
  socket& operator=(socket&&) noexcept = default;

  /// False after close(), abort() and for a moved-from object.
  [[nodiscard]] bool is_open() const noexcept { return on_ != nullptr && on_->is_open(); }
  /// The own address, with the real port when zero was asked for. Throws when closed.
  [[nodiscard]] address local() const { return on().local_address(); }
  /// The file descriptor, which stays the socket's; -1 when closed or simulated.
  [[nodiscard]] int native_handle() const noexcept {
    return on_ != nullptr ? on_->native_handle() : -1;
  }

  /// Any socket option of integer type, as in setsockopt(2). Throws.
  void set_option(int level, int name, int value) { on().set_option(level, name, value); }
  [[nodiscard]] int option(int level, int name) const { return on().option(level, name); }
  /// Sizes of the kernel's buffers in bytes; the kernel rounds and doubles.
  void set_receive_buffer(int bytes);
  void set_send_buffer(int bytes);

 protected:
  explicit socket(std::unique_ptr<runtime::descriptor> on) noexcept : on_(std::move(on)) {}
  ~socket() = default;

  /// The descriptor; a moved-from socket stops the program.
  [[nodiscard]] runtime::descriptor& on() const {
    check(on_ != nullptr, "a moved-from socket was used");
    return *on_;
  }

 private:
  std::unique_ptr<runtime::descriptor> on_;
};

/// Waits until a read would not: for bytes, the end of the stream, or its failure, which that read then tells. Takes
/// nothing and needs no buffer: for waits that are long.
class readable_operation final : public runtime::io_operation {
 public:
  explicit readable_operation(runtime::descriptor& on) noexcept
      : io_operation(on, runtime::io_verb::wait_readable) {}

  void take() const noexcept {}
};

/// Gives the number of bytes received; 0 at the end of the stream, on a stream closed here, and for an empty buffer.
class read_operation final : public runtime::io_operation {
 public:
  read_operation(runtime::descriptor& on, std::span<std::byte> into) noexcept
      : io_operation(on, runtime::io_verb::receive), into_{into.data(), into.size()} {}

  bool try_complete() {
    if (into_.iov_len == 0) return true;
    buffers = {&into_, 1};
    return io_operation::try_complete();
  }
  [[nodiscard]] std::size_t take();

 private:
  iovec into_;
};

/// Gives the number of bytes the system took: at least one, unless there were none.
class write_operation final : public runtime::io_operation {
 public:
  write_operation(runtime::descriptor& on, std::span<const std::byte> bytes) noexcept
      : io_operation(on, runtime::io_verb::send),
        single_{const_cast<std::byte*>(bytes.data()), bytes.size()} {}
  write_operation(runtime::descriptor& on, std::span<const iovec> parts) noexcept
      : io_operation(on, runtime::io_verb::send), parts_(parts) {}

  bool try_complete() {
    buffers = parts_.data() != nullptr ? parts_ : std::span<const iovec>(&single_, 1);
    if (nothing_to_do()) return true;
    return io_operation::try_complete();
  }
  [[nodiscard]] std::size_t take() { return take_count("write"); }

 private:
  [[nodiscard]] bool nothing_to_do() const noexcept;

  iovec single_{};
  std::span<const iovec> parts_{};
};

/// Gives the number of bytes of the file that the system took: 0 at the file's end.
class send_file_operation final : public runtime::io_operation {
 public:
  /// Most bytes of one operation: what a slow disk may hold the loop up for.
  static constexpr std::size_t largest = 256 * 1024;

  send_file_operation(runtime::descriptor& on, const runtime::open_file& from, std::uint64_t offset,
                      std::size_t most) noexcept
      : io_operation(on, runtime::io_verb::send_file) {
    file = {&from, offset, most < largest ? most : largest};
  }

  [[nodiscard]] std::size_t take();
};

/// Connects a new socket.
class connect_operation final : public runtime::io_operation {
 public:
  connect_operation(runtime::descriptor& on, const net::address& to) noexcept
      : io_operation(on, runtime::io_verb::connect), to_(to) {}

  bool try_complete() {
    address = &to_;
    return io_operation::try_complete();
  }
  void take();

 private:
  net::address to_;
};

/// Accepts one connection; a connection that nobody takes over is closed.
class accept_operation final : public runtime::io_operation {
 public:
  struct connection {
    std::unique_ptr<runtime::descriptor> on;
    net::address peer;
  };

  explicit accept_operation(runtime::descriptor& on) noexcept
      : io_operation(on, runtime::io_verb::accept) {}

  bool try_complete() {
    address = &peer_;
    return io_operation::try_complete();
  }
  [[nodiscard]] connection take();

 private:
  net::address peer_;
};

/// What ends one direction of a stream, or the whole. Never waits, but is refused in a cancelled scope.
class shutdown_operation final : public coro::operation {
 public:
  enum class what : std::uint8_t { writing, everything };

  shutdown_operation(runtime::descriptor& on, what end) noexcept : on_(&on), end_(end) {}

  [[nodiscard]] coro::wait_info describe() const override { return {"socket.shutdown", on_}; }
  bool try_complete();
  void enqueue() const noexcept {}
  void take() const noexcept {}

 private:
  void withdraw() noexcept override {}

  runtime::descriptor* on_;
  what end_;
};

}  // namespace eddy::net
