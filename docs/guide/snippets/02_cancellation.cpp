// The program behind 02-cancellation.md.
#include "expect.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

eddy::task<std::string> fetch() {
  co_await eddy::sleep(1h);
  co_return "page";
}

struct button {
  eddy::cancel_scope* scope = nullptr;
  void press() { scope->cancel(eddy::cancel_reason::requested, "stop button"); }
};

eddy::task<std::string> fetch_or_nothing(button& stop) {
  // [scope]
  const std::optional<std::string> page =
      co_await eddy::with_scope([&](eddy::cancel_scope& scope) -> eddy::task<std::string> {
        stop.scope = &scope;  // whoever presses it calls scope.cancel()
        co_return co_await fetch();
      });
  if (!page) co_return "stopped";
  // [/scope]
  co_return *page;
}

eddy::task<void> press_later(button& stop) {
  co_await eddy::sleep(1s);
  stop.press();
}

// [handle]
eddy::task<std::string> cancel_a_task() {
  auto page = eddy::spawn(fetch());
  co_await eddy::sleep(1s);
  page.cancel();  // asks; returns at once
  try {
    co_return co_await page;  // waits until it has ended
  } catch (const eddy::error& e) {
    co_return e == eddy::errc::task_cancelled ? "no page" : "something else";
  }
}
// [/handle]

struct session {
  bool open = false;
};

eddy::task<void> use(session& s) {
  s.open = true;
  co_await eddy::sleep(1h);
}

eddy::task<void> say_goodbye(session& s) {
  co_await eddy::sleep(5ms);
  s.open = false;
}

// [finally]
eddy::task<void> talk(session& s) {
  co_await eddy::finally(use(s), [&] { return say_goodbye(s); });
}

eddy::task<void> talk_politely(session& s) {
  auto goodbye = [&] { return say_goodbye(s); };
  co_await eddy::finally(use(s), goodbye, 2s);  // two seconds for the cleanup, no more
}
// [/finally]

struct account {
  int balance = 100;
  int journal = 100;
};

eddy::task<void> write_journal(account& a, int balance) {
  co_await eddy::sleep(10ms);
  a.journal = balance;
}

// [shield]
eddy::task<void> withdraw(account& a, int amount) {
  a.balance -= amount;
  co_await eddy::shield(write_journal(a, a.balance));  // begun is done
}
// [/shield]

// [compute]
eddy::task<long> sum_up(long upto) {
  long sum = 0;
  for (long i = 1; i <= upto; ++i) {
    sum += i;
    if (i % 1000 == 0) co_await eddy::yield();  // lets others run; a cancellation point
  }
  co_return sum;
}
// [/compute]

// [result]
eddy::task<std::string> outcome_of(eddy::task<std::string> work) {
  const auto ended = co_await eddy::as_result(std::move(work));
  if (ended.has_value()) co_return *ended;
  if (ended.is_cancelled()) co_return "cancelled: " + ended.cancellation().text();
  co_return "failed";
}
// [/result]

eddy::task<std::string> named_outcome(std::string& seen) {
  seen = co_await outcome_of(fetch());
  co_return seen;
}

// [catch]
eddy::task<void> with_catch_all(eddy::queue<int>& numbers, int& failures) {
  try {
    co_await numbers.put(co_await numbers.get() + 1);
  } catch (const eddy::cancelled&) {
    throw;  // not ours: the scope that was cancelled waits for it
  } catch (...) {
    ++failures;
  }
}
// [/catch]

eddy::task<void> cancelled_get_takes_nothing() {
  // [nothing]
  eddy::queue<int> numbers(10);
  auto reader = [&]() -> eddy::task<int> { co_return co_await numbers.get(); };
  auto waiting = eddy::spawn(reader);
  co_await eddy::sleep(1ms);  // now it waits in get()

  waiting.cancel();
  const bool put = numbers.try_put(1);  // too late for the reader: the item stays in the queue
  const auto ended = co_await eddy::as_result(waiting);
  // [/nothing]
  expect(put && !ended.has_value() && numbers.size() == 1);

  const auto left = numbers.try_get();
  // [wins]
  auto lucky = eddy::spawn(reader);
  co_await eddy::sleep(1ms);

  const bool given = numbers.try_put(2);  // granted to the reader before ...
  lucky.cancel();                         // ... it is cancelled: it keeps what it got
  const int two = co_await lucky;
  // [/wins]
  expect(left == 1 && given && two == 2);
}

eddy::task<void> everything() {
  button stop;
  auto pressing = eddy::spawn(press_later(stop));
  const std::string page = co_await fetch_or_nothing(stop);
  expect(page == "stopped");
  const std::string none = co_await cancel_a_task();
  expect(none == "no page");

  session s;
  auto talking = eddy::spawn(talk(s));
  auto polite = eddy::spawn(talk_politely(s));
  account a;
  auto withdrawal = eddy::spawn(withdraw(a, 30));
  auto sum = eddy::spawn(sum_up(100'000));
  std::string seen;
  auto outcome = eddy::spawn(named_outcome(seen));
  eddy::queue<int> numbers(1);
  int failures = 0;
  auto catching = eddy::spawn(with_catch_all(numbers, failures));
  co_await eddy::sleep(1ms);
  const long total = co_await sum;
  expect(total == 5'000'050'000);
  expect(s.open && a.journal == 100);
  talking.cancel();
  polite.cancel();
  withdrawal.cancel();
  outcome.cancel(eddy::cancel_reason::requested, "enough");
  catching.cancel();
  co_await eddy::sleep(1s);
  expect(!s.open && a.journal == 70 && failures == 0);
  expect(talking.done() && polite.done() && withdrawal.done() && catching.done());
  expect(seen == "cancelled: enough");
  co_await cancelled_get_takes_nothing();
}

int main() { eddy::testing::run_virtual(everything()); }
