#include <eddy/resilience/outcome_window.hpp>

#include <algorithm>

namespace eddy::resilience::detail {

outcome_window::outcome_window(std::size_t calls) : slots_(calls) {}

outcome_window::outcome_window(duration time)
    : slots_(steps), step_(std::max(time / static_cast<int>(steps), duration(1))) {}

void outcome_window::add(bool failed, time_point now) {
  if (step_ != duration::zero()) {
    slide(now);
    next_ = static_cast<std::size_t>(newest_) % slots_.size();
  }
  counts& slot = slots_[next_];
  if (step_ == duration::zero()) {
    sum_.calls -= slot.calls;
    sum_.failures -= slot.failures;
    slot = {};
    next_ = (next_ + 1) % slots_.size();
  }
  const std::size_t failures = failed ? 1 : 0;
  ++slot.calls;
  slot.failures += failures;
  ++sum_.calls;
  sum_.failures += failures;
}

void outcome_window::slide(time_point now) {
  const std::int64_t current = now.time_since_epoch() / step_;
  const auto size = static_cast<std::int64_t>(slots_.size());
  // Steps that were passed over hold outcomes that are too old by now.
  for (std::int64_t passed = std::max(newest_ + 1, current - size + 1); passed <= current;
       ++passed) {
    counts& slot = slots_[static_cast<std::size_t>(passed) % slots_.size()];
    sum_.calls -= slot.calls;
    sum_.failures -= slot.failures;
    slot = {};
  }
  newest_ = current;
}

outcome_window::counts outcome_window::at(time_point now) {
  if (step_ != duration::zero()) slide(now);
  return sum_;
}

void outcome_window::clear() noexcept {
  std::ranges::fill(slots_, counts());
  sum_ = {};
  next_ = 0;
}

}  // namespace eddy::resilience::detail
