// The I/O seam: how a loop talks to the operating system, or to a simulated one.
//
// A driver makes descriptors (sockets and whatever else can be read, written or polled), starts operations on them and
// completes those from wait(), which is the only place where a loop sleeps. Implementations: epoll, io_uring, and
// virtual_driver, which has sockets and a clock of its own and no operating system behind it. One conformance suite
// (tests/runtime/driver_conformance_test.cpp) runs on all. Everything is used on the loop's thread, except wake().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include <sys/uio.h>

#include <eddy/base/time.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/runtime/file_system.hpp>
#include <eddy/runtime/socket_address.hpp>

namespace eddy::runtime {

class io_operation;

/// What an io_operation does.
enum class io_verb : std::uint8_t {
  receive,  ///< read into `buffers`; result: bytes, 0 at the end of the stream
  send,     ///< write `buffers`; result: bytes, possibly fewer than asked. Never raises SIGPIPE
  receive_from,  ///< one datagram into `buffers` and its sender into `address`; result: bytes
  send_to,  ///< one datagram to `address`, or to the connected peer when it is empty; result: bytes
  accept,   ///< a connection into `accepted`, its peer into `address`
  connect,  ///< connect to `address`
  wait_readable,  ///< nothing but readiness, for descriptors that others read (c-ares, inotify, pidfd)
  wait_writable,
  send_file,  ///< `file` to a stream socket, without copying; result: bytes, 0 at the file's end, -ENOTSUP where the
              ///< driver cannot. Reading from a slow disk holds the loop up, so pieces are small
};

/// What io_verb::send_file sends.
struct file_piece {
  const open_file* file = nullptr;
  std::uint64_t offset = 0;
  std::size_t size = 0;
};

/// Which directions of a descriptor an operation occupies: at most one operation each way may wait at a time.
[[nodiscard]] constexpr bool is_inbound(io_verb verb) noexcept {
  return verb == io_verb::receive || verb == io_verb::receive_from || verb == io_verb::accept ||
         verb == io_verb::wait_readable;
}

/// An open socket, pipe or the like. Owned by exactly one stream or listener; closed by its destructor, at which no
/// operation may be pending on it. Non-blocking and close-on-exec.
class descriptor {
 public:
  descriptor() noexcept = default;
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  virtual ~descriptor() = default;

  /// Starts `op`. True: it is done and finish() was called. False: it is pending and finish() follows from
  /// driver::wait. Throws errc::busy when an operation in the same direction is pending.
  virtual bool start(io_operation& op) = 0;
  /// Ends `op`, which is pending here: calls finish_withdrawn() now, or later when the kernel has let go of it, unless
  /// it completes first.
  virtual void cancel(io_operation& op) noexcept = 0;
  /// Makes pending operations finish with -ECANCELED and later ones with -EBADF; the number is free for others after
  /// the operations have ended. Idempotent.
  virtual void close() noexcept = 0;
  [[nodiscard]] virtual bool is_open() const noexcept = 0;
  /// Whether a receive would be done at once: there are bytes, or the end, or a failure. Asks without waiting.
  [[nodiscard]] virtual bool is_readable() const noexcept = 0;

  // Control. Those that fail throw eddy::error.
  virtual void bind(const socket_address& address) = 0;
  virtual void listen(int backlog) = 0;
  /// A listening socket begins no further connections; those begun can still be accepted. Who tries to connect is not
  /// refused, but has to try again, by when another socket may listen.
  virtual void stop_connects() = 0;
  /// `how` as in shutdown(2): SHUT_RD, SHUT_WR, SHUT_RDWR.
  virtual void shutdown(int how) = 0;
  /// As setsockopt with an int. SO_LINGER is its seconds here: zero makes close() discard and reset, negative is off.
  virtual void set_option(int level, int name, int value) = 0;
  [[nodiscard]] virtual int option(int level, int name) const = 0;
  [[nodiscard]] virtual socket_address local_address() const = 0;
  [[nodiscard]] virtual socket_address peer_address() const = 0;

