// The parts of base, coro and sync that need no loop.
#include <algorithm>
#include <vector>

#include <benchmark/benchmark.h>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/base/random.hpp>
#include <eddy/coro/frame_pool.hpp>
#include <eddy/coro/timer_queue.hpp>
#include <eddy/sync/ring.hpp>

namespace {

struct element : eddy::list_hook<> {};

void list_push_and_pop(benchmark::State& state) {
  std::vector<element> elements(64);
  eddy::intrusive_list<element> list;
  for (auto _ : state) {
    for (auto& each : elements) list.push_back(each);
    while (auto* first = list.pop_front()) benchmark::DoNotOptimize(first);
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(list_push_and_pop);

void ring_push_and_pop(benchmark::State& state) {
  eddy::sync::detail::ring<long> ring;
  for (auto _ : state) {
    for (long i = 0; i < 64; ++i) ring.push(long{i});
    for (long i = 0; i < 64; ++i) benchmark::DoNotOptimize(ring.pop());
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(ring_push_and_pop);

void frame_allocate_and_free(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = eddy::coro::allocate_frame(size);
    benchmark::DoNotOptimize(block);
    eddy::coro::free_frame(block, size);
  }
}
BENCHMARK(frame_allocate_and_free)->Arg(64)->Arg(1024)->Arg(65536);

class idle_timer final : public eddy::coro::timer {
  void expired() noexcept override {}
};

// Random deadlines, all armed, then all expired in order.
void timers_armed_and_expired(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<idle_timer> timers(count);
  eddy::random_source random(1);
  for (auto _ : state) {
    eddy::coro::timer_queue queue;
    for (auto& timer : timers) {
      const auto deadline = static_cast<std::int64_t>(random.below(1'000'000'000));
      queue.add(timer, eddy::time_point(eddy::duration(deadline)));
    }
    benchmark::DoNotOptimize(queue.expire(eddy::never));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(timers_armed_and_expired)->RangeMultiplier(10)->Range(10, 1'000'000);

}  // namespace
