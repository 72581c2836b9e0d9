// How fast a client sends or takes something, over the time in which it is waited for.
#pragma once

#include <algorithm>
#include <cstdint>

#include <eddy/base/time.hpp>

namespace eddy::http::detail {

/// What is slow: fewer bytes per second than that, on average, once it has taken longer than the grace. 0: nothing is.
struct pace_limit {
  std::uint64_t rate = 0;
  duration grace{};
};

class transfer_pace {
 public:
  /// A wait begins; gives how long it may last.
  [[nodiscard]] duration begin(time_point now, const pace_limit& limit) noexcept {
    since_ = now;
    if (limit.rate == 0) return duration::max();
    constexpr double year =
        365.0 * 86400 * 1e9;  // in nanoseconds; over that, it does not matter any more
    const double earned = static_cast<double>(bytes_) * 1e9 / static_cast<double>(limit.rate);
    const duration allowed(static_cast<std::int64_t>(std::min(earned, year)));
    const duration left = limit.grace + allowed - waited_;
    return std::max(left, duration::zero());
  }
  /// It has ended with so many bytes.
  void moved(time_point now, std::uint64_t bytes) noexcept {
    waited_ += now - std::min(since_, now);
    since_ = time_point::max();
    bytes_ += bytes;
  }

 private:
  time_point since_ = time_point::max();  // max: nobody waits
  duration waited_{};
  std::uint64_t bytes_ = 0;
};

}  // namespace eddy::http::detail
