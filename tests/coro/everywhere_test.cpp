// Every operation and construct of coro, cancelled and made to fail at every point.
#include <eddy/testing/everywhere.hpp>

#include "recorded.hpp"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/generator.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/coro/wait.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using testing::cancel_everywhere;
using testing::disturbance;
using testing::trial;

/// Counts who is alive.
class counted {
 public:
  explicit counted(int& count) : count_(count) { ++count_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --count_; }

 private:
  int& count_;
};

/// How `op` has to end: undisturbed with a value; else with whatever, but a failure only where one was injected.
template <class T>
void expect_plausible(const trial& t, const result<T>& ended) {
  if (t.kind() == disturbance::none) {
    EXPECT_TRUE(ended.has_value());
  }
  if (t.kind() == disturbance::error_at_entry) {
    EXPECT_FALSE(ended.is_cancelled());
  } else if (ended.has_error()) {
    ADD_FAILURE() << "a failure out of nothing: " << describe_exception(ended.error());
  }
}

// clk.6
// Exposes: coro/sleep.sleep coro/sleep.sleep_until coro/sleep.yield
TEST(everywhere, sleeps_and_yields) {
  cancel_everywhere([](trial& t) -> task<void> {
    const auto body = []() -> task<void> {
      co_await sleep(1s);
      co_await sleep_until(time_point(3s));
      co_await sleep(0s);
      co_await yield();
    };
    const auto ended = co_await t.expose(body());
    expect_plausible(t, ended);
    EXPECT_TRUE(coro::scheduler::require().timers().empty());
  });
}

// clk.6
TEST(everywhere, futures_keep_their_value) {
  cancel_everywhere([](trial& t) -> task<void> {
    promise<int> given;
    const auto awaited = given.get_future();
    auto giver = spawn([&]() -> task<void> {
      co_await sleep(1s);
      given.set_value(7);
    });
    const auto body = [&]() -> task<int> { co_return co_await awaited + co_await awaited; };
    const auto ended = co_await t.expose(body());
    expect_plausible(t, ended);
    const int later = co_await awaited;
    EXPECT_EQ(later, 7);
    co_await giver;
  });
}

// clk.6
TEST(everywhere, handles_leave_their_task_alone) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto other = spawn(value_after(1s, 7));
    const auto body = [&]() -> task<int> { co_return co_await other; };
    const auto ended = co_await t.expose(body());
    expect_plausible(t, ended);
    const int later = co_await other;
    EXPECT_EQ(later, 7);
  });
}

// clk.6
// Exposes: coro/wait.wait coro/wait.next
TEST(everywhere, wait_and_as_completed_leave_their_tasks_alone) {
  cancel_everywhere([](trial& t) -> task<void> {
    const std::vector handles{spawn(value_after(1s, 1)), spawn(value_after(2s, 2))};
    auto finished = as_completed(handles);
    int seen = 0;
    const auto body = [&]() -> task<void> {
      co_await wait(handles, wait_until::first_completed);
      co_await wait(handles, wait_until::all_completed, 100ms);
      while (auto next = co_await finished.next()) ++seen;
    };
    const auto ended = co_await t.expose(body());
    expect_plausible(t, ended);
    while (auto next = co_await finished.next()) ++seen;
    EXPECT_EQ(seen, 2) << "no completion is lost";
  });
}

// clk.6
// Exposes: coro/group.with_group coro/group.start
TEST(everywhere, groups_end_with_all_their_children) {
  cancel_everywhere([](trial& t) -> task<void> {
    int running = 0;
    const auto child = [&](duration d) -> task<void> {
      const counted here(running);
      const auto napped = co_await as_result(sleep(d));
      co_await shield(sleep(d));
      static_cast<void>(napped.value());
    };
    const auto body = [&]() -> task<int> {
      co_return co_await with_group([&](task_group& g) -> task<int> {
        g.spawn(child, duration(1s));
        g.spawn(child, duration(2s));
        const auto serve = [&](ready_signal<int> ready) -> task<void> {
          co_await sleep(1s);
          ready(1);
          co_await child(1s);
        };
        const int first = co_await g.start<int>(serve);
        g.spawn(child, duration(1s));
        co_return first;
      });
    };
    const auto ended = co_await t.expose(body());
    EXPECT_EQ(running, 0);
    expect_plausible(t, ended);
  });
}

// clk.6
// Exposes: coro/gather.gather coro/gather.gather_each coro/gather.gather_settled
TEST(everywhere, gather_and_its_kin_end_with_all_their_members) {
  cancel_everywhere([](trial& t) -> task<void> {
    int running = 0;
    const auto member = [&](int i) -> task<int> {
      const counted here(running);
      co_await sleep(1s * i);
      co_await yield();
      co_return i;
    };
    const auto body = [&]() -> task<int> {
      const auto [a, b] = co_await gather(member(1), member(2));
      EXPECT_EQ(running, 0);
      const std::vector<int> input{1, 2, 3};
      const auto each = co_await gather_each(input, member, {.limit = 2});
      EXPECT_EQ(running, 0);
      const auto settled = co_await gather_settled(member(1), sleep(2s));
      co_return a + b + static_cast<int>(each.size());
    };
    const auto ended = co_await t.expose(body());
    EXPECT_EQ(running, 0);
    expect_plausible(t, ended);
  });
}

