// The program behind 12-from-asyncio.md: the right column of its table.
#include "expect.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <eddy/eddy.hpp>
#include <eddy/io/buffered_reader.hpp>

using namespace std::chrono_literals;
namespace net = eddy::net;

eddy::task<int> f(int x) {
  co_await eddy::sleep(1ms);
  if (x < 0) throw std::invalid_argument("negative");
  co_return x;
}

int blocking(int x) { return x; }

eddy::task<void> running() {
  int value = co_await f(1);
  auto t = eddy::spawn(f(1), {.name = "t"});
  value += co_await t;
  t.cancel();
  expect(value == 2 && t.done() && eddy::all_tasks().size() == 1);
  expect(eddy::current_task().name() == "main");

  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(f(1));
    group.spawn(f(2));
    co_return;
  });

  auto [a, b] = co_await eddy::gather(f(1), f(2));
  std::vector<eddy::task<int>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(f(i));
  std::vector<int> all = co_await eddy::gather(std::move(tasks));
  auto [good, bad] = co_await eddy::gather_settled(f(1), f(-1));
  expect(a + b == 3 && all.size() == 3 && good.has_value() && bad.has_error());

  try {
    co_await eddy::gather(f(-1), f(-1));
  } catch (const eddy::exception_group& several) {
    expect(several.contains<std::invalid_argument>());
  }
}

eddy::task<void> waiting() {
  std::vector<eddy::task_handle<int>> handles;
  for (int i = 0; i < 3; ++i) handles.push_back(eddy::spawn(f(i)));
  auto found = co_await eddy::wait(handles, eddy::wait_until::first_completed);
  expect(!found.done.empty());
  auto finished = eddy::as_completed(handles);
  while (auto next = co_await finished.next()) co_await *next;

  int value = co_await eddy::with_timeout(1s, f(1));
  std::optional<int> maybe = co_await eddy::move_on_after(1s, f(1));
  value += co_await eddy::shield(f(1));
  value += co_await eddy::finally(f(1), [&] { return eddy::sleep(1ms); });
  expect(value == 3 && maybe == 1);

  co_await eddy::sleep(1ms);
  co_await eddy::yield();
  const eddy::time_point start = eddy::now();
  value = co_await eddy::to_thread(blocking, 1);
  value += co_await eddy::to_cpu_thread(blocking, 1);
  expect(value == 2 && eddy::now() >= start);

  auto loop = eddy::current_loop();
  loop.post([&] { ++value; });
  co_await eddy::sleep(1ms);
  expect(value == 3);
}

const eddy::task_local<std::string> user("nobody");

eddy::async_generator<int> numbers() {
  for (int i = 0; i < 3; ++i) co_yield i;
}

eddy::task<void> passing() {
  eddy::promise<int> p;
  auto future = p.get_future();
  p.set_value(1);
  int value = co_await future;

  const auto bound = user.bind("Ada");
  expect(*user == "Ada");

  eddy::mutex lock;
  {
    auto held = co_await lock.lock();
  }
  eddy::semaphore at_once(10);
  {
    auto permit = co_await at_once.acquire();
  }
  eddy::event ready;
  ready.set();
  co_await ready.wait();

  eddy::queue<int> jobs(10);
  co_await jobs.put(1);
  value += co_await jobs.get();
  jobs.task_done();
  co_await jobs.join();
  jobs.shutdown();
  expect(value == 2);

  auto g = numbers();
  while (auto x = co_await g.next()) value += *x;
  expect(value == 5);
}

eddy::task<void> handler(net::tcp_stream peer) {
  eddy::io::buffered_reader reader(peer);
  auto line = co_await reader.read_line();
  co_await peer.write_all(*line + "\n");
}

eddy::task<void> talking() {
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const std::uint16_t port = listener.local().port();
  auto server = eddy::spawn(net::serve(listener, handler));
  auto stream = co_await net::tcp_stream::connect("localhost", port);
  co_await stream.write_all("hello\n");
  eddy::io::buffered_reader reader(stream);
  auto line = co_await reader.read_line();
  expect(*line == "hello");
  listener.close();
  co_await server;
}

eddy::task<int> async_main() {
  co_await running();
  co_await waiting();
  co_await passing();
  co_await talking();
  co_return 0;
}

int main() { return eddy::run(async_main()); }
