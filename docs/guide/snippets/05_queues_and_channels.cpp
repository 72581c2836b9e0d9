// The program behind 05-queues-and-channels.md.
#include "expect.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/broadcast.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/priority_queue.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/select.hpp>
#include <eddy/sync/watch.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

// [queue]
eddy::task<void> work(eddy::queue<int>& jobs, int& sum) {
  for (;;) {
    const int job = co_await jobs.get();  // waits while it is empty
    co_await eddy::sleep(1ms);
    sum += job;
    jobs.task_done();
  }
}

eddy::task<int> work_off(int count) {
  eddy::queue<int> jobs(10);
  int sum = 0;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    for (int i = 0; i < 3; ++i) group.spawn(work(jobs, sum));
    for (int i = 1; i <= count; ++i) co_await jobs.put(i);  // waits while it is full
    co_await jobs.join();                                   // every job was marked done
    group.cancel();                                         // the workers wait in get()
  });
  co_return sum;
}
// [/queue]

// [shutdown]
eddy::task<int> drain(eddy::queue<int>& jobs) {
  int sum = 0;
  try {
    for (;;) sum += co_await jobs.get();
  } catch (const eddy::error& e) {
    if (e != eddy::errc::shut_down) throw;
  }
  co_return sum;
}
// [/shutdown]

struct job {
  int priority = 0;
  std::string what;
};

// [priority]
struct most_urgent {
  bool operator()(const job& a, const job& b) const noexcept { return a.priority < b.priority; }
};

eddy::task<std::string> most_urgent_job() {
  eddy::priority_queue<job, most_urgent> jobs(100);
  const job sweep{5, "sweep"};
  const job fire{1, "put out the fire"};
  co_await jobs.put(sweep);
  co_await jobs.put(fire);
  const job first = co_await jobs.get();
  co_return first.what;
}
// [/priority]

// [channel]
eddy::task<void> produce(eddy::channel_sender<std::string> lines, std::string name) {
  for (int i = 1; i <= 3; ++i) co_await lines.send(name + std::to_string(i));
}  // closes this sender

eddy::task<int> consume(eddy::channel_receiver<std::string> lines) {
  int count = 0;
  while (auto line = co_await lines.receive()) ++count;
  co_return count;  // all senders are closed, and everything was received
}

eddy::task<int> through_a_channel() {
  auto [sender, receiver] = eddy::channel<std::string>(16);
  auto counting = eddy::spawn(consume(std::move(receiver)));
  auto first = eddy::spawn(produce(sender, "a"));  // a copy is a further sender
  auto second = eddy::spawn(produce(std::move(sender), "b"));
  co_return co_await counting;
}
// [/channel]

// [broadcast]
eddy::task<int> listen(eddy::broadcast<int>::receiver events) {
  int sum = 0;
  for (;;) {
    try {
      const auto event = co_await events.receive();
      if (!event) co_return sum;  // the sender is closed
      sum += *event;
    } catch (const eddy::lagged_error& behind) {
      sum -= static_cast<int>(behind.missed());  // too slow: these are lost, the next one is there
    }
  }
}
// [/broadcast]

// [watch]
eddy::task<int> follow(eddy::watch<int>::receiver level) {
  for (;;) {
    const int now = co_await level.changed();  // several changes since the last look: one
    if (now >= 10) co_return now;
  }
}
// [/watch]

// [select]
eddy::task<std::string> next_thing(eddy::event& stop, eddy::queue<std::string>& urgent,
                                   eddy::channel_receiver<std::string>& lines) {
  auto got = co_await eddy::select(stop.wait(), urgent.get(), lines.receive());
  if (got.index() == 0) co_return "stop";
  if (got.index() == 1) co_return std::get<1>(got);
  co_return std::get<2>(got).value_or("no more lines");
}
// [/select]

eddy::task<void> everything() {
  const int sum = co_await work_off(100);
  expect(sum == 5050);

  eddy::queue<int> jobs(10);
  expect(jobs.try_put(1) && jobs.try_put(2));
  jobs.shutdown();
  const int rest = co_await drain(jobs);
  expect(rest == 3);

  const std::string urgent_job = co_await most_urgent_job();
  expect(urgent_job == "put out the fire");
  const int count = co_await through_a_channel();
  expect(count == 6);

  eddy::broadcast<int> events(2);
  auto slow = events.subscribe();
  for (int i = 1; i <= 5; ++i) events.send(i);
  events.close();
  const int heard = co_await listen(std::move(slow));
  expect(heard == 4 + 5 - 3);

  eddy::watch<int> level(0);
  auto following = eddy::spawn(follow(level.subscribe()));
  for (int i = 0; i <= 10; i += 5) level.set(i);
  const int reached = co_await following;
  expect(reached == 10);

  eddy::event stop;
  eddy::queue<std::string> urgent(1);
  auto [sender, lines] = eddy::channel<std::string>(1);
  co_await sender.send("a line");
  const std::string line = co_await next_thing(stop, urgent, lines);
  co_await urgent.put("now");
  const std::string now = co_await next_thing(stop, urgent, lines);
  stop.set();
  const std::string end = co_await next_thing(stop, urgent, lines);
  expect(line == "a line" && now == "now" && end == "stop");
}

int main() { eddy::testing::run_virtual(everything()); }
