// The clock of the operating system.
#pragma once

#include <ctime>

#include <eddy/base/time.hpp>

namespace eddy::runtime::detail {

/// CLOCK_MONOTONIC, so it stands still while the machine is suspended. Callable from any thread.
class system_clock final : public clock {
 public:
  [[nodiscard]] time_point now() noexcept override {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
  }
  [[nodiscard]] std::chrono::system_clock::time_point calendar() noexcept override {
    return std::chrono::system_clock::now();
  }
};

/// `time_left` in the kernel's form.
template <class Timespec>
[[nodiscard]] Timespec to_timespec(duration time_left) noexcept {
  Timespec t{};
  t.tv_sec = time_left.count() / 1'000'000'000;
  t.tv_nsec = time_left.count() % 1'000'000'000;
  return t;
}

}  // namespace eddy::runtime::detail
