// Several loops, one thread each: no locks inside a loop, values travel between them by post.
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

#include <eddy/eddy.hpp>

using namespace std::chrono_literals;

// What the loops share is visibly atomic; everything else stays on its loop.
struct shared_counts {
  std::atomic<int> loops{0};
  std::atomic<int> posted{0};
};

// A blocking call leaves the loop to others while it runs on a thread.
int slow_sum(int upto) {
  int sum = 0;
  for (int i = 1; i <= upto; ++i) sum += i;
  return sum;
}

eddy::task<int> async_main(shared_counts& counts) {
  ++counts.loops;
  const int sum = co_await eddy::to_thread(slow_sum, 1000);

  // A foreign thread reaches a loop only through post; here it sets an event that a task of this loop waits for.
  eddy::event arrived;
  std::jthread messenger([&, loop = eddy::current_loop()] {
    loop.post([&] {
      ++counts.posted;
      arrived.set();
    });
  });
  co_await eddy::with_timeout(10s, arrived.wait());
  co_return sum == 500500 ? 0 : 1;
}

int main() {
  shared_counts counts;
  eddy::run_options options;
  options.loops = 4;
  const int result = eddy::run([&] { return async_main(counts); }, options);
  std::cout << counts.loops << " loops ran, " << counts.posted << " messages arrived\n";
  return result == 0 && counts.loops == 4 && counts.posted == 4 ? 0 : 1;
}
