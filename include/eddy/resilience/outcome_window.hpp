// The latest outcomes of a circuit breaker: how many there were and how many of them failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <eddy/base/time.hpp>

namespace eddy::resilience::detail {

/// Slides over the latest `calls` outcomes, or over the latest `time` in a fixed number of steps. Its memory is bounded
/// by its size.
class outcome_window {
 public:
  explicit outcome_window(std::size_t calls);
  explicit outcome_window(duration time);

  void add(bool failed, time_point now);
  void clear() noexcept;

  struct counts {
    std::size_t calls = 0;
    std::size_t failures = 0;
  };
  [[nodiscard]] counts at(time_point now);

 private:
  static constexpr std::size_t steps = 16;

  void slide(time_point now);

  // By calls one slot is one outcome; by time it is one step.
  std::vector<counts> slots_;
  counts sum_;
  std::size_t next_ = 0;     // by calls: the slot to overwrite
  duration step_{};          // zero: by calls
  std::int64_t newest_ = 0;  // by time: number of the latest step
};

}  // namespace eddy::resilience::detail
