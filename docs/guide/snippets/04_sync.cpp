// The program behind 04-sync.md.
#include "expect.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/condition_variable.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/latch.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/once.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/sync/shared_mutex.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

// [mutex]
struct account {
  eddy::mutex lock;
  int balance = 0;
};

eddy::task<void> store(int) { co_await eddy::sleep(1ms); }

eddy::task<void> deposit(account& a, int amount) {
  const auto held = co_await a.lock.lock();
  const int balance = a.balance + amount;
  co_await store(balance);  // others run here, and must not deposit
  a.balance = balance;
}  // unlocked
// [/mutex]

// [semaphore]
eddy::task<void> fetch(eddy::semaphore& at_once) {
  const auto permit = co_await at_once.acquire();
  co_await eddy::sleep(10ms);
}  // given back
// [/semaphore]

// [event]
eddy::task<std::string> when_loaded(eddy::event& loaded, const std::string& text) {
  co_await eddy::with_timeout(5s, loaded.wait());
  co_return text;
}
// [/event]

// [shared]
struct settings {
  eddy::shared_mutex lock;
  std::string text = "old";
};

eddy::task<std::string> read(settings& s) {
  const auto reading = co_await s.lock.lock_shared();  // together with other readers
  co_await eddy::sleep(5ms);
  co_return s.text;
}

eddy::task<void> rewrite(settings& s, std::string text) {
  const auto writing = co_await s.lock.lock();  // alone
  s.text = text;
}
// [/shared]

// [condition]
struct mailbox {
  eddy::mutex lock;
  eddy::condition_variable changed;
  std::deque<std::string> letters;
};

eddy::task<std::string> next_letter(mailbox& box) {
  auto held = co_await box.lock.lock();
  auto there_is_one = [&] { return !box.letters.empty(); };
  co_await box.changed.wait(held, there_is_one);  // unlocked meanwhile, locked again after it
  std::string letter = std::move(box.letters.front());
  box.letters.pop_front();
  co_return letter;
}

eddy::task<void> drop(mailbox& box, std::string letter) {
  const auto held = co_await box.lock.lock();
  box.letters.push_back(std::move(letter));
  box.changed.notify_one();
}
// [/condition]

// [barrier]
eddy::task<void> simulate_part(eddy::barrier& round, int& published) {
  for (int i = 0; i < 3; ++i) {
    co_await eddy::sleep(1ms);  // one step of this part
    const std::size_t arrived = co_await round.arrive_and_wait();
    if (arrived == 0) ++published;  // one task of the round
  }
}
// [/barrier]

// [latch]
eddy::task<void> warm_up(eddy::latch& ready) {
  co_await eddy::sleep(3ms);
  ready.count_down();
}

eddy::task<void> when_all_are_warm(eddy::latch& ready) { co_await ready.wait(); }
// [/latch]

// [once]
struct catalogue {
  eddy::once loading;
  std::string text;
};

eddy::task<std::string> look_up(catalogue& c, int& loads) {
  auto load = [&]() -> eddy::task<void> {
    co_await eddy::sleep(20ms);
    c.text = "all of it";
    ++loads;
  };
  co_await c.loading.call(load);  // the first one loads, the others wait for it
  co_return c.text;
}
// [/once]

eddy::task<void> everything() {
  account a;
  co_await eddy::gather(deposit(a, 30), deposit(a, 12));
  expect(a.balance == 42);

  eddy::semaphore at_once(2);
  const auto start = eddy::now();
  co_await eddy::gather(fetch(at_once), fetch(at_once), fetch(at_once), fetch(at_once));
  expect(eddy::now() - start == 20ms);

  // [statistics]
  const auto now = at_once.statistics();
  const bool idle = now.available == 2 && now.waiters == 0;
  // [/statistics]
  expect(idle);

  eddy::event loaded;
  const std::string text = "text";
  auto waiting = eddy::spawn(when_loaded(loaded, text));
  loaded.set();
  const std::string seen = co_await waiting;
  expect(seen == text);

  settings s;
  co_await eddy::gather(read(s), rewrite(s, "new"), read(s));
  const std::string later = co_await read(s);
  expect(later == "new");

  mailbox box;
  const auto [letter, dropped] = co_await eddy::gather(next_letter(box), drop(box, "hello"));
  expect(letter == "hello");

  eddy::barrier round(3);
  int published = 0;
  co_await eddy::gather(simulate_part(round, published), simulate_part(round, published),
                        simulate_part(round, published));
  expect(published == 3);

  eddy::latch ready(2);
  co_await eddy::gather(warm_up(ready), warm_up(ready), when_all_are_warm(ready));

  catalogue c;
  int loads = 0;
  const auto [one, two] = co_await eddy::gather(look_up(c, loads), look_up(c, loads));
  expect(one == two && loads == 1);
}

int main() { eddy::testing::run_virtual(everything()); }
