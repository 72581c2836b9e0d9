// What a loop says about tasks that wait: the tree, chains, deadlocks, and cancelled tasks that do not end.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::run_virtual;
using testing::settle;

task<void> hold_and_sleep(mutex& m, duration length) {
  const auto held = co_await m.lock();
  co_await sleep(length);
}

task<void> lock_once(mutex& m) { const auto held = co_await m.lock(); }

task<void> lock_both(mutex& first, mutex& second) {
  const auto a = co_await first.lock();
  co_await sleep(1s);
  const auto b = co_await second.lock();
}

// dbg.2
TEST(task_tree, shows_every_task_below_its_owner_with_place_wait_and_duration) {
  const std::string tree = run_virtual([]() -> task<std::string> {
    std::string text;
    mutex m;
    co_await with_group([&](task_group& group) -> task<void> {
      group.spawn(hold_and_sleep(m, 10s), {.name = "holder"});
      co_await settle();
      group.spawn(lock_once(m), {.name = "waiter"});
      co_await sleep(2s);
      text = task_tree();
    });
    co_return text;
  });
  EXPECT_THAT(tree, HasSubstr("  main  spawned at diagnostics_test.cpp:"));
  EXPECT_THAT(tree, HasSubstr("    holder  spawned at diagnostics_test.cpp:"));
  EXPECT_THAT(tree, HasSubstr("    waiter  spawned at diagnostics_test.cpp:"));
  EXPECT_THAT(tree, HasSubstr("waits for sleep"));
  EXPECT_THAT(tree, HasSubstr("waits for mutex.lock"));
  EXPECT_THAT(tree, HasSubstr("held by holder, 2.000 s"));
}

// dbg.3
TEST(task_tree, follows_a_wait_over_the_mutex_to_its_owner_and_what_that_waits_for) {
  const std::string tree = run_virtual([]() -> task<std::string> {
    std::string text;
    mutex m;
    co_await with_group([&](task_group& group) -> task<void> {
      group.spawn(hold_and_sleep(m, 10s), {.name = "holder"});
      co_await settle();
      group.spawn(lock_once(m), {.name = "waiter"});
      co_await sleep(2s);
      text = task_tree();
    });
    co_return text;
  });
  EXPECT_THAT(tree, HasSubstr("chain: waiter -> mutex.lock (locked at "));
  EXPECT_THAT(tree, HasSubstr(") -> holder -> sleep"));
  EXPECT_THAT(tree, Not(HasSubstr("deadlock")));
}

