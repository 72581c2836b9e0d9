#include "recorded.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using testing::settle;

/// How `fill(g)` ends inside a group, and how the group ends.
struct endings {
  std::string body;
  std::string group;
};

template <class Fill>
task<endings> group_endings(Fill fill) {
  endings seen;
  const auto body = [&](task_group& g) -> task<void> { seen.body = co_await ending_of(fill(g)); };
  seen.group = co_await ending_of(with_group(body));
  co_return seen;
}

std::string message(errc code) { return make_error_code(code).message(); }

/// Cancels `scope` after `d`.
task<void> cancel_after(duration d, cancel_scope& scope) {
  co_await sleep(d);
  scope.cancel(cancel_reason::requested, "outside");
}

// start.1
EDDY_TEST(start, gives_the_value_the_child_reports_while_the_child_runs_on) {
  time_point child_ended;
  co_await with_group([&](task_group& g) -> task<void> {
    const auto serve = [&](ready_signal<int> ready) -> task<void> {
      co_await sleep(1s);
      ready(42);
      co_await sleep(1s);
      child_ended = now();
    };
    const int port = co_await g.start<int>(serve);
    EXPECT_EQ(port, 42);
    EXPECT_EQ(now(), time_point(1s));
    EXPECT_EQ(g.size(), 1U);
  });
  EXPECT_EQ(child_ended, time_point(2s));
}

// start.1
EDDY_TEST(start, moves_the_child_from_the_caller_s_scopes_to_the_group_s) {
  std::string before;
  std::string after_it;
  co_await with_group([&](task_group& g) -> task<void> {
    cancel_scope around;
    const auto serve = [&](ready_signal<> ready) -> task<void> {
      EXPECT_FALSE(is_cancelled());
      around.cancel();
      before = co_await ending_of(yield());
      ready();
      after_it = co_await ending_of(sleep(1s));
    };
    const auto call = [&](cancel_scope&) -> task<void> { co_await g.start(serve); };
    const bool finished = co_await with_scope(around, call);
    EXPECT_TRUE(finished) << "the child reported all the same";
    EXPECT_TRUE(around.cancel_called());
  });
  EXPECT_EQ(before, "cancelled (requested)");
  EXPECT_EQ(after_it, "value");
}

// start.2
EDDY_TEST(start, throws_what_the_child_fails_with_before_it_is_ready) {
  const auto fails = [](ready_signal<>) -> task<void> { co_await fail_after(1s, "child"); };
  const auto seen = co_await group_endings([&](task_group& g) -> task<void> {
    const auto started = co_await as_result(g.start(fails));
    EXPECT_EQ(ending(started), "child");
    const auto next = co_await ending_of(yield());
    EXPECT_EQ(next, "value") << "the group is not cancelled";
  });
  EXPECT_EQ(seen.group, "value");
}

// start.3
EDDY_TEST(start, throws_when_the_child_ends_without_a_report) {
  const auto seen = co_await group_endings([](task_group& g) -> task<void> {
    const auto silent = [](ready_signal<int>) -> task<void> { co_return; };
    co_await g.start<int>(silent);
  });
  EXPECT_EQ(seen.body, message(errc::not_ready));
  EXPECT_EQ(seen.group, "value");
}

// start.4
TEST(start_death, reporting_ready_twice_stops_the_program) {
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 co_await with_group([](task_group& g) -> task<void> {
                   const auto twice = [](ready_signal<> ready) -> task<void> {
                     ready();
                     ready();
                     co_return;
                   };
                   co_await g.start(twice);
                 });
               }),
               "reported ready twice");
}

// start.5
EDDY_TEST(start, cancels_and_awaits_the_child_of_a_cancelled_caller) {
  std::vector<std::string> log;
  const auto seen = co_await group_endings([&](task_group& g) -> task<void> {
    cancel_scope around;
    auto canceller = spawn(cancel_after(1s, around));
    const auto call = [&](cancel_scope&) -> task<void> {
      const auto slow = [&](ready_signal<>) -> task<void> {
        co_await clean_slowly(1s, "child", log);
      };
      const auto started = co_await as_result(g.start(slow));
      EXPECT_EQ(ending(started), "cancelled (requested)");
      EXPECT_EQ(started.cancellation().text(), "outside");
    };
    co_await with_scope(around, call);
    EXPECT_THAT(log, ElementsAre("child"));
    EXPECT_EQ(now(), time_point(2s));
  });
  EXPECT_EQ(seen.body, "value");
  EXPECT_EQ(seen.group, "value");
}

// start.6
EDDY_TEST(start, throws_what_the_child_of_a_cancelled_caller_fails_with_in_its_cleanup) {
  const auto seen = co_await group_endings([](task_group& g) -> task<void> {
    cancel_scope around;
    auto canceller = spawn(cancel_after(1s, around));
    const auto call = [&](cancel_scope&) -> task<void> {
      const auto fails = [](ready_signal<>) -> task<void> { co_await fail_in_cleanup("cleanup"); };
      co_await g.start(fails);
    };
    co_await with_scope(around, call);
  });
  EXPECT_EQ(seen.body, "cleanup");
  EXPECT_EQ(seen.group, "value");
}

// start.7
EDDY_TEST(start, waits_for_a_shielded_child_of_a_cancelled_caller) {
  std::string next;
  const auto seen = co_await group_endings([&](task_group& g) -> task<void> {
    cancel_scope around;
    auto canceller = spawn(cancel_after(1s, around));
    const auto call = [&](cancel_scope&) -> task<int> {
      const auto shielded = [](ready_signal<int> ready) -> task<void> {
        co_await shield(sleep(5s));
        ready(7);
      };
      const int value = co_await g.start<int>(shielded);
      next = co_await ending_of(yield());
      co_return value;
    };
    const auto value = co_await with_scope(around, call);
    EXPECT_EQ(value, 7);
    EXPECT_EQ(now(), time_point(5s));
  });
  EXPECT_EQ(next, "cancelled (requested)");
  EXPECT_EQ(seen.group, "value");
}

