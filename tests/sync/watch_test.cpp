#include <eddy/sync/watch.hpp>

#include "error_code.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: watch.1 watch.2 watch.3

namespace eddy {
namespace {

using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

EDDY_TEST(watch, wakes_once_for_several_values_and_gives_the_latest) {  // watch.1
  watch<int> w(0);
  std::vector<int> looks;
  auto watcher = spawn([&]() -> task<void> {
    auto seen = w.subscribe();
    for (;;) {
      const int value = co_await seen.changed();
      looks.push_back(value);
    }
  });
  co_await settle();
  EXPECT_EQ(w.statistics().waiters, 1u);
  EXPECT_EQ(w.statistics().receivers, 1u);
  w.set(1);
  w.set(2);
  w.set(3);
  co_await settle();
  EXPECT_THAT(looks, ElementsAre(3));
  w.modify([](int& value) { value *= 10; });
  co_await settle();
  EXPECT_THAT(looks, ElementsAre(3, 30));
  EXPECT_EQ(w.statistics().changes, 4u);
  watcher.cancel();
  co_await settle();
  EXPECT_EQ(w.statistics().receivers, 0u);
}

EDDY_TEST(watch, keeps_what_each_receiver_has_seen) {
  watch<std::string> w("initial");
  auto first = w.subscribe();
  EXPECT_FALSE(first.has_changed());
  EXPECT_EQ(first.get(), "initial");
  w.set("next");
  auto copy = first;
  auto late = w.subscribe();
  EXPECT_TRUE(first.has_changed());
  EXPECT_TRUE(copy.has_changed());
  EXPECT_FALSE(late.has_changed());
  EXPECT_EQ(first.get(), "next");
  EXPECT_FALSE(first.has_changed());
  const std::string value = co_await copy.changed();
  EXPECT_EQ(value, "next");
}

EDDY_TEST(watch, does_not_consume_a_change_when_the_wait_is_cancelled) {  // watch.2
  watch<int> w(0);
  auto seen = w.subscribe();
  auto waiter = spawn([&]() -> task<void> { static_cast<void>(co_await seen.changed()); });
  co_await settle();
  waiter.cancel();
  w.set(1);
  co_await settle();
  EXPECT_EQ(waiter.status(), coro::task_status::cancelled);
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    static_cast<void>(co_await seen.changed());
  });
  EXPECT_FALSE(finished);
  const auto turns = coro::scheduler::require().turns();
  const int value = co_await seen.changed();
  EXPECT_EQ(value, 1);
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
}

EDDY_TEST(watch, waits_until_the_latest_value_will_do) {  // watch.3
  watch<int> w(0);
  auto seen = w.subscribe();
  auto waiter = spawn([&]() -> task<int> {
    co_return co_await seen.wait_for([](int value) { return value >= 10; });
  });
  co_await settle();
  w.set(5);
  co_await settle();
  w.set(12);
  w.set(7);
  co_await settle();
  EXPECT_FALSE(waiter.done()) << "12 was replaced before the task could look";
  w.set(11);
  const int value = co_await waiter;
  EXPECT_EQ(value, 11);
}

EDDY_TEST(watch, does_not_suspend_when_the_value_will_do_already_unless_refused) {  // watch.3
  watch<int> w(3);
  auto seen = w.subscribe();
  const auto turns = coro::scheduler::require().turns();
  const int value = co_await seen.wait_for([](int v) { return v == 3; });
  EXPECT_EQ(value, 3);
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    static_cast<void>(co_await seen.wait_for([](int v) { return v == 3; }));
  });
  EXPECT_FALSE(finished);
}

EDDY_TEST(watch, fails_with_closed_after_the_last_value_was_seen) {  // watch.3
  std::optional<watch<int>> w(0);
  auto seen = w->subscribe();
  auto second = w->subscribe();
  auto waiter = spawn([&]() -> task<void> {
    static_cast<void>(co_await second.wait_for([](int v) { return v == 9; }));
  });
  co_await settle();
  w->set(1);
  w->close();
  EXPECT_EQ(code_thrown_by([&] { w->set(2); }), errc::closed);
  w.reset();
  const int last = co_await seen.changed();
  EXPECT_EQ(last, 1);
  const auto over = co_await as_result(seen.changed());
  EXPECT_EQ(code_of(over), errc::closed);
  const auto does = co_await as_result(seen.wait_for([](int v) { return v == 1; }));
  EXPECT_TRUE(does.has_value());
  auto failed = co_await as_result(waiter);
  EXPECT_EQ(code_of(failed), errc::closed);
  EXPECT_EQ(second.get(), 1);
}

}  // namespace
}  // namespace eddy
