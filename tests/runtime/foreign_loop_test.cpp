// What belongs to a loop is used on another thread: debug builds stop the program where the mistake would corrupt the
// loop.
#include <thread>

#include <gtest/gtest.h>

#include <eddy/base/check.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/queue.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;

constexpr auto other_thread = "used on another thread than its loop's: use post";
constexpr auto other_loop = "a task was spawned into a group of another loop";

/// `action` on a thread of its own, while the loop waits for its end by blocking.
template <class Action>
void on_another_thread(Action action) {
  std::thread(std::move(action)).join();
}

task<void> set_on_another_thread() {
  event happened;
  auto waiter = spawn([&]() -> task<void> { co_await happened.wait(); });
  co_await sleep(1ms);
  on_another_thread([&] { happened.set(); });
  co_await waiter;
}

task<void> put_on_another_loop() {
  queue<int> items(1);
  auto getter = spawn([&]() -> task<void> { static_cast<void>(co_await items.get()); });
  co_await sleep(1ms);
  on_another_thread([&] {
    run_options options;
    options.handle_signals = false;
    run([&]() -> task<void> { co_await items.put(1); }, options);
  });
  co_await getter;
}

task<void> spawn_into_a_group_of_another_loop() {
  co_await with_group([&](task_group& group) -> task<void> {
    on_another_thread([&] {
      run_options options;
      options.handle_signals = false;
      run(
          [&]() -> task<void> {
            group.spawn([]() -> task<void> { co_return; });
            co_return;
          },
          options);
    });
    co_return;
  });
}

/// How the program ends with `body` on a loop: with `mistake` in debug builds.
void expect_mistake(task<void> (*body)(), const char* mistake) {
  if (!debug_checks) GTEST_SKIP() << "only debug builds look";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run(body), mistake);
}

TEST(foreign_loop, waking_a_task_of_another_loop_stops_the_program) {
  expect_mistake(set_on_another_thread, other_thread);
  expect_mistake(put_on_another_loop, other_thread);
}

TEST(foreign_loop, spawning_into_a_group_of_another_loop_stops_the_program) {
  expect_mistake(spawn_into_a_group_of_another_loop, other_loop);
}

task<void> unlock_on_another_thread() {
  mutex lock;
  auto held = co_await lock.lock();
  on_another_thread([&] { held.unlock(); });
}

TEST(foreign_loop, unlocking_on_another_thread_stops_the_program_in_every_build) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run(unlock_on_another_thread), "unlocked");
}

}  // namespace
}  // namespace eddy
