// The driver on epoll: each descriptor is registered once, edge-triggered, when an operation first has to wait on it.
//
// An edge is told once, so what is known of a descriptor is kept in it: `readable` and `writable` mean that trying may
// succeed. They are cleared by EAGAIN and, on TCP, by a transfer cut short, which shows that the kernel's buffer was
// emptied or filled, so that a new edge will follow. That does not hold when the end, an error or urgent data lies
// behind the bytes; their edge may have come together with the bytes', so once one was seen only EAGAIN counts.
#pragma once

#include "system_clock.hpp"
#include "system_socket.hpp"
#include "wake_event.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <sys/epoll.h>

namespace eddy::runtime::detail {

class epoll_driver;

class epoll_descriptor final : public system_socket {
 public:
  /// Whether others may hold the same open file, which then stays registered after close().
  enum class origin : std::uint8_t { made_here, adopted };

  epoll_descriptor(epoll_driver& driver, classified_fd from, origin where) noexcept;
  ~epoll_descriptor() override;

  bool start(io_operation& op) override;
  void cancel(io_operation& op) noexcept override;
  void close() noexcept override;

  /// An edge: goes on with the operations that wait for it.
  void edge(std::uint32_t events) noexcept;

 private:
  /// One direction: who waits, and whether trying may succeed.
  struct side {
    io_operation* waiting = nullptr;
    bool may_succeed = false;
  };
  static constexpr std::int64_t in_progress = INT64_MIN;  // instead of an outcome

  [[nodiscard]] side& side_of(const io_operation& op) noexcept {
    return is_inbound(op.verb()) ? inbound_ : outbound_;
  }
  [[nodiscard]] std::int64_t begin(io_operation& op, side& way) noexcept;
  [[nodiscard]] std::int64_t wait_for_edges() noexcept;
  [[nodiscard]] std::int64_t try_now(io_operation& op, side& way) noexcept;
  [[nodiscard]] bool shows_end_of_buffer(const io_operation& op,
                                         std::int64_t outcome) const noexcept;
  void resume(side& way) noexcept;
  void leave(side& way) noexcept;
  [[nodiscard]] std::unique_ptr<system_socket> make_accepted(classified_fd from) override;

  epoll_driver& driver_;
  side inbound_;
  side outbound_;
  bool registered_ = false;
  bool shared_;
  bool only_eagain_ = false;  // the end, an error or urgent data was seen
};

class epoll_driver final : public driver {
 public:
  epoll_driver();

  [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }
  [[nodiscard]] clock& time() noexcept override { return clock_; }
  [[nodiscard]] std::unique_ptr<descriptor> open_socket(int family, int type,
                                                        int protocol) override;
  [[nodiscard]] std::unique_ptr<descriptor> adopt(int fd) override;
  [[nodiscard]] bool has_io() const noexcept override { return waiting_ > 0; }
  void wait(time_point deadline) override;
  void wake() noexcept override { wake_.signal(); }

  // --- for descriptors ---
  /// 0 or a negative errno.
  [[nodiscard]] int add(int fd, epoll_descriptor& owner) noexcept;
  /// Events of `fd` that are still to come reach nobody, also when the number is used again.
  void forget(int fd, bool shared) noexcept;
  void count_waiting(int change) noexcept { waiting_ += change; }

 private:
  struct slot {
    epoll_descriptor* owner = nullptr;
    std::uint32_t generation = 0;
  };

  [[nodiscard]] int sleep(time_point deadline);
  [[nodiscard]] int sleep_in_milliseconds(bool forever, duration left) noexcept;

  system_clock clock_;
  unique_fd epoll_;
  wake_event wake_;
  std::vector<slot> slots_;  // by descriptor number
  std::vector<epoll_event> events_;
  int waiting_ = 0;
  bool has_pwait2_ = true;
};

}  // namespace eddy::runtime::detail
