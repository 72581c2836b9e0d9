// Thread calls whose time is scripted: no thread takes part, and virtual time goes on.
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::cancel_everywhere;
using testing::disturbance;
using ::testing::ElementsAre;
using testing::trial;
using testing::virtual_io;
using testing::virtual_options;

duration since_start() { return now().time_since_epoch(); }

virtual_options one_thread() {
  virtual_options options;
  options.threads = 1;
  return options;
}

void take_each(duration length) {
  virtual_io().script_calls([length] { return length; });
}

// clk.5
EDDY_TEST(scripted_call, gives_its_result_at_its_time_on_the_loops_own_thread) {
  take_each(2s);
  bool others_ran = false;
  auto other = spawn([&]() -> task<void> {
    co_await sleep(1s);
    others_ran = true;
  });
  const auto where = co_await to_thread([] { return std::this_thread::get_id(); });
  EXPECT_EQ(since_start(), 2s);
  EXPECT_TRUE(others_ran);
  EXPECT_EQ(where, std::this_thread::get_id());
  const int computed = co_await to_cpu_thread([] { return 7; });
  EXPECT_EQ(computed, 7);
  EXPECT_EQ(since_start(), 4s);
  const auto failed = co_await as_result(to_thread([] { throw std::runtime_error("no"); }));
  EXPECT_TRUE(failed.has_error());
  EXPECT_EQ(since_start(), 6s);
  co_await other;
}

// clk.5
EDDY_TEST(scripted_call,
          arrives_at_once_when_it_takes_no_time_and_before_a_timer_of_the_same_instant) {
  take_each(0s);
  co_await to_thread([] {});
  EXPECT_EQ(since_start(), 0s);
  take_each(1s);
  const bool in_time = co_await move_on_after(1s, to_thread([] {}));
  EXPECT_TRUE(in_time);
}

// clk.5 thr.8
EDDY_TEST_WITH(scripted_call, waits_for_a_place_in_its_pool, one_thread()) {
  take_each(1s);
  std::vector<std::string> log;
  const auto call = [&](int i) -> task<void> {
    co_await to_thread([&log, i] { log.push_back("call " + std::to_string(i)); });
    log.push_back("result " + std::to_string(i) + " at " + std::to_string(since_start() / 1s));
  };
  auto first = spawn(call, 1);
  co_await testing::settle();
  auto second = spawn(call, 2);
  co_await testing::settle();
  auto third = spawn(call, 3);
  co_await testing::settle();
  second.cancel();
  co_await first;
  co_await third;
  EXPECT_THAT(log, ElementsAre("call 1", "result 1 at 1", "call 3", "result 3 at 2"))
      << "the second was cancelled in the queue";
}

// clk.5 thr.4
EDDY_TEST(scripted_call, sees_a_cancellation_that_came_while_it_ran) {
  take_each(2s);
  bool asked_to_stop = false;
  cancel_scope scope;
  const auto body = [&](cancel_scope&) -> task<void> {
    const int value = co_await to_thread([&asked_to_stop](const std::stop_token& stop) {
      asked_to_stop = stop.stop_requested() && is_cancelled();
      return 7;
    });
    EXPECT_EQ(value, 7);
    EXPECT_EQ(since_start(), 2s);
  };
  scope.set_deadline(after(now(), 1s));
  co_await with_scope(scope, body);
  EXPECT_TRUE(asked_to_stop);
  EXPECT_TRUE(scope.cancel_called());
}

// clk.5 thr.7
EDDY_TEST_WITH(scripted_call, keeps_its_place_when_it_is_abandoned, one_thread()) {
  take_each(2s);
  int calls = 0;
  const bool waited = co_await move_on_after(1s, to_thread(abandon_on_cancel, [&] { ++calls; }));
  EXPECT_FALSE(waited);
  EXPECT_EQ(since_start(), 1s);
  co_await to_thread([&] { ++calls; });
  EXPECT_EQ(since_start(), 4s);
  EXPECT_EQ(calls, 2);
}

// clk.5 thr.9
TEST(scripted_call, is_made_in_the_end_although_nobody_waits_for_it) {
  int calls = 0;
  testing::run_virtual([&]() -> task<void> {
    take_each(1h);
    const bool waited = co_await move_on_after(1s, to_thread(abandon_on_cancel, [&] { ++calls; }));
    EXPECT_FALSE(waited);
    EXPECT_EQ(calls, 0);
  });
  EXPECT_EQ(calls, 1);
}

const task_local<int> level(0);

// clk.5 ctx.5
EDDY_TEST(scripted_call, has_the_task_locals_of_its_submission_and_leaves_others_alone) {
  take_each(1s);
  const auto bound = level.bind(3);
  auto other = spawn([]() -> task<void> {
    const auto own = level.bind(4);
    co_await sleep(2s);
    EXPECT_EQ(*level, 4);
  });
  const int seen = co_await to_thread([] { return *level; });
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(*level, 3);
  co_await other;
}

// clk.5
EDDY_TEST(scripted_call, goes_to_a_thread_again_without_a_script) {
  take_each(1s);
  virtual_io().script_calls({});
  const auto where = co_await to_thread([] { return std::this_thread::get_id(); });
  EXPECT_NE(where, std::this_thread::get_id());
  EXPECT_EQ(since_start(), 0s);
}

// clk.5 clk.6
TEST(scripted_call, has_ended_or_never_began_wherever_it_is_cancelled) {
  testing::everywhere_options options;
  options.run = one_thread();
  cancel_everywhere(
      [](trial& t) -> task<void> {
        take_each(1s);
        int calls = 0;
        auto before = spawn([&]() -> task<void> { co_await to_thread([&] { ++calls; }); });
        co_await testing::settle();
        const auto body = [&]() -> task<void> {
          co_await to_thread([&] { ++calls; });
          co_await to_cpu_thread([&] { ++calls; });
        };
        const auto ended = co_await t.expose(body());
        if (t.kind() == disturbance::none) {
          EXPECT_TRUE(ended.has_value());
        }
        co_await before;
        const int made = calls;
        co_await sleep(10s);
        EXPECT_EQ(calls, made);
      },
      options);
}

}  // namespace
}  // namespace eddy
