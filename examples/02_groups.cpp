// A group ends when all its tasks have. The first failure cancels the others; nothing is left running behind it.
#include <chrono>
#include <iostream>
#include <stdexcept>

#include <eddy/eddy.hpp>

using namespace std::chrono_literals;

eddy::task<void> worker(int number, int& finished) {
  co_await eddy::sleep(number * 5ms);
  if (number == 3) throw std::runtime_error("worker 3 lost its nerve");
  ++finished;
  std::cout << "worker " << number << " is done\n";
}

eddy::task<int> async_main() {
  int finished = 0;
  try {
    co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
      for (int i = 1; i <= 5; ++i) group.spawn(worker(i, finished));
      co_return;  // the group still waits for all five
    });
  } catch (const std::runtime_error& failure) {
    std::cout << "the group failed: " << failure.what() << '\n';
  }
  // 1 and 2 had finished; 4 and 5 were cancelled and have ended.
  co_return finished == 2 ? 0 : 1;
}

int main() { return eddy::run(async_main()); }
