// A producer and three consumers over a bounded queue: the producer waits while the queue is full.
#include <chrono>
#include <iostream>

#include <eddy/eddy.hpp>

using namespace std::chrono_literals;

eddy::task<void> produce(eddy::queue<int>& jobs, int count) {
  for (int i = 1; i <= count; ++i) co_await jobs.put(i);
  co_await jobs.join();  // every job was marked done
  jobs.shutdown(eddy::queue_shutdown::graceful);
}

eddy::task<void> consume(eddy::queue<int>& jobs, long& sum) {
  for (;;) {
    const int job = co_await jobs.get();
    co_await eddy::sleep(1ms);  // the work
    sum += job;
    jobs.task_done();
  }
}

eddy::task<void> until_shut_down(eddy::task<void> consumer) {
  try {
    co_await std::move(consumer);
  } catch (const eddy::error& e) {
    if (e != eddy::errc::shut_down) throw;
  }
}

eddy::task<int> async_main() {
  eddy::queue<int> jobs(4);
  long sum = 0;
  co_await eddy::gather(produce(jobs, 100), until_shut_down(consume(jobs, sum)),
                        until_shut_down(consume(jobs, sum)), until_shut_down(consume(jobs, sum)));
  std::cout << "the sum is " << sum << '\n';
  co_return sum == 5050 ? 0 : 1;
}

int main() { return eddy::run(async_main()); }
