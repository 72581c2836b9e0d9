// When retry gives up: limits that can be combined.
//
//   stop_after_attempts(5) | stop_after(30s)   whichever comes first
//   stop_after_attempts(3) & stop_after(10s)   at least three attempts, and at least 10 s
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <eddy/base/time.hpp>

namespace eddy {

/// How far one call of retry has come, when it has to be decided whether there is another attempt.
struct retry_progress {
  std::uint64_t attempts = 0;              ///< made so far, the failed one included
  duration elapsed = duration::zero();     ///< since the first attempt began
  duration next_pause = duration::zero();  ///< what would be waited before the next attempt
};

/// Immutable and cheap to copy; holds no counters, so that any number of calls may use the same one at once.
class retry_limit {
 public:
  using function = std::function<bool(const retry_progress&)>;

  /// Stops when `reached` says so.
  explicit retry_limit(function reached);
  [[nodiscard]] bool reached(const retry_progress& progress) const { return (*reached_)(progress); }

 private:
  std::shared_ptr<const function> reached_;
};

[[nodiscard]] retry_limit stop_never();
/// No more than `most` attempts in all; zero throws invalid_input.
[[nodiscard]] retry_limit stop_after_attempts(std::uint64_t most);
/// No further attempt once `total` has passed since the first began, the boundary included. A pause may end later.
[[nodiscard]] retry_limit stop_after(duration total);
/// As stop_after, and no pause that would reach or cross the boundary: it gives up before pausing instead.
[[nodiscard]] retry_limit stop_before(duration total);
/// Any of the two.
[[nodiscard]] retry_limit operator|(retry_limit a, retry_limit b);
/// All of them: both.
[[nodiscard]] retry_limit operator&(retry_limit a, retry_limit b);

}  // namespace eddy
