// In steady state the loop works without the heap.
#include "heap_count.hpp"

#ifdef EDDY_COUNTS_HEAP

#include <gtest/gtest.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/testing/virtual_run.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;

task<void> rounds(int count) {
  queue<int> items(4);
  const auto produce = [&items](int value) -> task<void> {
    co_await sleep(1ms);
    co_await items.put(value);
  };
  for (int i = 0; i < count; ++i) {
    spawn(produce, i);
    const int value = co_await items.get();
    EXPECT_EQ(value, i);
  }
}

// loop.19
TEST(allocation, is_over_after_the_first_rounds) {
  testing::run_virtual([]() -> task<void> {
    co_await rounds(100);
    const std::size_t before = tests::allocations;
    co_await rounds(10'000);
    // The queue itself may take its storage once.
    EXPECT_LE(tests::allocations - before, 1U);
  });
}

}  // namespace
}  // namespace eddy

#endif