// dbg.8
EDDY_TEST(task_tree, is_read_in_slices_while_very_many_tasks_run) {
  constexpr int count = 100'000;
  constexpr int short_lived = 1000;
  event end;
  std::string text;
  int turns_of_others = 0;
  bool read = false;
  co_await with_group([&](task_group& group) -> task<void> {
    const auto wait_for_end = [&end]() -> task<void> { co_await end.wait(); };
    for (int i = 0; i < count; ++i) group.spawn(wait_for_end);
    // Some end while the tree is read, and new ones begin.
    const auto soon_over = [](int turns) -> task<void> {
      for (int i = 0; i < turns; ++i) co_await yield();
    };
    for (int i = 0; i < short_lived; ++i) group.spawn(soon_over, i);
    const auto keep_spawning = [&]() -> task<void> {
      while (!read) {
        ++turns_of_others;
        group.spawn(soon_over, 1);
        co_await yield();
      }
    };
    group.spawn(keep_spawning);
    co_await yield();
    text = co_await read_task_tree();
    read = true;
    end.set();
  });
  EXPECT_GT(turns_of_others, count / 1000) << "others run in between";
  const auto lines = [&](std::string_view what) {
    int found = 0;
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(lines("waits for event.wait"), count);
  EXPECT_GE(lines("spawned at"), count + 1);
  EXPECT_LE(lines("spawned at"), count + short_lived + turns_of_others + 2);
}

// dbg.8
EDDY_TEST(task_tree, read_in_slices_says_the_same) {
  mutex m;
  std::string at_once;
  std::string in_slices;
  co_await with_group([&](task_group& group) -> task<void> {
    group.spawn(hold_and_sleep(m, 10s), {.name = "holder"});
    co_await settle();
    for (int i = 0; i < 300; ++i) group.spawn(lock_once(m), {.name = "waiter"});
    co_await sleep(2s);
    at_once = task_tree();
    in_slices = co_await read_task_tree();
  });
  const auto without_own_line = [](std::string text) {
    const auto begin = text.find("      at diagnostics_test.cpp");
    return text.erase(begin, text.find('\n', begin) - begin);
  };
  EXPECT_EQ(without_own_line(in_slices), without_own_line(at_once));
}

// dbg.3 dbg.4
TEST(deadlock, is_reported_with_the_cycle_and_the_tree) {
  std::string said;
  try {
    run_virtual([]() -> task<void> {
      mutex m;
      mutex n;
      co_await with_group([&](task_group& group) -> task<void> {
        group.spawn(lock_both(m, n), {.name = "left"});
        group.spawn(lock_both(n, m), {.name = "right"});
        co_return;
      });
    });
    ADD_FAILURE() << "the run ended";
  } catch (const testing::run_failure& failure) {
    said = failure.what();
  }
  EXPECT_THAT(said, HasSubstr("deadlock: nothing is ready"));
  EXPECT_THAT(said, AllOf(HasSubstr("left  spawned at"), HasSubstr("right  spawned at")));
  EXPECT_THAT(said, HasSubstr("deadlock: "));
  EXPECT_THAT(said,
              ::testing::ContainsRegex("  deadlock: (left|right) -> mutex.lock .* -> (right|left) "
                                       "-> mutex.lock .* -> (left|right)\n"));
}

struct late_report {
  run_options options() {
    run_options o;
    o.handle_signals = false;
    o.cancel_report_after = 5ms;
    o.on_error = [this](const failure_report& r) { reports.push_back(r); };
    return o;
  }
  std::vector<failure_report> reports;
};

// dbg.5
TEST(cancelled_task, that_does_not_end_is_reported_with_its_shield_and_who_cancelled_it) {
  late_report seen;
  unsigned shield_line = 0;
  unsigned cancel_line = 0;
  run(
      [&]() -> task<void> {
        auto stubborn = [&]() -> task<void> {
          auto inner = [&]() -> task<void> {
            while (seen.reports.empty()) co_await sleep(1ms);
          };
          shield_line = __LINE__ + 1;
          co_await shield(inner());
        };
        co_await with_group([&](task_group& group) -> task<void> {
          auto handle = group.spawn(stubborn(), {.name = "stubborn"});
          co_await yield();
          co_await yield();
          cancel_line = __LINE__ + 1;
          handle.cancel(cancel_reason::overload, "too many");
        });
      },
      seen.options());
  ASSERT_EQ(seen.reports.size(), 1U);
  const auto& report = seen.reports.front();
  EXPECT_EQ(report.task, "stubborn");
  EXPECT_THAT(report.message, HasSubstr("has not ended after 5 ms"));
  EXPECT_THAT(report.message, HasSubstr("shield or cleanup at "));
  EXPECT_THAT(report.message, HasSubstr("diagnostics_test.cpp:" + std::to_string(shield_line)));
  EXPECT_THAT(report.message, HasSubstr("cancelled (overload: too many) at "));
  EXPECT_THAT(report.message, HasSubstr("diagnostics_test.cpp:" + std::to_string(cancel_line)));
  EXPECT_FALSE(report.stack.empty());
}

// dbg.5
TEST(cancelled_task, in_a_long_cleanup_is_reported_with_the_place_of_the_cleanup) {
  late_report seen;
  unsigned line = 0;
  run(
      [&]() -> task<void> {
        auto handle = spawn([&]() -> task<void> {
          auto cleanup = [&]() -> task<void> {
            while (seen.reports.empty()) co_await sleep(1ms);
          };
          line = __LINE__ + 1;
          co_await finally(sleep(1h), cleanup);
        });
        co_await sleep(1ms);
        handle.cancel();
        while (!handle.done()) co_await sleep(1ms);
      },
      seen.options());
  ASSERT_EQ(seen.reports.size(), 1U);
  EXPECT_THAT(seen.reports.front().message,
              HasSubstr("diagnostics_test.cpp:" + std::to_string(line)));
}

// dbg.5
TEST(cancelled_task, that_ends_in_time_is_not_reported) {
  late_report seen;
  run(
      []() -> task<void> {
        auto handle = spawn([]() -> task<void> { co_await sleep(1h); });
        co_await sleep(1ms);
        handle.cancel();
        co_await sleep(20ms);
      },
      seen.options());
  EXPECT_TRUE(seen.reports.empty());
}

}  // namespace
}  // namespace eddy
