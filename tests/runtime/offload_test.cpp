// to_thread and to_cpu_thread: real threads under a loop whose clock stands still while they work.
#include <eddy/runtime/offload.hpp>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/run.hpp>

namespace {

using namespace std::chrono_literals;

template <class T>
T run_main(eddy::task<T> main, std::size_t threads = 0,
           std::vector<eddy::failure_report>* reports = nullptr, eddy::duration shutdown = 10s) {
  eddy::run_options options;
  options.handle_signals = false;
  options.threads = threads;
  options.thread_shutdown = shutdown;
  if (reports != nullptr) {
    options.on_error = [reports](const eddy::failure_report& r) { reports->push_back(r); };
  }
  return eddy::run(std::move(main), options);
}

eddy::task<void> results_of_all_kinds() {
  const auto loop_thread = std::this_thread::get_id();
  const auto other = co_await eddy::to_thread([] { return std::this_thread::get_id(); });
  EXPECT_NE(other, loop_thread);
  EXPECT_EQ(co_await eddy::to_thread([](int a, int b) { return a + b; }, 40, 2), 42);
  auto owned =
      co_await eddy::to_thread([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(7));
  EXPECT_EQ(*owned, 7);
  int target = 0;
  int& same = co_await eddy::to_thread([&]() -> int& { return target; });
  EXPECT_EQ(&same, &target);
  EXPECT_THROW(co_await eddy::to_thread([] { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_THROW(co_await eddy::to_thread([]() -> int { throw 5; }), int);
  EXPECT_EQ(co_await eddy::to_cpu_thread([] { return 1; }), 1);
}

// thr.1
TEST(offload, delivers_results_and_failures_of_any_type) { run_main(results_of_all_kinds()); }

eddy::task<bool> refused() {
  bool called = false;
  co_await eddy::with_scope([&](eddy::cancel_scope& s) -> eddy::task<void> {
    s.cancel();
    co_await eddy::to_thread([&] { called = true; });
  });
  co_return called;
}

// thr.2
TEST(offload, does_not_call_in_a_cancelled_scope) { EXPECT_FALSE(run_main(refused())); }

eddy::task<bool> cancelled_while_queued() {
  std::latch go(1);
  bool called = false;
  auto blocker =
      eddy::spawn([&]() -> eddy::task<void> { co_await eddy::to_thread([&] { go.wait(); }); });
  co_await eddy::yield();
  auto queued =
      eddy::spawn([&]() -> eddy::task<void> { co_await eddy::to_thread([&] { called = true; }); });
  co_await eddy::yield();
  co_await eddy::yield();
  queued.cancel();
  const auto ended =
      co_await eddy::as_result(std::move(queued));  // ends although the pool is taken
  EXPECT_TRUE(ended.has_error());
  go.count_down();
  co_await blocker;
  co_return called;
}

// thr.3
TEST(offload, a_call_cancelled_while_queued_never_runs) {
  EXPECT_FALSE(run_main(cancelled_while_queued(), 1));
}

eddy::task<void> cancelled_while_running() {
  std::latch started(1);
  eddy::cancel_scope scope;
  int value = 0;
  bool went_on = false;
  auto canceller = eddy::spawn([&]() -> eddy::task<void> {
    co_await eddy::to_thread([&] { started.wait(); });
    scope.cancel();
  });
  auto body = [&](eddy::cancel_scope&) -> eddy::task<void> {
    value = co_await eddy::to_thread([&](std::stop_token stop) {
      started.count_down();
      while (!stop.stop_requested()) std::this_thread::yield();
      return 42;
    });
    co_await eddy::yield();
    went_on = true;
  };
  const bool finished = co_await eddy::with_scope(scope, body);
  EXPECT_FALSE(finished);
  EXPECT_EQ(value, 42);
  EXPECT_FALSE(went_on);
  co_await canceller;
}

// thr.4
TEST(offload, a_running_call_is_asked_to_stop_and_its_result_counts) {
  run_main(cancelled_while_running());
}

eddy::task<void> checks_in_the_call() {
  std::latch started(1);
  eddy::cancel_scope scope;
  auto canceller = eddy::spawn([&]() -> eddy::task<void> {
    co_await eddy::to_thread([&] { started.wait(); });
    scope.cancel(eddy::cancel_reason::overload, "too much");
  });
  auto body = [&](eddy::cancel_scope&) -> eddy::task<void> {
    co_await eddy::to_thread([&] {
      started.count_down();
      for (;;) {
        eddy::throw_if_cancelled();
        std::this_thread::yield();
      }
    });
  };
  const bool finished = co_await eddy::with_scope(scope, body);
  EXPECT_FALSE(finished);
  EXPECT_TRUE(scope.cancelled_caught());
  co_await canceller;
}

// thr.5
TEST(offload, a_call_that_checks_ends_with_the_scopes_cancellation) {
  run_main(checks_in_the_call());
}

eddy::task<void> slow_under_a_timeout() {
  std::latch started(1);
  std::latch expired(1);
  eddy::cancel_scope scope;
  auto clock = eddy::spawn([&]() -> eddy::task<void> {
    co_await eddy::to_cpu_thread([&] { started.wait(); });
    scope.set_deadline(eddy::now());
    expired.count_down();
  });
  int value = 0;
  auto body = [&](eddy::cancel_scope&) -> eddy::task<void> {
    value = co_await eddy::to_thread([&] {
      started.count_down();
      expired.wait();
      return 3;
    });
  };
  const bool finished = co_await eddy::with_scope(scope, body);
  EXPECT_TRUE(finished);
  EXPECT_EQ(scope.reason(), eddy::cancel_reason::timeout);
  EXPECT_EQ(value, 3);
  co_await clock;
}

// thr.6
TEST(offload, a_timeout_around_a_call_that_ignores_it_gives_its_value_late) {
  run_main(slow_under_a_timeout());
}

eddy::task<void> abandoned(std::latch& go) {
  std::latch started(1);
  auto caller = eddy::spawn([&]() -> eddy::task<void> {
    co_await eddy::to_thread(eddy::abandon_on_cancel, [&started, &go] {
      started.count_down();
      go.wait();
    });
  });
  co_await eddy::to_cpu_thread([&] { started.wait(); });
  caller.cancel();
  const auto ended = co_await eddy::as_result(caller.awaiting());
  EXPECT_TRUE(ended.has_error());
  auto& pool = eddy::runtime::loop::current().threads();
  EXPECT_EQ(pool.abandoned(), 1u);
  EXPECT_EQ(pool.outstanding(), 0u);
  // Its place in the pool of one stays taken: a further call has to wait.
  const bool ran = co_await eddy::move_on_after(5ms, eddy::to_thread([] {}));
  EXPECT_FALSE(ran);
}

// thr.7
TEST(offload, an_abandoned_call_runs_on_and_keeps_its_place) {
  std::latch go(1);
  auto then_let_it_end = [&]() -> eddy::task<void> {
    co_await abandoned(go);
    go.count_down();
    co_await eddy::to_thread([] {});  // the place is free again
  };
  run_main(then_let_it_end(), 1);
}

// thr.8
eddy::task<void> at_most(std::atomic<int>& running, std::atomic<int>& most, int callers) {
  std::vector<eddy::task<void>> calls;
  for (int i = 0; i < callers; ++i) {
    calls.push_back([](std::atomic<int>& now, std::atomic<int>& high) -> eddy::task<void> {
      co_await eddy::to_thread([&] {
        const int level = ++now;
        int seen = high;
        while (seen < level && !high.compare_exchange_weak(seen, level)) {
        }
        std::this_thread::yield();
        --now;
      });
    }(running, most));
  }
  co_await eddy::gather(std::move(calls));
}

TEST(offload, never_runs_more_calls_than_the_limit) {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  run_main(at_most(running, most, 64), 4);
  EXPECT_LE(most, 4);
  EXPECT_EQ(running, 0);
}

// thr.9
TEST(offload, the_end_waits_for_abandoned_calls_up_to_a_limit_and_reports_them) {
  // Used by a thread that outlives this test's run.
  static std::vector<std::unique_ptr<std::latch>> kept;
  std::latch& go = *kept.emplace_back(std::make_unique<std::latch>(1));
  std::vector<eddy::failure_report> reports;
  auto main = [&]() -> eddy::task<void> { co_await abandoned(go); };
  run_main(main(), 1, &reports, 10ms);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports.front().message.find("1 abandoned"), std::string::npos);
  go.count_down();
}

// ctx.5
TEST(offload, a_call_sees_the_task_locals_of_its_submission) {
  static const eddy::task_local<int> number(1);
  auto main = []() -> eddy::task<int> {
    const auto bound = number.bind(5);
    co_return co_await eddy::to_thread([] {
      const int seen = number.get();
      number.set(6);
      return seen;
    }) * 10 +
        number.get();
  };
  EXPECT_EQ(run_main(main()), 55);
}

}  // namespace
