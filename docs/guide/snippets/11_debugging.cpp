// The program behind 11-debugging.md.
#include "expect.hpp"

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/queue.hpp>

using namespace std::chrono_literals;

// [stuck]
eddy::task<void> update(eddy::mutex& table) {
  const auto held = co_await table.lock();
  co_await eddy::sleep(1h);
}

eddy::task<std::string> two_updates(eddy::mutex& table) {
  std::string tree;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(update(table), {.name = "first"});
    group.spawn(update(table), {.name = "second"});
    co_await eddy::sleep(10ms);
    tree = eddy::task_tree();
    group.cancel();
  });
  co_return tree;
}
// [/stuck]

// [hook]
eddy::task<void> load_config() {
  co_await eddy::sleep(1ms);
  throw std::runtime_error("no such file");
}

eddy::task<int> async_main() {
  eddy::spawn(load_config(), {.name = "config"});  // nobody awaits it
  co_await eddy::sleep(20ms);
  co_return 0;
}

int run_with_hook(std::vector<std::string>& lines) {
  eddy::run_options options;
  options.dump_on_sigusr1 = true;
  options.on_error = [&](const eddy::failure_report& report) {
    lines.push_back(report.task + ": " + eddy::describe_exception(report.error));
  };
  return eddy::run(async_main(), options);
}
// [/hook]

// [stack]
eddy::task<int> next_item(eddy::queue<int>& items) { co_return co_await items.get(); }

eddy::task<std::size_t> places(eddy::queue<int>& items) {
  try {
    co_return static_cast<std::size_t>(co_await next_item(items));
  } catch (const eddy::error& e) {
    for (const auto& place : e.async_stack())
      std::cout << place.file_name() << ':' << place.line() << '\n';
    co_return e.async_stack().size();
  }
}
// [/stack]

eddy::task<void> everything() {
  eddy::mutex table;
  const std::string tree = co_await two_updates(table);
  std::cout << tree;
  expect(tree.find("held by first") != std::string::npos);
  eddy::queue<int> items(1);
  items.shutdown();
  const std::size_t depth = co_await places(items);
  expect(depth >= 2);
}

int main() {
  eddy::run(everything());
  std::vector<std::string> lines;
  const int result = run_with_hook(lines);
  std::cout << lines.at(0) << '\n';
  expect(lines.size() == 1 && lines[0].find("no such file") != std::string::npos);
  return result;
}
