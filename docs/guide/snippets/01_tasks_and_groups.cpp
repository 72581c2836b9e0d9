// The program behind 01-tasks-and-groups.md.
#include "expect.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/generator.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/coro/wait.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

// [task]
eddy::task<int> count_words(std::string text) {
  co_await eddy::sleep(10ms);  // other tasks run meanwhile
  co_return static_cast<int>(1 + std::ranges::count(text, ' '));
}

eddy::task<int> count_one_by_one(std::string a, std::string b) {
  const int first = co_await count_words(a);
  const int second = co_await count_words(b);
  co_return first + second;  // after 20 ms
}
// [/task]

// [gather]
eddy::task<int> count_at_once(std::string a, std::string b) {
  const auto [first, second] = co_await eddy::gather(count_words(a), count_words(b));
  co_return first + second;  // after 10 ms
}

eddy::task<std::vector<int>> count_many(std::vector<std::string> texts) {
  co_return co_await eddy::gather_each(texts, count_words, {.limit = 20});
}
// [/gather]

struct service {
  int finished = 0;
};

eddy::task<void> handle_requests(service& s) {
  co_await eddy::sleep(50ms);
  ++s.finished;
}

eddy::task<void> refresh_for_ever(service&) {
  for (;;) co_await eddy::sleep(1s);
}

// [group]
eddy::task<void> serve(service& s) {
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(refresh_for_ever(s));
    co_await handle_requests(s);
    group.cancel();  // the refreshing would go on for ever
  });                // whatever was spawned has ended here
}
// [/group]

// [failure]
eddy::task<void> store(std::string text) {
  co_await eddy::sleep(1ms);
  if (text.empty()) throw std::invalid_argument("nothing to store");
  co_await eddy::sleep(1h);
}

eddy::task<std::string> store_both(std::string a, std::string b) {
  try {
    co_await eddy::gather(store(a), store(b));
  } catch (const std::invalid_argument& failure) {
    co_return failure.what();  // one failed: its own exception; the other was cancelled
  } catch (const eddy::exception_group& failures) {
    co_return failures.contains<std::invalid_argument>() ? "both" : "other reasons";
  }
  co_return "stored";
}
// [/failure]

// [start]
eddy::task<void> listen(int wanted, eddy::ready_signal<int> ready) {
  const int port = wanted != 0 ? wanted : 49152;
  co_await eddy::sleep(5ms);  // bind, load, warm up ...
  ready(port);
  co_await eddy::sleep(1h);  // serve
}

eddy::task<int> start_and_stop() {
  int port = 0;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    auto on_any_port = [](eddy::ready_signal<int> ready) { return listen(0, ready); };
    port = co_await group.start<int>(on_any_port);  // returns when it is ready, or has failed
    group.cancel();
  });
  co_return port;
}
// [/start]

eddy::task<void> spawning() {
  // [spawn]
  eddy::task_handle<int> words = eddy::spawn(count_words("one two three"), {.name = "words"});
  const int same_time = co_await count_words("four");
  const int three = co_await words;  // waits for its end; the result, or its failure
  // [/spawn]
  expect(same_time == 1 && three == 3);
}

eddy::task<void> settled_and_race() {
  // [settled]
  const auto [good, bad] = co_await eddy::gather_settled(count_words("a b"), store(""));
  const int words = good.has_value() ? *good : 0;
  const bool failed = bad.has_error();
  // [/settled]
  expect(words == 2 && failed);

  // [race]
  auto first = co_await eddy::race(count_words("a b"), store("never in time"));
  const std::size_t winner = first.index();
  const int value = first.get<0>().value();
  // [/race]
  expect(winner == 0 && value == 2);
}

eddy::task<int> completion_order() {
  int sum = 0;
  // [completed]
  std::vector<eddy::task_handle<int>> counts;
  for (const char* text : {"a", "b c", "d e f"}) counts.push_back(eddy::spawn(count_words(text)));
  auto finished = eddy::as_completed(counts);
  while (auto next = co_await finished.next()) sum += co_await *next;
  // [/completed]
  co_return sum;
}

// [generator]
eddy::async_generator<int> ticks(int count) {
  for (int i = 1; i <= count; ++i) {
    co_await eddy::sleep(1s);
    co_yield i;
  }
}

eddy::task<int> sum_of_ticks() {
  int sum = 0;
  auto source = ticks(4);
  while (auto tick = co_await source.next()) sum += *tick;
  co_return sum;
}
// [/generator]

// [local]
const eddy::task_local<std::string> request_id("none");

eddy::task<std::string> log_line(std::string text) { co_return *request_id + ": " + text; }

eddy::task<std::string> handle(std::string id) {
  const auto bound = request_id.bind(std::move(id));  // until the end of this block
  auto line = eddy::spawn(log_line("done"));          // inherited by what is spawned
  co_return co_await line;
}
// [/local]

eddy::task<void> everything() {
  const auto start = eddy::now();
  const int in_turn = co_await count_one_by_one("a b", "c");
  expect(in_turn == 3 && eddy::now() - start == 20ms);
  const int at_once = co_await count_at_once("a b", "c");
  expect(at_once == 3 && eddy::now() - start == 30ms);
  std::vector<std::string> texts(3, "x y");
  const std::vector<int> counts = co_await count_many(texts);
  expect(counts == std::vector<int>(3, 2));
  service s;
  co_await serve(s);
  expect(s.finished == 1);
  const std::string one = co_await store_both("a", "");
  const std::string both = co_await store_both("", "");
  expect(one == "nothing to store" && both == "both");
  const int port = co_await start_and_stop();
  expect(port == 49152);
  co_await spawning();
  co_await settled_and_race();
  const int completed = co_await completion_order();
  expect(completed == 6);
  const int sum = co_await sum_of_ticks();
  expect(sum == 10);
  const std::string line = co_await handle("7");
  expect(line == "7: done");
}

int main() { eddy::testing::run_virtual(everything()); }
