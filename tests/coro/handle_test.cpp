#include <eddy/coro/handle.hpp>

#include "recorded.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/future.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using testing::error_recorder;
using ::testing::HasSubstr;
using testing::settle;

std::string cancelled_task() { return make_error_code(errc::task_cancelled).message(); }

// --- tasks and handles: task.1 to task.22 ---

// task.1 task.2
EDDY_TEST(task_handle, gives_the_value_or_the_same_error_each_time_to_each_awaiter) {
  auto good = spawn(value_after(1s, 42));
  auto bad = spawn([]() -> task<int> {
    throw named_error("first step");
    co_return 0;
  });
  std::vector<std::string> endings;
  const auto wait = [&]() -> task<void> {
    const int value = co_await good;
    EXPECT_EQ(value, 42);
    const auto failed = co_await as_result(bad);
    endings.push_back(ending(failed));
  };
  co_await with_group([&](task_group& g) -> task<void> {
    g.spawn(wait);
    g.spawn(wait);
    co_return;
  });
  co_await wait();
  EXPECT_THAT(endings, ElementsAre("first step", "first step", "first step"));
}

// task.3
EDDY_TEST(task_handle, dropped_lets_the_task_run_on_and_its_failure_is_reported_once) {
  error_recorder recorder;
  bool ran = false;
  {
    auto dropped = spawn([&]() -> task<void> {
      co_await sleep(1s);
      ran = true;
      throw named_error("unobserved");
    });
  }
  co_await sleep(2s);
  EXPECT_TRUE(ran);
  const auto reports = recorder.take();
  EDDY_REQUIRE(reports.size() == 1);
  EXPECT_EQ(names_of(reports.front().error), "unobserved");
}

// task.4 task.7 task.8
EDDY_TEST(task_handle, cancels_its_task_once_with_reason_text_and_place) {
  std::vector<std::string> log;
  auto victim = spawn([&]() -> task<void> {
    const auto ended = co_await as_result(sleep(1h));
    log.push_back(ending(ended) + " " + ended.cancellation().text());
    EXPECT_THAT(ended.cancellation().where().file_name(), HasSubstr("handle_test.cpp"));
    co_await shield(sleep(1s));
    co_await yield();
  });
  co_await settle();
  EXPECT_TRUE(victim.cancel(cancel_reason::overload, "why"));
  EXPECT_FALSE(victim.cancel(cancel_reason::requested, "again"));
  EXPECT_FALSE(victim.done());
  const auto ended = co_await as_result(victim);
  EXPECT_EQ(ending(ended), cancelled_task());
  EXPECT_TRUE(victim.done());
  EXPECT_FALSE(victim.cancel());
  EXPECT_EQ(victim.status(), coro::task_status::cancelled);
  EXPECT_THAT(log, ElementsAre("cancelled (overload) why"));
}

// task.5 task.6
EDDY_TEST(task_handle, cancelled_before_the_first_step_still_starts_its_task) {
  bool started = false;
  auto argument = std::make_shared<int>(1);
  auto refused = spawn(
      [&](std::shared_ptr<int>) -> task<void> {
        started = true;
        co_await yield();
      },
      argument);
  auto completes = spawn([]() -> task<int> { co_return 5; });
  EXPECT_EQ(argument.use_count(), 2);
  refused.cancel();
  completes.cancel();
  const auto ended = co_await as_result(refused);
  EXPECT_TRUE(started);
  EXPECT_EQ(ending(ended), cancelled_task());
  EXPECT_EQ(argument.use_count(), 1);
  const int value = co_await completes;
  EXPECT_EQ(value, 5);
}

// task.9 task.10 task.11
EDDY_TEST(task_handle, shows_what_the_task_made_of_its_cancellation) {
  auto itself = spawn([]() -> task<std::string> {
    current_task().cancel();
    co_return co_await ending_of(yield());
  });
  const std::string at_once = co_await itself;
  EXPECT_EQ(at_once, "cancelled (requested)");
  auto throws_another = spawn(fail_in_cleanup("another"));
  co_await settle();
  throws_another.cancel();
  const auto ended = co_await as_result(throws_another);
  EXPECT_EQ(ending(ended), "another");
}

