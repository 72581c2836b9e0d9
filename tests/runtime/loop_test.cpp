#include <eddy/runtime/loop.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/future.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::error_recorder;
using ::testing::HasSubstr;
using testing::settle;
using testing::virtual_options;

virtual_options production_order() {
  virtual_options options;
  options.shuffle = false;
  return options;
}

std::uint64_t turns() { return coro::scheduler::require().turns(); }

// loop.1 loop.12
EDDY_TEST(loop, runs_posted_callbacks_in_order_and_not_inline) {
  std::vector<int> order;
  for (const int i : {1, 2, 3}) post([&order, i] { order.push_back(i); });
  EXPECT_TRUE(order.empty());
  co_await settle();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

// loop.2
EDDY_TEST(loop, runs_what_a_callback_posts_in_the_next_turn) {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  post([&] {
    first = turns();
    post([&] { second = turns(); });
  });
  co_await settle();
  EXPECT_GT(first, 0U);
  EXPECT_GT(second, first);
}

// loop.3
EDDY_TEST(loop, serves_timers_and_posts_beside_a_task_that_yields_for_ever) {
  bool fired = false;
  bool posted = false;
  auto yielding = spawn([]() -> task<void> {
    for (;;) co_await yield();
  });
  auto sleeper = spawn([&]() -> task<void> {
    co_await sleep(0s);
    fired = true;
  });
  const auto to = current_loop();
  std::jthread([&] { to.post([&] { posted = true; }); }).join();
  for (int i = 0; i < 100; ++i) co_await yield();
  EXPECT_TRUE(fired);
  EXPECT_TRUE(posted);
  yielding.cancel();
}

// loop.4
EDDY_TEST(loop, lets_others_run_beside_a_task_whose_operations_complete_at_once) {
  promise<int> ready;
  ready.set_value(1);
  const auto f = ready.get_future();
  bool other_ran = false;
  auto other = spawn([&]() -> task<void> {
    other_ran = true;
    co_return;
  });
  int rounds = 0;
  while (!other_ran && rounds < 10'000) {
    const int value = co_await f;
    rounds += value;
  }
  EXPECT_TRUE(other_ran);
  EXPECT_LT(rounds, 10'000);
}

// loop.5
EDDY_TEST_WITH(loop, fires_timers_of_one_deadline_in_order_of_registration, production_order()) {
  std::vector<int> order;
  const auto wait = [&](int i) -> task<void> {
    co_await sleep_until(time_point(1s));
    order.push_back(i);
  };
  for (int i = 0; i < 12; ++i) spawn(wait, i);
  co_await sleep(2s);
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

// loop.6 loop.7
EDDY_TEST(loop, takes_a_turn_for_a_sleep_of_zero_or_less) {
  for (const auto length : {0s, -5s}) {
    int others_ran = 0;
    for (int i = 0; i < 10; ++i) {
      spawn([&]() -> task<void> {
        ++others_ran;
        co_return;
      });
    }
    const auto before = turns();
    co_await sleep(length);
    EXPECT_EQ(others_ran, 10);
    EXPECT_GT(turns(), before);
    EXPECT_LE(turns(), before + 2);
    EXPECT_EQ(now(), time_point());
  }
}

// loop.8
EDDY_TEST(loop, refuses_a_duration_that_is_not_a_number) {
  EXPECT_THROW(static_cast<void>(sleep(std::chrono::duration<double>(std::nan("")))), error);
  EXPECT_EQ(coro::scheduler::require().timers().size(), 0U);
  co_return;
}

// loop.9
EDDY_TEST(loop, does_not_spin_through_rounding) {
  const auto before = turns();
  using milliseconds = std::chrono::duration<double, std::milli>;
  for (const double ms : {10.0, 1.0, 0.1, 0.001, 0.0000001}) co_await sleep(milliseconds(ms));
  EXPECT_LE(turns() - before, 20U);
}

// loop.13
EDDY_TEST(loop, loses_none_of_many_posts_and_keeps_their_order) {
  std::vector<int> order;
  promise<> all;
  const auto to = current_loop();
  auto& driver = testing::virtual_io();
  driver.expect_wake(true);
  std::jthread poster([&] {
    for (int i = 0; i < 1000; ++i) {
      to.post([&, i] {
        order.push_back(i);
        if (i == 999) all.set_value();
      });
    }
  });
  co_await all.get_future();
  driver.expect_wake(false);
  EDDY_REQUIRE(order.size() == 1000);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

// loop.14
EDDY_TEST(loop, reports_a_callback_that_throws_with_its_place_and_goes_on) {
  error_recorder recorder;
  bool next_ran = false;
  post([] { throw std::runtime_error("callback"); });
  post([&] { next_ran = true; });
  co_await settle();
  EXPECT_TRUE(next_ran);
  const auto reports = recorder.take();
  EDDY_REQUIRE(reports.size() == 1);
  EXPECT_THAT(reports.front().where.file_name(), HasSubstr("loop_test.cpp"));
  EXPECT_THAT(describe_exception(reports.front().error), HasSubstr("callback"));
}

// loop.15
EDDY_TEST(loop, goes_on_when_the_error_hook_throws) {
  coro::scheduler::require().set_error_hook(
      [](const failure_report&) { throw std::runtime_error("hook"); });
  ::testing::internal::CaptureStderr();
  post([] { throw std::runtime_error("callback"); });
  co_await settle();
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr("callback"));
  EXPECT_THAT(written, HasSubstr("hook"));
}

// loop.11
EDDY_TEST(loop, wakes_for_a_foreign_post_while_it_sleeps) {
  promise<std::thread::id> ran_on;
  const auto to = current_loop();
  auto& driver = testing::virtual_io();
  driver.expect_wake(true);  // so the loop sleeps for real until the post
  std::jthread poster([&] { to.post([&] { ran_on.set_value(std::this_thread::get_id()); }); });
  const auto where = co_await ran_on.get_future();
  driver.expect_wake(false);
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_EQ(now(), time_point());
}

// loop.16
template <class Fn>
concept can_be_posted = requires(Fn fn) { post(fn); };

TEST(loop, takes_no_callable_that_gives_a_task) {
  const auto callback = [] {};
  const auto gives_a_value = [] { return 1; };
  const auto gives_a_task = []() -> task<void> { co_return; };
  const auto gives_an_operation = [] { return yield(); };
  EXPECT_TRUE(can_be_posted<decltype(callback)>);
  EXPECT_TRUE(can_be_posted<decltype(gives_a_value)>);
  EXPECT_FALSE(can_be_posted<decltype(gives_a_task)>);
  EXPECT_FALSE(can_be_posted<decltype(gives_an_operation)>);
}

// loop.17
EDDY_TEST(loop, runs_no_other_task_between_a_call_and_its_first_step) {
  bool other_ran = false;
  auto other = spawn([&]() -> task<void> {
    other_ran = true;
    co_return;
  });
  const auto step = [&]() -> task<bool> { co_return other_ran; };
  const bool before = co_await step();
  EXPECT_FALSE(before);
  EXPECT_FALSE(other_ran);
  co_await other;
  EXPECT_TRUE(other_ran);
}

// loop.18
EDDY_TEST(loop, destroys_the_arguments_of_a_task_that_never_starts_once) {
  const error_recorder dropping_it_is_reported_in_debug_builds;
  auto argument = std::make_shared<int>(1);
  bool ran = false;
  const auto body = [&](std::shared_ptr<int>) -> task<void> {
    ran = true;
    co_return;
  };
  {
    const auto unstarted = body(argument);
    EXPECT_EQ(argument.use_count(), 2);
  }
  EXPECT_EQ(argument.use_count(), 1);
  EXPECT_FALSE(ran);
  co_return;
}

}  // namespace
}  // namespace eddy