// start.8 start.9
EDDY_TEST(start, runs_the_child_of_a_caller_that_is_cancelled_already) {
  const auto seen = co_await group_endings([](task_group& g) -> task<void> {
    cancel_scope around;
    around.cancel();
    const auto call = [&](cancel_scope&) -> task<void> {
      bool ran = false;
      const auto waits = [&](ready_signal<> ready) -> task<void> {
        ran = true;
        co_await yield();
        ready();
      };
      const auto refused = co_await as_result(g.start(waits));
      EXPECT_EQ(ending(refused), "cancelled (requested)");
      EXPECT_TRUE(ran);
      const auto at_once = [](ready_signal<int> ready) -> task<void> {
        ready(9);
        co_return;
      };
      const int value = co_await g.start<int>(at_once);
      EXPECT_EQ(value, 9);
    };
    const bool finished = co_await with_scope(around, call);
    EXPECT_TRUE(finished);
    const auto next = co_await ending_of(yield());
    EXPECT_EQ(next, "value") << "the group itself is not cancelled";
  });
  EXPECT_EQ(seen.body, "value");
  EXPECT_EQ(seen.group, "value");
}

// start.10
EDDY_TEST(start, leaves_a_failure_after_ready_to_the_group) {
  const auto seen = co_await group_endings([](task_group& g) -> task<void> {
    const auto fails_later = [](ready_signal<> ready) -> task<void> {
      ready();
      co_await fail_after(1s, "later");
    };
    co_await g.start(fails_later);
    co_await sleep(1h);
  });
  EXPECT_EQ(seen.body, "cancelled (sibling failed)");
  EXPECT_EQ(seen.group, "later");
}

// start.11
EDDY_TEST(start, is_out_of_reach_of_a_timeout_once_the_child_is_ready) {
  std::string child;
  co_await with_group([&](task_group& g) -> task<void> {
    const auto serve = [&](ready_signal<> ready) -> task<void> {
      co_await sleep(1s);
      ready();
      child = co_await ending_of(sleep(10s));
    };
    const auto timed = [&]() -> task<void> {
      co_await g.start(serve);
      co_await sleep(1h);
    };
    const auto ended = co_await ending_of(with_timeout(2s, timed()));
    EXPECT_EQ(ended, "timeout");
  });
  EXPECT_EQ(child, "value");
  EXPECT_EQ(now(), time_point(11s));
}

// start.12
EDDY_TEST(start, keeps_the_group_open_until_the_child_is_in_it) {
  task_handle<> starter;
  time_point child_ended;
  co_await with_group([&](task_group& g) -> task<void> {
    const auto serve = [&](ready_signal<> ready) -> task<void> {
      co_await sleep(1s);
      ready();
      co_await sleep(1s);
      child_ended = now();
    };
    starter = spawn([&g, serve]() -> task<void> { co_await g.start(serve); });
    co_await settle();
  });
  EXPECT_EQ(child_ended, time_point(2s));
  co_await starter;
}

// start.12
EDDY_TEST(start, closes_the_group_when_a_pending_child_fails) {
  task_handle<> starter;
  co_await with_group([&](task_group& g) -> task<void> {
    const auto fails = [](ready_signal<>) -> task<void> { co_await fail_after(1s, "pending"); };
    starter = spawn([&g, fails]() -> task<void> { co_await g.start(fails); });
    co_await settle();
  });
  EXPECT_EQ(now(), time_point(1s));
  const auto ended = co_await ending_of(starter);
  EXPECT_EQ(ended, "pending");
}

// --- groups that have ended ---

task<task_group*> keep_an_ended_group() {
  task_group* kept = nullptr;
  const auto body = [&](task_group& g) -> task<void> {
    kept = &g;
    co_return;
  };
  co_await with_group(body);
  co_return kept;
}

// grp.17
TEST(group_death, spawning_into_an_ended_group_stops_the_program) {
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 task_group* ended = co_await keep_an_ended_group();
                 ended->spawn(value_after(1s, 1));
               }),
               "spawned into a group that has ended");
}

// grp.17
TEST(group_death, starting_in_an_ended_group_stops_the_program) {
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 task_group* ended = co_await keep_an_ended_group();
                 const auto body = [](ready_signal<>) -> task<void> { co_return; };
                 co_await with_group([](task_group&) -> task<void> { co_return; });
                 co_await ended->start(body);
               }),
               "started a task in a group that has ended");
}

// grp.21
EDDY_TEST(group, keeps_nothing_of_what_ended_groups_failed_with) {
  const auto witness = std::make_shared<int>(1);
  struct carries : std::exception {
    explicit carries(std::shared_ptr<int> w) : held(std::move(w)) {}
    std::shared_ptr<int> held;
  };
  for (int i = 0; i < 100; ++i) {
    const auto body = [&](task_group& g) -> task<void> {
      g.spawn([&]() -> task<void> {
        throw carries(witness);
        co_return;
      });
      throw carries(witness);
      co_return;
    };
    const auto ended = co_await as_result(with_group(body));
    EXPECT_TRUE(ended.has_error());
  }
  // A task remembers the awaits of the last exception that passed it, and with them the exception.
  const auto other = co_await ending_of(fail_after(0s, "other"));
  EXPECT_EQ(other, "other");
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace eddy