struct noted {
  std::vector<std::string>& log;
  std::string name;
  noted(std::vector<std::string>& l, std::string n) : log(l), name(std::move(n)) {}
  noted(const noted&) = delete;
  noted& operator=(const noted&) = delete;
  ~noted() { log.push_back(name); }
};

// task.12
EDDY_TEST(task_handle, cancelled_deep_in_a_chain_destroys_locals_innermost_first) {
  std::vector<std::string> log;
  const auto c = [&]() -> task<void> {
    const noted local(log, "c");
    co_await sleep(1h);
  };
  const auto b = [&]() -> task<void> {
    const noted local(log, "b");
    co_await c();
  };
  auto a = spawn([&]() -> task<void> {
    const noted local(log, "a");
    co_await b();
  });
  co_await settle();
  a.cancel();
  const auto ended = co_await as_result(a);
  log.push_back("awaiter");
  EXPECT_THAT(log, ElementsAre("c", "b", "a", "awaiter"));
}

// task.13 task.14
EDDY_TEST(task_handle, separates_the_wait_from_the_task) {
  auto b = spawn(value_after(1h, 1));
  auto a = spawn(as_result(b));
  auto other = spawn(as_result(b));
  co_await settle();
  a.cancel();
  co_await settle();
  EXPECT_TRUE(a.done());
  EXPECT_FALSE(b.done());
  EXPECT_FALSE(other.done());
  b.cancel(cancel_reason::requested, "enough");
  const auto& ended = co_await other;
  EXPECT_EQ(ending(ended), cancelled_task());
  EXPECT_EQ(other.status(), coro::task_status::succeeded);
}

// task.15 task.16
TEST(task_death, misuse_stops_the_program) {
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 task_handle<void> self;
                 self = spawn([&]() -> task<void> { co_await self; });
                 co_await sleep(1s);
               }),
               "its own handle");
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 auto once = value_after(1s, 1);
                 const int value = co_await std::move(once);
                 EXPECT_EQ(value, 1);
                 const int again = co_await std::move(once);
                 EXPECT_EQ(again, 1);
               }),
               "awaited twice");
}

// task.17
EDDY_TEST(task_handle, of_the_current_task_is_always_the_right_one) {
  const auto self = current_task();
  any_task_handle seen;
  auto child = spawn([&]() -> task<void> {
    seen = current_task();
    co_await sleep(1s);
  });
  EXPECT_EQ(current_task(), self);
  co_await settle();
  EXPECT_EQ(seen.id(), child.id());
  EXPECT_EQ(all_tasks().size(), 2U);
  bool none = false;
  post([&] { none = !current_task(); });
  co_await child;
  EXPECT_TRUE(none);
  EXPECT_EQ(all_tasks().size(), 1U);
}

// task.18
EDDY_TEST(task_handle, has_a_name) {
  auto a = spawn(value_after(1s, 1));
  auto b = spawn(value_after(1s, 1));
  auto c = spawn(value_after(1s, 1), {.name = "pump"});
  EXPECT_NE(a.name(), b.name());
  EXPECT_EQ(c.name(), "pump");
  EXPECT_THAT(task_tree(), HasSubstr("pump"));
  co_await c;
}

// task.19
EDDY_TEST(task_handle, kept_keeps_the_result_and_not_the_locals) {
  auto resource = std::make_shared<int>(1);
  auto handle = spawn([resource]() -> task<int> {
    auto copy = resource;
    co_await sleep(1s);
    co_return *copy;
  });
  EXPECT_EQ(resource.use_count(), 2);
  const int value = co_await handle;
  EXPECT_EQ(value, 1);
  EXPECT_EQ(resource.use_count(), 1);
}

