// Reports tasks that were cancelled and do not end.
#pragma once

#include <deque>
#include <utility>

#include <eddy/coro/scope_node.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::runtime {

/// Looks, some time after each cancellation, for tasks that are still inside the scope that was cancelled.
class cancellation_watch final : public coro::cancellation_observer, private coro::timer {
 public:
  cancellation_watch(loop& of, duration limit);
  cancellation_watch(const cancellation_watch&) = delete;
  cancellation_watch& operator=(const cancellation_watch&) = delete;
  ~cancellation_watch();

 private:
  void scope_cancelled(const coro::cancel_info_ptr& name) noexcept override;
  void expired() noexcept override;
  void report_those_inside(const coro::cancel_info& cancelled);

  loop& loop_;
  duration limit_;
  std::deque<std::pair<time_point, coro::cancel_info_ptr>> due_;
};

}  // namespace eddy::runtime
