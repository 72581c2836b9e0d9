// A task that waits, and two that wait at the same time.
#include <chrono>
#include <iostream>
#include <string>

// [program]
#include <eddy/eddy.hpp>

using namespace std::chrono_literals;

eddy::task<std::string> greet(std::string name, eddy::duration thinking_time) {
  co_await eddy::sleep(thinking_time);
  co_return "hello, " + name;
}

eddy::task<int> async_main() {
  std::cout << co_await greet("world", 10ms) << '\n';

  const auto start = eddy::now();
  const auto [first, second] = co_await eddy::gather(greet("Ada", 30ms), greet("Grace", 30ms));
  const auto together = eddy::now() - start;
  std::cout << first << " and " << second << '\n';

  // Both slept at once, so the pair took about as long as one.
  co_return together < 60ms ? 0 : 1;
}

int main() { return eddy::run(async_main()); }
// [/program]
