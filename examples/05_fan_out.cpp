// Many jobs, few at a time: with a limit on the call, and with a semaphore that several calls share.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <numeric>
#include <vector>

#include <eddy/eddy.hpp>

using namespace std::chrono_literals;

struct gauge {
  int now = 0;
  int highest = 0;
};

eddy::task<int> square(int n, eddy::semaphore& at_once, gauge& running) {
  const auto permit = co_await at_once.acquire();
  running.highest = std::max(running.highest, ++running.now);
  co_await eddy::sleep(2ms);
  --running.now;
  co_return n* n;
}

eddy::task<int> async_main() {
  std::vector<int> numbers(50);
  std::iota(numbers.begin(), numbers.end(), 1);
  eddy::semaphore at_once(5);
  gauge running;
  auto job = [&](int n) { return square(n, at_once, running); };

  // At most ten calls exist at a time, and only five of them work.
  const auto squares = co_await eddy::gather_each(numbers, job, {.limit = 10});
  const int sum = std::accumulate(squares.begin(), squares.end(), 0);
  std::cout << "sum of squares " << sum << ", at most " << running.highest << " at once\n";
  co_return sum == 42925 && running.highest == 5 ? 0 : 1;
}

int main() { return eddy::run(async_main()); }
