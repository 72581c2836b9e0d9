// Groups, shields, cleanups, races and time limits whose parts begin, end, fail and are cancelled at the same instants:
// whatever the order, every cleanup runs once and nothing outlives what owns it.
#include "storm.hpp"

#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using tests::draw;
using tests::some_seconds;
using tests::storm;

constexpr int rounds = 20;
constexpr int tasks = 30;

/// What the tasks of a storm have done.
struct ledger {
  int entered = 0;
  int left = 0;
  int cleanups = 0;
  int finished_cleanups = 0;
};

/// Counts who is inside.
class visit {
 public:
  explicit visit(ledger& in) : in_(in) { ++in_.entered; }
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;
  ~visit() { ++in_.left; }

 private:
  ledger& in_;
};

task<void> nap(ledger& notes) {
  const visit here(notes);
  co_await sleep(some_seconds(2));
  if (draw(8) == 0) throw std::runtime_error("fails");
}

task<void> nap_and_clean_up(ledger& notes) {
  auto clean = [&notes]() -> task<void> {
    ++notes.cleanups;
    co_await sleep(some_seconds(1));
    ++notes.finished_cleanups;
  };
  co_await finally(nap(notes), clean);
}

/// A member that, when it ends, spawns another into its group: which may be closing by then.
task<void> nap_and_hand_on(task_group& group, ledger& notes) {
  const auto ended = co_await as_result(nap(notes));
  group.spawn(nap(notes));
  if (ended.is_cancelled()) throw cancelled(ended.cancellation());
}

task<void> use_a_group(ledger& notes) {
  auto body = [&](task_group& group) -> task<void> {
    const visit here(notes);
    group.spawn(nap_and_clean_up(notes));
    group.spawn(nap_and_hand_on, std::ref(group), std::ref(notes));
    group.spawn([&notes]() -> task<void> { co_await shield(nap(notes)); });
    co_await sleep(some_seconds(2));
    if (draw(3) == 0) group.cancel();
    if (draw(6) == 0) throw std::runtime_error("the body fails");
  };
  co_await with_group(body);
}

task<void> use_a_race(ledger& notes) {
  co_await race(nap_and_clean_up(notes), nap(notes), sleep(2s));
}

task<void> use_limits(ledger& notes) {
  const time_point at = after(now(), 1s);
  const auto inner = [&]() -> task<void> { co_await with_deadline(at, nap_and_clean_up(notes)); };
  co_await move_on_at(at, inner());
  co_await gather(move_on_after(1s, shield(nap(notes))), move_on_after(1s, nap(notes)));
}

EDDY_TEST(storm, runs_every_cleanup_once_and_leaves_nothing_running) {
  const testing::error_recorder failures_of_losers;
  for (int round = 0; round < rounds; ++round) {
    ledger notes;
    const auto use = [&](int number) -> task<void> {
      try {
        if (number % 3 == 0) co_await use_a_group(notes);
        if (number % 3 == 1) co_await use_a_race(notes);
        if (number % 3 == 2) co_await use_limits(notes);
      } catch (const std::exception&) {
      }
    };
    co_await storm(tasks, use);
    EXPECT_EQ(notes.entered, notes.left);
    EXPECT_GT(notes.cleanups, 0);
    EXPECT_EQ(notes.cleanups, notes.finished_cleanups);
    EXPECT_TRUE(coro::scheduler::require().timers().empty());
  }
}

EDDY_TEST(same_instant, a_value_a_failure_and_a_time_limit_give_one_outcome) {
  for (int first = 0; first < 3; ++first) {
    promise<int> made;
    const auto wait = [&]() -> task<int> { co_return co_await made.get_future(); };
    auto waiting = spawn([&]() -> task<int> { co_return co_await with_timeout(2s, wait()); });
    co_await settle();
    co_await sleep(1s);
    if (first == 0) made.set_value(7);
    if (first == 1) made.set_exception(std::make_exception_ptr(std::logic_error("no")));
    waiting.cancel();
    if (first == 2) made.set_value(7);
    const auto ended = co_await as_result(waiting);
    EXPECT_EQ(ended.has_value(), first == 0);
    const bool failed = ended.has_error() && holds_exception<std::logic_error>(ended.error());
    EXPECT_EQ(failed, first == 1);
    EXPECT_EQ(waiting.status() == coro::task_status::cancelled, first == 2);
  }
}

EDDY_TEST(same_instant, a_shielded_child_that_ends_as_its_parent_is_cancelled_is_awaited) {
  bool ended = false;
  auto parent = spawn([&]() -> task<void> {
    co_await with_group([&](task_group& group) -> task<void> {
      group.spawn([&]() -> task<void> {
        co_await shield(sleep(1s));
        ended = true;
      });
      co_await sleep(1h);
    });
  });
  co_await sleep(1s);
  parent.cancel();
  const auto gone = co_await as_result(parent);
  EXPECT_TRUE(gone.has_error());
  EXPECT_TRUE(ended);
  EXPECT_EQ(now(), time_point(1s));
}

EDDY_TEST(same_instant, a_cleanup_is_cancelled_by_its_own_grace_only) {
  const testing::error_recorder reports;
  int steps = 0;
  auto work = spawn([&]() -> task<void> {
    auto clean = [&]() -> task<void> {
      co_await sleep(1s);
      ++steps;
      co_await sleep(1s);  // its grace ends here
      ++steps;
      co_await sleep(1s);
      ++steps;
    };
    co_await finally(sleep(1h), clean, 2s);
  });
  co_await settle();
  work.cancel();
  co_await sleep(1s);
  work.cancel();
  const auto ended = co_await as_result(work);
  EXPECT_TRUE(ended.has_error());
  EXPECT_EQ(work.status(), coro::task_status::cancelled);
  EXPECT_GE(steps, 1);
  EXPECT_LT(steps, 3);
  EXPECT_EQ(reports.count(), 1u);
}

}  // namespace
}  // namespace eddy
