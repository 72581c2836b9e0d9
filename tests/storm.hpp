// Many tasks that begin, give up and are cancelled at whole seconds, so that ends of every kind meet at the same
// instants.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::tests {

/// A number below `bound`, of the run's own source.
inline std::uint64_t draw(std::uint64_t bound) {
  return coro::scheduler::require().random().below(bound);
}

/// Zero to `most` whole seconds.
inline duration some_seconds(std::uint64_t most) {
  return std::chrono::seconds(static_cast<std::int64_t>(draw(most + 1)));
}

/// Runs `use(number)`, which gives a task<void> and fails of nothing but cancellation, in `count` tasks, and awaits
/// them all.
template <class Use>
task<void> storm(int count, Use use) {
  std::vector<task_handle<void>> all;
  for (int number = 0; number < count; ++number) {
    const duration begin = some_seconds(6);
    const duration patience = std::chrono::seconds(1) + some_seconds(4);
    all.push_back(spawn([&use, number, begin, patience]() -> task<void> {
      co_await sleep(begin);
      co_await move_on_after(patience, use(number));
    }));
  }
  for (int second = 0; second < 8; ++second) {
    for (int i = 0; i < count / 10; ++i) all[draw(all.size())].cancel();
    co_await sleep(std::chrono::seconds(1));
  }
  for (auto& one : all) {
    const auto ended = co_await as_result(one);
    if (!ended.has_value()) {
      EXPECT_EQ(one.status(), coro::task_status::cancelled) << describe_exception(ended.error());
    }
  }
}

}  // namespace eddy::tests
