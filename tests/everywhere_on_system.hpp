// As testing::cancel_everywhere, on the system's driver and in real time: for what needs real descriptors. How many
// points there are depends on timing, so a run may not reach its point.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/testing/everywhere.hpp>

namespace eddy::tests {

inline std::size_t descriptors_in_use() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

/// Whether this process has children, ended ones included.
inline bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

using trial_body = std::function<task<void>(testing::trial&)>;

/// One run, after which neither descriptors nor children are left; gives the points it had. Failures that nobody
/// observes go to `on_error`, without it to stderr.
inline testing::point_counts run_trial(const trial_body& of, testing::disturbance kind,
                                       std::size_t nth, const error_hook& on_error) {
  SCOPED_TRACE(std::string(to_string(kind)) + " " + std::to_string(nth));
  const std::size_t before = descriptors_in_use();
  testing::trial one(kind, nth);
  run_options options;
  options.on_error = on_error;
  const auto bounded = [&]() -> task<void> {
    co_await with_timeout(std::chrono::seconds(30), of(one));
  };
  eddy::run(bounded, options);
  EXPECT_EQ(descriptors_in_use(), before);
  EXPECT_FALSE(has_children());
  return one.counts();
}

inline void cancel_everywhere_on_system(const trial_body& of, const error_hook& on_error = {}) {
  using enum testing::disturbance;
  const testing::point_counts points = run_trial(of, none, 0, on_error);
  EXPECT_GT(points.entries, 0U);
  const auto each = [&](testing::disturbance kind, std::size_t count) {
    for (std::size_t nth = 1; nth <= count && !::testing::Test::HasFailure(); ++nth)
      run_trial(of, kind, nth, on_error);
  };
  each(cancel_at_entry, points.entries);
  each(cancel_in_suspension, points.suspensions);
  each(cancel_before_step, points.steps);
  each(error_at_entry, points.entries);
}

}  // namespace eddy::tests
