// run(): what it gives, and what becomes of whatever is left when main has ended.
#include <eddy/runtime/run.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/finally.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/virtual_driver.hpp>

namespace {

using namespace std::chrono_literals;
using eddy::task;

struct recorded_run {
  std::vector<eddy::failure_report> reports;

  template <class T>
  T operator()(task<T> main) {
    eddy::run_options options;
    options.handle_signals = false;
    options.make_driver = [] { return std::make_unique<eddy::runtime::virtual_driver>(); };
    options.on_error = [this](const eddy::failure_report& r) { reports.push_back(r); };
    return eddy::run(std::move(main), options);
  }
};

task<std::unique_ptr<int>> give(int value) { co_return std::make_unique<int>(value); }

task<int> fail() {
  co_await eddy::yield();
  throw std::runtime_error("main failed");
}

// run.1
TEST(run, gives_mains_value_or_throws_its_failure) {
  recorded_run run;
  EXPECT_EQ(*run(give(7)), 7);
  EXPECT_THROW(run(fail()), std::runtime_error);
  EXPECT_TRUE(run.reports.empty());
}

task<int> nested_run() { co_return eddy::run(fail()); }

// run.2
TEST(run_death, inside_a_running_loop_stops_the_program) {
  recorded_run run;
  EXPECT_DEATH(run(nested_run()), "inside a running loop");
}

// run.2
TEST(run, runs_one_after_the_other_are_independent) {
  recorded_run run;
  const auto clock_after = [](eddy::duration nap) -> task<eddy::time_point> {
    co_await eddy::sleep(nap);
    co_return eddy::now();
  };
  const auto first = run(clock_after(3s));
  const auto second = run(clock_after(3s));
  EXPECT_EQ(first, second);
}

struct left_over {
  bool cancelled = false;
  bool cleaned = false;
  eddy::cancel_reason reason{};
};

task<void> wait_for_ever(left_over& seen) {
  try {
    co_await eddy::sleep(24h);
  } catch (const eddy::cancelled& stop) {
    seen.cancelled = true;
    seen.reason = stop.reason();
    throw;
  }
}

task<void> work_with_cleanup(left_over& seen) {
  co_await eddy::finally(wait_for_ever(seen), [&]() -> task<void> {
    co_await eddy::sleep(1s);
    seen.cleaned = true;
  });
}

task<int> leave_a_task(left_over& seen, bool then_fail) {
  eddy::spawn(work_with_cleanup(seen));
  co_await eddy::sleep(1s);
  if (then_fail) throw std::runtime_error("main failed");
  co_return 5;
}

// run.3
TEST(run, cancels_and_awaits_what_main_leaves_behind) {
  recorded_run run;
  for (const bool then_fail : {false, true}) {
    left_over seen;
    if (then_fail) {
      EXPECT_THROW(run(leave_a_task(seen, true)), std::runtime_error);
    } else {
      EXPECT_EQ(run(leave_a_task(seen, false)), 5);
    }
    EXPECT_TRUE(seen.cancelled);
    EXPECT_EQ(seen.reason, eddy::cancel_reason::shutdown);
    EXPECT_TRUE(seen.cleaned);
  }
}

task<int> leave_a_failing_task() {
  eddy::spawn([]() -> task<void> {
    co_await eddy::finally(eddy::sleep(24h), []() -> task<void> {
      co_await eddy::yield();
      throw std::logic_error("the cleanup failed");
    });
  });
  co_await eddy::yield();
  co_return 5;
}

// run.4
TEST(run, a_left_over_tasks_failure_goes_to_the_error_hook) {
  recorded_run run;
  EXPECT_EQ(run(leave_a_failing_task()), 5);
  ASSERT_EQ(run.reports.size(), 1u);
  EXPECT_TRUE(eddy::holds_exception<std::logic_error>(run.reports.front().error));
}

struct spawned_late {
  int started = 0;
  int refused = 0;
};

task<void> spawn_again(spawned_late& seen, int generations) {
  ++seen.started;
  const auto slept = co_await eddy::as_result(eddy::sleep(1s));
  if (slept.is_cancelled()) ++seen.refused;
  if (generations > 0) eddy::spawn(spawn_again(seen, generations - 1));
}

task<void> leave_a_spawning_task(spawned_late& seen) {
  eddy::spawn(spawn_again(seen, 3));
  co_await eddy::yield();
}

// run.5
TEST(run, what_left_over_tasks_spawn_is_refused_and_awaited_too) {
  recorded_run run;
  spawned_late seen;
  run(leave_a_spawning_task(seen));
  EXPECT_EQ(seen.started, 4);
  EXPECT_EQ(seen.refused, 4);
}

task<int> survive_a_failing_root_task(bool observe) {
  auto failing = eddy::spawn([]() -> task<void> {
    co_await eddy::yield();
    throw std::runtime_error("root task failed");
  });
  auto sibling = eddy::spawn([]() -> task<int> {
    co_await eddy::sleep(1s);
    co_return 3;
  });
  const int value = co_await sibling;
  if (observe) {
    EXPECT_THROW(co_await failing, std::runtime_error);
  }
  co_return value;
}

// run.6
TEST(run, a_failing_root_task_cancels_nobody) {
  recorded_run run;
  EXPECT_EQ(run(survive_a_failing_root_task(true)), 3);
  EXPECT_TRUE(run.reports.empty());
  EXPECT_EQ(run(survive_a_failing_root_task(false)), 3);
  EXPECT_EQ(run.reports.size(), 1u);
}

task<void> post_and_leave(bool& ran) {
  eddy::post([&ran] { ran = true; });
  co_return;
}

// run.7
TEST(run, a_callback_posted_just_before_the_end_still_runs) {
  recorded_run run;
  bool ran = false;
  run(post_and_leave(ran));
  EXPECT_TRUE(ran);
}

task<void> await_a_task_twice() {
  auto once = eddy::as_result(eddy::yield());
  static_cast<void>(co_await std::move(once));
  static_cast<void>(co_await std::move(once));
}

// dbg.7
TEST(run_death, a_mistake_names_itself_the_place_and_the_task) {
  recorded_run run;
  EXPECT_DEATH(
      run(await_a_task_twice()),
      "awaited twice, or after it was moved from\n.*at .*\n.*in main, spawned at .*run_test");
}

}  // namespace
