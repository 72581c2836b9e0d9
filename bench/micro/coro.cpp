// What tasks cost, by number: per-unit times that grow with the number show what does not scale.
#include <vector>

#include <benchmark/benchmark.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/mutex.hpp>

namespace {

[[gnu::noinline]] eddy::task<long> leaf(long i) { co_return i; }

eddy::task<void> nested(long depth) {
  if (depth > 0) co_await nested(depth - 1);
}

/// `body` makes a task that runs the whole benchmark inside one run().
template <class Body>
void in_a_loop(benchmark::State& state, Body body) {
  eddy::run_options options;
  options.watchdog = {};  // a benchmark's loop never waits
  eddy::run(body(state), options);
}

eddy::task<void> group_of_tasks(benchmark::State& state) {
  const long count = state.range(0);
  for (auto _ : state) {
    co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
      for (long i = 0; i < count; ++i) group.spawn(leaf(i));
      co_return;
    });
  }
  state.SetItemsProcessed(state.iterations() * count);
}
void group_spawn_and_join(benchmark::State& state) { in_a_loop(state, group_of_tasks); }
BENCHMARK(group_spawn_and_join)->RangeMultiplier(10)->Range(1, 1'000'000);

eddy::task<void> gather_of_tasks(benchmark::State& state) {
  const long count = state.range(0);
  for (auto _ : state) {
    std::vector<eddy::task<long>> members;
    members.reserve(static_cast<std::size_t>(count));
    for (long i = 0; i < count; ++i) members.push_back(leaf(i));
    benchmark::DoNotOptimize(co_await eddy::gather(std::move(members)));
  }
  state.SetItemsProcessed(state.iterations() * count);
}
void gather_members(benchmark::State& state) { in_a_loop(state, gather_of_tasks); }
BENCHMARK(gather_members)->RangeMultiplier(10)->Range(1, 100'000);

eddy::task<void> chain_of_awaits(benchmark::State& state) {
  for (auto _ : state) co_await nested(state.range(0));
  state.SetItemsProcessed(state.iterations() * (state.range(0) + 1));
}
void nested_awaits(benchmark::State& state) { in_a_loop(state, chain_of_awaits); }
BENCHMARK(nested_awaits)->RangeMultiplier(10)->Range(1, 100'000);

eddy::task<void> limits(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await eddy::with_timeout(std::chrono::seconds(10), leaf(1)));
  }
}
void with_timeout(benchmark::State& state) { in_a_loop(state, limits); }
BENCHMARK(with_timeout);

eddy::task<void> locks(benchmark::State& state) {
  eddy::mutex mutex;
  for (auto _ : state) {
    const auto held = co_await mutex.lock();
    benchmark::DoNotOptimize(&held);
  }
}
void mutex_without_contention(benchmark::State& state) { in_a_loop(state, locks); }
BENCHMARK(mutex_without_contention);

}  // namespace
