// The watchdog: a task that keeps its loop is reported while it does.
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Reports as they come in, from the watchdog's thread.
class reports {
 public:
  run_options options(duration limit) {
    run_options o;
    o.watchdog = limit;
    o.on_slow_task = [this](const slow_task_report& r) {
      const std::lock_guard guard(lock_);
      all_.push_back(r);
      ++count;
    };
    return o;
  }
  std::vector<slow_task_report> all() {
    const std::lock_guard guard(lock_);
    return all_;
  }
  /// Keeps the thread until `n` reports are there.
  void block_until(int n) const {
    while (count < n) std::this_thread::yield();
  }
  /// Keeps the thread until `name` is reported: on a busy machine others may be, too.
  slow_task_report block_until_reported(const std::string& name) {
    for (;;) {
      for (const auto& each : all()) {
        if (each.task == name) return each;
      }
      std::this_thread::yield();
    }
  }
  std::atomic<int> count{0};

 private:
  std::mutex lock_;
  std::vector<slow_task_report> all_;
};

// dbg.1
TEST(watchdog, reports_a_task_that_keeps_its_loop_while_it_runs) {
  reports seen;
  constexpr auto limit = 20ms;
  unsigned resumed_line = 0;
  unsigned spawned_line = 0;
  slow_task_report got;
  run(
      [&]() -> task<void> {
        auto blocking = [&]() -> task<void> {
          resumed_line = __LINE__ + 1;
          co_await sleep(1ms);
          got = seen.block_until_reported("the slow one");
        };
        spawned_line = __LINE__ + 1;
        auto handle = spawn(blocking(), {.name = "the slow one"});
        co_await handle;
      },
      seen.options(limit));
  EXPECT_EQ(got.resumed_at.line(), resumed_line);
  EXPECT_THAT(got.resumed_at.file_name(), HasSubstr("watchdog_test.cpp"));
  EXPECT_EQ(got.spawned_at.line(), spawned_line);
  EXPECT_GE(got.lasted, limit);
  EXPECT_EQ(got.loop, 0U);
}

// dbg.1
TEST(watchdog, reports_each_long_step_once) {
  reports seen;
  constexpr auto limit = 20ms;
  run(
      [&]() -> task<void> {
        for (int step = 1; step <= 3; ++step) {
          seen.block_until(step);
          const auto until = std::chrono::steady_clock::now() + 3 * limit;
          while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
          EXPECT_EQ(seen.count, step);  // still once
          co_await yield();
        }
      },
      seen.options(limit));
}

// dbg.1
TEST(watchdog, reports_a_posted_callback_too) {
  reports seen;
  run(
      [&]() -> task<void> {
        post([&] { seen.block_until_reported("a posted callback"); });
        co_await sleep(1ms);
      },
      seen.options(5ms));
  EXPECT_GE(seen.count, 1);
}

// dbg.1 with tasks that end at the very moment they are looked at
TEST(watchdog, does_not_disturb_tasks_that_end_meanwhile) {
  reports seen;
  auto options = seen.options(1ms);
  options.loops = 2;
  run(
      []() -> task<void> {
        for (int i = 0; i < 300; ++i) {
          auto ends_soon = [](int n) -> task<void> {
            const auto until =
                std::chrono::steady_clock::now() + std::chrono::microseconds(900 + n * 10 % 1200);
            while (std::chrono::steady_clock::now() < until) {
            }
            co_return;
          };
          auto handle = spawn(ends_soon, i);
          co_await handle;
        }
      },
      options);
  for (const auto& report : seen.all()) EXPECT_FALSE(report.task.empty());
}

// dbg.1
TEST(watchdog, can_be_switched_off) {
  reports seen;
  run(
      []() -> task<void> {
        const auto until = std::chrono::steady_clock::now() + 60ms;
        while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
        co_return;
      },
      seen.options(0ms));
  EXPECT_EQ(seen.count, 0);
}

}  // namespace
}  // namespace eddy