// clk.6
// Exposes: coro/race.race
TEST(everywhere, race_ends_with_all_its_members_and_reports_what_nobody_reads) {
  cancel_everywhere([](trial& t) -> task<void> {
    const testing::error_recorder unread;
    int running = 0;
    std::size_t outcomes = 0;  // values and failures of members
    const auto member = [&](duration d, bool gives_in) -> task<int> {
      const counted here(running);
      const auto napped = co_await as_result(sleep(d));
      if (gives_in) static_cast<void>(napped.value());
      co_await shield(sleep(1s));
      co_return 1;
    };
    const auto noted = [&](task<int> op) -> task<int> {
      auto ended = co_await as_result(std::move(op));
      if (!ended.is_cancelled()) ++outcomes;
      co_return std::move(ended).value();
    };
    const auto body = [&]() -> task<int> {
      auto first =
          co_await race(noted(member(1s, true)), noted(member(2s, false)), noted(member(3s, true)));
      co_return first.value();
    };
    const auto ended = co_await t.expose(body());
    EXPECT_EQ(running, 0);
    if (t.kind() == disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    EXPECT_EQ(ended.is_cancelled(), outcomes == 0);
    // The winner's outcome is the race's; each other one is reported, once.
    EXPECT_EQ(unread.count(), outcomes == 0 ? 0 : outcomes - 1);
  });
}

// clk.6
// Exposes: coro/scope.shield coro/finally.finally
TEST(everywhere, shield_is_not_interrupted_and_finally_always_cleans_up) {
  cancel_everywhere([](trial& t) -> task<void> {
    int cleanups = 0;
    int begun = 0;
    bool shield_entered = false;
    bool shielded_part = false;
    const auto protect = [&]() -> task<void> {
      shield_entered = true;
      co_await sleep(1s);
      shielded_part = true;
    };
    const auto body = [&]() -> task<void> {
      co_await sleep(1s);
      ++begun;
      auto work = sleep(1s);
      const auto cleanup = [&]() -> task<void> {
        ++cleanups;
        co_await sleep(1s);
      };
      co_await finally(std::move(work), cleanup);
      co_await shield(protect());
      co_await yield();
    };
    const auto ended = co_await t.expose(body());
    expect_plausible(t, ended);
    EXPECT_EQ(cleanups, begun);
    if (ended.has_value()) {
      EXPECT_TRUE(shielded_part);
    }
    if (shield_entered && t.kind() != disturbance::error_at_entry) {
      EXPECT_TRUE(shielded_part);
    }
  });
}

// clk.6
// Exposes: coro/timeout.move_on_after coro/timeout.move_on_at coro/timeout.with_timeout
// Exposes: coro/timeout.with_deadline coro/scope.with_scope
TEST(everywhere, timeouts_and_scopes_leave_no_timer) {
  cancel_everywhere([](trial& t) -> task<void> {
    const auto body = []() -> task<void> {
      const bool late = co_await move_on_after(1s, sleep(2s));
      EXPECT_FALSE(late);
      co_await with_timeout(2s, sleep(1s));
      const bool in_time = co_await move_on_at(after(now(), 2s), sleep(1s));
      EXPECT_TRUE(in_time);
      co_await with_deadline(after(now(), 2s), sleep(1s));
      co_await with_scope([](cancel_scope& s) -> task<void> {
        s.set_deadline(after(now(), 5s));
        co_await sleep(1s);
        s.cancel();
        co_await sleep(1s);
      });
    };
    const auto ended = co_await t.expose(body());
    expect_plausible(t, ended);
    EXPECT_TRUE(coro::scheduler::require().timers().empty());
  });
}

async_generator<int> waits_between(int n) {
  for (int i = 0; i < n; ++i) {
    co_await sleep(1s);
    co_yield i;
  }
}

const task_local<int> level(0);

// clk.6
TEST(everywhere, generators_end_and_bindings_are_undone) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto values = waits_between(3);
    const auto body = [&]() -> task<int> {
      const auto bound = level.bind(1);
      int count = 0;
      while (auto next = co_await values.next()) ++count;
      co_return count;
    };
    const auto ended = co_await t.expose(body());
    expect_plausible(t, ended);
    EXPECT_EQ(*level, 0);
    int rest = 0;
    while (auto next = co_await values.next()) ++rest;
    if (t.kind() == disturbance::none) {
      EXPECT_EQ(rest, 0);
    }
  });
}

}  // namespace
}  // namespace eddy
