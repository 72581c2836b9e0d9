// The program behind 13-traps.md: the right way round each trap.
#include "expect.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

// [parameters]
eddy::task<std::size_t> length(std::string text) {  // by value: the frame has its own
  co_await eddy::sleep(1ms);
  co_return text.size();
}

eddy::task<std::size_t> from_a_buffer(std::string_view part) {
  // A view into something that may be gone later: copy it before it is handed on.
  auto counting = eddy::spawn(length(std::string(part)));
  co_return co_await counting;
}
// [/parameters]

eddy::task<void> captures() {
  int sum = 0;
  // [spawn]
  std::vector<eddy::task_handle<void>> handles;
  for (int i = 1; i <= 3; ++i) {
    // Stored with its captures until the task has ended; `i` is copied, `sum` outlives the wait below.
    handles.push_back(eddy::spawn([&sum, i]() -> eddy::task<void> {
      co_await eddy::sleep(1ms);
      sum += i;
    }));
  }
  for (auto& handle : handles) co_await handle;
  // [/spawn]
  expect(sum == 6);
}

// [call]
eddy::task<int> call_later() {
  auto twice = [](int x) -> eddy::task<int> {  // no captures: what it needs comes as parameters
    co_await eddy::sleep(1ms);
    co_return 2 * x;
  };
  eddy::task<int> started_later = twice(21);
  co_return co_await std::move(started_later);
}
// [/call]

// [arguments]
eddy::task<void> pump(eddy::queue<int>& from, std::string name, int& count) {
  for (;;) {
    count += co_await from.get();
    if (name.empty()) co_return;
  }
}

eddy::task<int> pump_in_a_group(eddy::queue<int>& jobs) {
  int count = 0;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(pump, std::ref(jobs), "north", std::ref(count));  // a reference only by std::ref
    co_await eddy::sleep(10ms);
    group.cancel();
  });
  co_return count;
}
// [/arguments]

// [across]
struct cache {
  std::vector<std::string> rows;
};

eddy::task<std::string> third_row(cache& c) {
  const std::string row = c.rows.at(2);  // a copy: others may change `rows` while this task waits
  co_await eddy::sleep(1ms);
  co_return row;
}
// [/across]

eddy::task<int> parse(std::string text, int limit) {
  co_await eddy::sleep(1ms);
  co_return static_cast<int>(text.size()) < limit ? 1 : 0;
}

// [named]
eddy::task<int> with_an_owning_capture(std::string text) {
  auto parse_it = [text](eddy::task_group&) { return parse(text, 100); };  // named first
  co_return co_await eddy::with_group(std::move(parse_it));
}

eddy::task<int> with_a_reference(std::string text) {
  co_return co_await eddy::with_group([&](eddy::task_group&) { return parse(text, 100); });
}

struct limits {
  std::string name = "none";
  int most = 0;
};

eddy::task<int> parse_within(std::string text, limits l) {
  co_return co_await parse(std::move(text), l.most);
}

eddy::task<int> with_options(std::string text) {
  const limits narrow{.name = "narrow", .most = 3};  // named first: it owns a string
  co_return co_await parse_within(std::move(text), narrow);
}
// [/named]

eddy::task<bool> is_ready(eddy::event& e) {
  co_await eddy::sleep(1ms);
  co_return e.is_set();
}

// [condition]
eddy::task<int> poll(eddy::event& e) {
  const bool ready = co_await is_ready(e);
  if (ready) co_return 1;
  co_return 0;
}
// [/condition]

eddy::task<void> everything() {
  const std::size_t n = co_await from_a_buffer("hello");
  expect(n == 5);
  co_await captures();
  const int doubled = co_await call_later();
  expect(doubled == 42);
  eddy::queue<int> jobs(5);
  expect(jobs.try_put(3) && jobs.try_put(4));
  const int pumped = co_await pump_in_a_group(jobs);
  expect(pumped == 7);
  cache c;
  c.rows.assign(3, "row");
  const std::string row = co_await third_row(c);
  expect(row == "row");
  const int one = co_await with_an_owning_capture("text");
  const int two = co_await with_a_reference("text");
  const int three = co_await with_options("text");
  expect(one == 1 && two == 1 && three == 0);
  eddy::event e;
  const int not_yet = co_await poll(e);
  e.set();
  const int now = co_await poll(e);
  expect(not_yet == 0 && now == 1);
}

int main() { eddy::testing::run_virtual(everything()); }
