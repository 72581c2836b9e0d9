// Numbers that only work when nothing grows with them: native stack, memory, bookkeeping.
#include <chrono>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <eddy/coro/frame_pool.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/virtual_driver.hpp>

namespace {

using namespace std::chrono_literals;

// The default stack is 8 MiB: whatever used native stack per await would need gigabytes here.
template <class T>
T run_virtual(eddy::task<T> main) {
  eddy::run_options options;
  options.handle_signals = false;
  options.make_driver = [] { return std::make_unique<eddy::runtime::virtual_driver>(); };
  return eddy::run(std::move(main), options);
}

eddy::task<long> nested(long depth) {
  if (depth == 0) co_return 0;
  const long below = co_await nested(depth - 1);
  co_return below + 1;
}

eddy::task<void> fail_at(long depth) {
  if (depth == 0) throw depth;
  co_await fail_at(depth - 1);
}

eddy::task<int> one() { co_return 1; }

eddy::task<long> ten_million_completions() {
  long sum = 0;
  for (long i = 0; i < 10'000'000; ++i) sum += co_await one();
  co_return sum;
}

// task.22
TEST(scale, a_million_nested_awaits_use_constant_native_stack) {
  EXPECT_EQ(run_virtual(nested(1'000'000)), 1'000'000);
  EXPECT_EQ(eddy::coro::live_frames(), 0);
}

TEST(scale, an_exception_passes_ten_thousand_nested_awaits) {
  EXPECT_THROW(run_virtual(fail_at(10'000)), long);
  EXPECT_EQ(eddy::coro::live_frames(), 0);
}

TEST(scale, ten_million_synchronous_completions_use_constant_native_stack) {
  EXPECT_EQ(run_virtual(ten_million_completions()), 10'000'000);
  EXPECT_EQ(eddy::coro::live_frames(), 0);
}

eddy::task<void> nap(eddy::duration length) { co_await eddy::sleep(length); }

eddy::task<std::size_t> hundred_thousand_sleepers() {
  std::vector<eddy::task<void>> sleepers;
  for (int i = 0; i < 100'000; ++i) sleepers.push_back(nap((1 + i % 1000) * 1ms));
  std::size_t most = 0;
  auto watch = [&]() -> eddy::task<void> {
    co_await eddy::sleep(500us);
    most = eddy::coro::scheduler::require().live_tasks();
  };
  auto watcher = eddy::spawn(watch());
  const auto start = eddy::now();
  co_await eddy::gather(std::move(sleepers));
  EXPECT_EQ(eddy::now() - start, 1s);
  co_await watcher;
  co_return most;
}

TEST(scale, a_hundred_thousand_tasks_sleep_at_once) {
  EXPECT_GE(run_virtual(hundred_thousand_sleepers()), 100'000u);
  EXPECT_EQ(eddy::coro::live_frames(), 0);
}

class counting_timer final : public eddy::coro::timer {
 public:
  static inline int expirations = 0;

 private:
  void expired() noexcept override { ++expirations; }
};

eddy::task<void> million_timers() {
  auto& timers = eddy::coro::scheduler::require().timers();
  std::vector<counting_timer> million(1'000'000);
  counting_timer::expirations = 0;
  const auto start = eddy::now();
  for (std::size_t i = 0; i < million.size(); ++i) {
    timers.add(million[i], start + std::chrono::microseconds((i * 7919) % 1'000'003));
  }
  EXPECT_EQ(timers.size(), million.size());
  // All but every thousandth are cancelled; those expire, the others never do.
  for (std::size_t i = 0; i < million.size(); ++i) {
    if (i % 1000 != 0) timers.remove(million[i]);
  }
  EXPECT_EQ(timers.size(), 1000u);
  co_await eddy::sleep(2s);
  EXPECT_EQ(counting_timer::expirations, 1000);
  EXPECT_TRUE(timers.empty());
}

// loop.10
TEST(scale, a_million_timers_are_armed_and_cancelled) { run_virtual(million_timers()); }

// tmo.19
eddy::task<void> many_early_finishers() {
  for (int i = 0; i < 10'000; ++i) co_await eddy::with_timeout(1h, nap(1us));
  EXPECT_TRUE(eddy::coro::scheduler::require().timers().empty());
}

TEST(scale, ten_thousand_early_finishers_leave_no_timer) {
  run_virtual(many_early_finishers());
  EXPECT_EQ(eddy::coro::live_frames(), 0);
}

// grp.21
eddy::task<long> many_short_children() {
  long peak = 0;
  co_await eddy::with_group([&](eddy::task_group& g) -> eddy::task<void> {
    for (int i = 0; i < 100'000; ++i) {
      g.spawn(nap(0ns));
      if (i % 100 == 0) {
        co_await eddy::sleep(1us);
        co_await eddy::yield();
      }
      peak = std::max(peak, static_cast<long>(g.size()));
    }
  });
  co_return peak;
}

TEST(scale, a_hundred_thousand_short_children_pass_through_one_group) {
  EXPECT_LE(run_virtual(many_short_children()), 300);
  EXPECT_EQ(eddy::coro::live_frames(), 0);
}

}  // namespace
