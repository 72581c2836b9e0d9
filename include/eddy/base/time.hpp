// Time as the loop measures it: nanoseconds on a clock that never goes backwards.
//
// A loop's clock is a seam: the system's monotonic clock in production, a virtual one in tests and simulation. Time
// points of eddy are therefore of a type of their own; they cannot be mixed with std::chrono::steady_clock's.
// Durations are any std::chrono duration; conversion saturates instead of overflowing, and a negative one means zero
// wherever something is waited for.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <eddy/base/error.hpp>

namespace eddy {

using duration = std::chrono::nanoseconds;

/// The tag of eddy's time points. It has no static now(): ask the loop (eddy::now()).
struct loop_clock {
  using rep = eddy::duration::rep;
  using period = eddy::duration::period;
  using duration = eddy::duration;
  using time_point = std::chrono::time_point<loop_clock, duration>;
  static constexpr bool is_steady = true;
};

using time_point = loop_clock::time_point;

/// The time point that never comes; as a deadline: none.
inline constexpr time_point never = time_point::max();

/// Any duration in nanoseconds, saturated at the largest representable one. Not-a-number throws invalid_input.
template <class Rep, class Period>
constexpr duration to_duration(std::chrono::duration<Rep, Period> d) {
  using wide = std::chrono::duration<long double, std::nano>;
  if constexpr (std::is_floating_point_v<Rep>) {
    if (d.count() != d.count()) throw_invalid_input("duration is not a number");
  }
  const long double ns = std::chrono::duration_cast<wide>(d).count();
  if (ns >= static_cast<long double>(std::numeric_limits<std::int64_t>::max()))
    return duration::max();
  if (ns <= static_cast<long double>(std::numeric_limits<std::int64_t>::min()))
    return duration::min();
  if constexpr (std::is_floating_point_v<Rep>) {
    // A wait is never shorter than asked for, so fractions of a nanosecond round up.
    return duration(static_cast<std::int64_t>(std::ceil(ns)));
  } else {
    return std::chrono::duration_cast<duration>(d);
  }
}

constexpr duration to_duration(duration d) { return d; }

/// `t + d`, saturated; a negative `d` counts as zero.
[[nodiscard]] constexpr time_point after(time_point t, duration d) noexcept {
  if (d <= duration::zero()) return t;
  return t > never - d ? never : t + d;
}

/// The clock seam.
class clock {
 public:
  virtual ~clock() = default;
  /// Never decreases. Callable from the loop's thread; the system clock's also from others.
  [[nodiscard]] virtual time_point now() noexcept = 0;
  /// Calendar time, for dates in protocols and reports; may jump.
  [[nodiscard]] virtual std::chrono::system_clock::time_point calendar() noexcept = 0;
};

}  // namespace eddy