// task.21
EDDY_TEST(task_handle, keeps_callable_and_arguments_alive) {
  std::string by_reference = "a";
  task_handle<std::string> handle;
  {
    std::string captured(100, 'c');
    auto join = [captured](std::string argument, std::string& reference) -> task<std::string> {
      co_await sleep(1s);
      reference += "b";
      co_return captured + argument;
    };
    handle = spawn(std::move(join), std::string(100, 'd'), std::ref(by_reference));
  }
  const std::string& joined = co_await handle;
  EXPECT_EQ(joined, std::string(100, 'c') + std::string(100, 'd'));
  EXPECT_EQ(by_reference, "ab");
}

task<int> chain(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await chain(depth - 1);
  co_return below + 1;
}

// task.22
EDDY_TEST(task, awaits_a_chain_of_a_hundred_thousand_in_constant_stack) {
  const int depth = co_await chain(100'000);
  EXPECT_EQ(depth, 100'000);
}

// --- futures: fut.1 to fut.10 ---

// fut.1 fut.2 fut.4
EDDY_TEST(future, resumes_its_waiters_in_order_of_arrival_through_the_queue) {
  promise<std::string> p;
  std::vector<const std::string*> seen;
  const auto wait = [&]() -> task<void> {
    const std::string& value = co_await p.get_future();
    seen.push_back(&value);
  };
  for (int i = 0; i < 3; ++i) spawn(wait);
  co_await settle();
  p.set_value("x");
  EXPECT_TRUE(seen.empty()) << "resumed inside set_value";
  co_await settle();
  EDDY_REQUIRE(seen.size() == 3);
  EXPECT_EQ(seen[0], seen[2]);
  const auto turns = coro::scheduler::require().turns();
  const std::string& again = co_await p.get_future();
  EXPECT_EQ(again, "x");
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
}

// fut.3 fut.5 fut.6
EDDY_TEST(future, is_set_once_and_broken_when_its_promise_is_gone) {
  promise<int> p;
  p.set_exception(std::make_exception_ptr(named_error("set")));
  EXPECT_FALSE(p.try_set_value(1));
  EXPECT_THROW(p.set_value(1), error);
  for (int i = 0; i < 2; ++i) {
    const auto ended = co_await as_result(p.get_future());
    EXPECT_EQ(ending(ended), "set");
  }
  future<int> orphan;
  {
    promise<int> gone;
    orphan = gone.get_future();
  }
  const auto broken = co_await as_result(orphan);
  EXPECT_EQ(ending(broken), make_error_code(errc::broken_promise).message());
}

// fut.7 fut.8 fut.9
EDDY_TEST(future, keeps_its_value_for_others_when_a_waiter_is_cancelled) {
  promise<int> p;
  auto waiter = spawn(as_result(p.get_future()));
  auto other = spawn(as_result(p.get_future()));
  co_await settle();
  waiter.cancel();
  auto moved = std::move(p);
  moved.set_value(42);
  const auto& cancelled = co_await waiter;
  EXPECT_EQ(ending(cancelled), "cancelled (requested)");
  const auto& value = co_await other;
  EXPECT_EQ(ending(value), "value");
  const auto f = moved.get_future();
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    const std::string refused = co_await ending_of(f);
    EXPECT_EQ(refused, "cancelled (requested)");
  });
  const int kept = co_await f;
  EXPECT_EQ(kept, 42);
}

// fut.10
EDDY_TEST(future, reports_an_error_that_nobody_observed) {
  error_recorder recorder;
  {
    promise<int> p;
    p.set_exception(std::make_exception_ptr(named_error("unseen")));
  }
  EXPECT_EQ(recorder.take().size(), 1U);
  {
    promise<int> p;
    p.set_exception(std::make_exception_ptr(named_error("seen")));
    const auto ended = co_await as_result(p.get_future());
    EXPECT_EQ(ending(ended), "seen");
  }
  EXPECT_EQ(recorder.count(), 0U);
}

}  // namespace
}  // namespace eddy