  /// The file descriptor; -1 where there is none (simulation).
  [[nodiscard]] virtual int native_handle() const noexcept = 0;
};

/// One operation on a descriptor. Filled in by whoever awaits it (io, net); buffers and the memory they point to must
/// live until the await has ended. That is all: with io_uring a cancelled task stays suspended until the kernel has
/// let go of them.
class io_operation : public coro::operation {
 public:
  io_operation(descriptor& on, io_verb verb) noexcept : on_(&on), verb_(verb) {}
  io_operation(io_operation&&) noexcept = default;

  [[nodiscard]] coro::wait_info describe() const override;

  // --- the request ---
  [[nodiscard]] descriptor& on() const noexcept { return *on_; }
  [[nodiscard]] io_verb verb() const noexcept { return verb_; }
  std::span<const iovec> buffers{};
  socket_address* address = nullptr;  ///< in or out, see io_verb; may be null where it is out
  std::unique_ptr<descriptor> accepted{};
  file_piece file{};

  // --- for drivers ---
  /// Bytes done (zero or more), or a negative errno. Completes the operation if the task is suspended in it.
  void finish(std::int64_t outcome) noexcept;
  /// Ends a withdrawal that had no effect on the outside.
  void finish_withdrawn() noexcept { withdrawn(); }
  [[nodiscard]] bool is_pending() const noexcept { return pending(); }
  [[nodiscard]] bool is_withdrawing() const noexcept { return withdrawing(); }
  /// Free for the driver to use while the operation is pending.
  std::uintptr_t driver_data[2] = {0, 0};

  // --- for co_await ---
  bool try_complete();
  void enqueue() const noexcept {}

 protected:
  ~io_operation() = default;
  /// The outcome: throws eddy::error for a negative one, naming `operation` and the peer.
  std::size_t take_count(const char* operation) const;
  [[nodiscard]] std::int64_t outcome() const noexcept { return outcome_; }

 private:
  void withdraw() noexcept override;

  descriptor* on_;
  std::int64_t outcome_ = 0;
  io_verb verb_;
};

/// What a loop sleeps in.
class driver {
 public:
  driver() noexcept = default;
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;
  virtual ~driver() = default;

  /// "epoll", "io_uring", "virtual".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual clock& time() noexcept = 0;

  /// A new socket; throws eddy::error.
  [[nodiscard]] virtual std::unique_ptr<descriptor> open_socket(int family, int type,
                                                                int protocol) = 0;
  /// Takes over an open file descriptor and makes it non-blocking; throws, and closes it, where that cannot be.
  [[nodiscard]] virtual std::unique_ptr<descriptor> adopt(int fd) = 0;

  /// The files of this world; used through to_thread. The system's unless a driver has others.
  [[nodiscard]] virtual file_system& files() noexcept { return system_files(); }

  /// Whether wait() has anything to look at besides timers: a loop without I/O skips it while tasks are ready.
  [[nodiscard]] virtual bool has_io() const noexcept = 0;

  /// Finishes operations that are done. Sleeps until there is one, until wake(), or until `deadline`, whichever comes
  /// first; a deadline in the past only looks. A signal may end the sleep early. A virtual clock may jump to the
  /// deadline.
  virtual void wait(time_point deadline) = 0;
  /// While true, something outside the loop (a thread job) is going to call wake(): a virtual clock then stands still.
  virtual void expect_wake(bool expected) noexcept { static_cast<void>(expected); }
  /// Offered each call that is about to go to a thread. True: the driver has taken it and makes it itself, later, from
  /// inside wait(). False, `call` untouched: a thread makes it.
  [[nodiscard]] virtual bool take_call(std::move_only_function<void()>& call) {
    static_cast<void>(call);
    return false;
  }
  /// Makes a running or the next wait() return soon. Any thread, any time until the driver is destroyed; also from
  /// signal handlers.
  virtual void wake() noexcept = 0;
};

/// Which drivers there are, best first, as EDDY_DRIVER may name them.
enum class driver_kind : std::uint8_t { automatic, epoll, io_uring };

/// The driver `kind` asks for. For `automatic`: the one EDDY_DRIVER names, else the best that works here; when
/// io_uring is refused, epoll, with one notice on stderr per process. Throws errc::unsupported naming what is missing.
[[nodiscard]] std::unique_ptr<driver> make_driver(driver_kind kind = driver_kind::automatic);

}  // namespace eddy::runtime
