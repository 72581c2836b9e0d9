// The driver on io_uring: operations are handed to the kernel, which completes them.
//
// Sockets' transfers and accepts are requests of the kernel's own. A connect and whatever is done on files is an
// attempt here and a poll request when it has to wait, which means the same on every kernel and descriptor.
//
// A request belongs to its io_operation, whose address is its user_data, from submission to completion. Only its
// completion ends the operation: a cancelled task therefore stays suspended until the kernel has let go of its buffers,
// and a request that was done before the cancellation reached it counts.
#pragma once

#include "system_clock.hpp"
#include "system_socket.hpp"
#include "wake_event.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

#include <liburing.h>

namespace eddy::runtime::detail {

class uring_driver;

class uring_descriptor final : public system_socket {
 public:
  uring_descriptor(uring_driver& driver, classified_fd from) noexcept;
  ~uring_descriptor() override;

  [[nodiscard]] bool is_open() const noexcept override {
    return !closing_ && system_socket::is_open();
  }
  bool start(io_operation& op) override;
  void cancel(io_operation& op) noexcept override;
  void close() noexcept override;

  /// The kernel's answer to the request of `op`.
  void answered(io_operation& op, int result, unsigned flags) noexcept;

 private:
  [[nodiscard]] bool uses_poll(const io_operation& op) const noexcept;
  void submit(io_operation& op) noexcept;
  void prepare(io_uring_sqe& request, io_operation& op) noexcept;
  [[nodiscard]] std::int64_t outcome_of(io_operation& op, int result) noexcept;
  [[nodiscard]] std::int64_t polled_outcome(io_operation& op, int result) noexcept;
  void release(io_operation& op) noexcept;
  [[nodiscard]] std::unique_ptr<system_socket> make_accepted(classified_fd from) override;

  [[nodiscard]] io_operation*& waiting_for(const io_operation& op) noexcept {
    return is_inbound(op.verb()) ? inbound_ : outbound_;
  }

  uring_driver& driver_;
  io_operation* inbound_ = nullptr;
  io_operation* outbound_ = nullptr;
  bool closing_ = false;
  bool likely_empty_ = true;  // the last receive took all there was: the next one begins by waiting
};

class uring_driver final : public driver {
 public:
  /// Throws errc::unsupported naming what is missing.
  uring_driver();
  ~uring_driver() override;

  [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }
  [[nodiscard]] clock& time() noexcept override { return clock_; }
  [[nodiscard]] std::unique_ptr<descriptor> open_socket(int family, int type,
                                                        int protocol) override;
  [[nodiscard]] std::unique_ptr<descriptor> adopt(int fd) override;
  [[nodiscard]] bool has_io() const noexcept override { return requests_ > 0; }
  void wait(time_point deadline) override;
  void wake() noexcept override { wake_.signal(); }

  // --- for descriptors ---
  /// An empty request; submits the others where there is no room.
  [[nodiscard]] io_uring_sqe& next_request() noexcept;
  /// A request that ends the one of `op` early, if it is not over yet.
  void request_cancel(io_operation& op) noexcept;
  void count_requests(int change) noexcept { requests_ += change; }
  [[nodiscard]] bool can_poll_first() const noexcept { return modern_; }

 private:
  void set_up();
  void require_features();
  void enable();
  void watch_wake() noexcept;
  void enter(time_point deadline);
  [[nodiscard]] bool nothing_to_look_at() const noexcept;
  void reap() noexcept;

  system_clock clock_;
  wake_event wake_;
  io_uring ring_{};
  int requests_ = 0;
  bool modern_ = false;  // Linux 6.1: work is done for this thread when it asks for it
  bool enabled_ = false;
  bool watching_wake_ = false;
};

}  // namespace eddy::runtime::detail
