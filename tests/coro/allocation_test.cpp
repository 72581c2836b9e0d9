// In steady state the loop works without the heap. Sanitized builds take frames from the heap on purpose, to see their
// misuse, so there is nothing to measure there.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/testing/virtual_run.hpp>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EDDY_MEASURES_NOTHING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EDDY_MEASURES_NOTHING 1
#endif
#endif

#ifndef EDDY_MEASURES_NOTHING

namespace {
constinit thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size != 0 ? size : 1)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

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
    const std::size_t before = allocations;
    co_await rounds(10'000);
    // The queue itself may take its storage once.
    EXPECT_LE(allocations - before, 1U);
  });
}

}  // namespace
}  // namespace eddy

#endif
