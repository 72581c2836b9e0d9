// Every operation of sync, cancelled and made to fail at every point: nothing is taken, nobody is left waiting.
#include <eddy/testing/everywhere.hpp>

#include "undisturbed.hpp"

#include <memory>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/broadcast.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/sync/condition_variable.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/latch.hpp>
#include <eddy/sync/lifo_queue.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/once.hpp>
#include <eddy/sync/priority_queue.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/select.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/sync/shared_mutex.hpp>
#include <eddy/sync/watch.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::cancel_everywhere;
using testing::trial;
using tests::expect_value_when_undisturbed;

// clk.6
// Exposes: sync/mutex.lock
TEST(everywhere, a_mutex_is_free_in_the_end_and_goes_to_the_next) {
  cancel_everywhere([](trial& t) -> task<void> {
    mutex lock;
    int inside = 0;
    const auto section = [&](duration d) -> task<void> {
      const auto guard = co_await lock.lock();
      EXPECT_EQ(++inside, 1);
      const auto napped = co_await as_result(sleep(d));
      --inside;
    };
    auto before = spawn(section, duration(1s));
    co_await testing::settle();
    auto behind = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      co_await section(1s);
    });
    const auto twice = [&]() -> task<void> {
      co_await section(1s);
      co_await section(1s);
    };
    const auto ended = co_await t.expose(twice());
    expect_value_when_undisturbed(t, ended);
    co_await before;
    co_await behind;
    EXPECT_TRUE(lock.try_lock());
    EXPECT_EQ(lock.statistics().waiters, 0U);
  });
}

// clk.6
// Exposes: sync/semaphore.acquire
TEST(everywhere, a_semaphore_has_all_its_permits_in_the_end) {
  cancel_everywhere([](trial& t) -> task<void> {
    semaphore permits(3);
    const auto use = [&](std::ptrdiff_t n) -> task<void> {
      const auto guard = co_await permits.acquire(n);
      co_await sleep(1s);
    };
    auto other = spawn(use, std::ptrdiff_t{2});
    co_await testing::settle();
    auto small = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      co_await use(1);
    });
    const auto both = [&]() -> task<void> {
      co_await use(2);
      co_await use(3);
    };
    const auto ended = co_await t.expose(both());
    expect_value_when_undisturbed(t, ended);
    co_await other;
    co_await small;
    EXPECT_EQ(permits.statistics().available, 3);
    EXPECT_EQ(permits.statistics().waiters, 0U);
  });
}

// clk.6
// Exposes: sync/event.wait
TEST(everywhere, an_event_keeps_no_waiter) {
  cancel_everywhere([](trial& t) -> task<void> {
    event happened;
    auto setter = spawn([&]() -> task<void> {
      co_await sleep(1s);
      happened.set();
    });
    const auto twice = [&]() -> task<void> {
      co_await happened.wait();
      co_await happened.wait();
    };
    const auto ended = co_await t.expose(twice());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(happened.statistics().waiters, 0U);
    co_await setter;
  });
}

// clk.6
// Exposes: sync/basic_queue.get sync/basic_queue.join
TEST(everywhere, a_queue_loses_no_item_between_producer_and_consumer) {
  cancel_everywhere([](trial& t) -> task<void> {
    queue<std::unique_ptr<int>> items(1);
    constexpr int count = 4;
    std::vector<int> taken;
    // Puts each item until it is in, and keeps what was not put.
    auto producer = spawn([&]() -> task<void> {
      for (int i = 0; i < count; ++i) co_await items.put(std::make_unique<int>(i));
    });
    const auto consume = [&]() -> task<void> {
      for (int i = 0; i < count; ++i) {
        const auto item = co_await items.get();
        taken.push_back(*item);
        items.task_done();
      }
      co_await items.join();
    };
    const auto ended = co_await t.expose(consume());
    expect_value_when_undisturbed(t, ended);
    while (taken.size() < count) {
      const auto item = co_await items.get();
      taken.push_back(*item);
      items.task_done();
    }
    EXPECT_THAT(taken, ::testing::ElementsAre(0, 1, 2, 3));
    co_await producer;
    EXPECT_EQ(items.statistics().unfinished, 0U);
    EXPECT_EQ(items.statistics().getters + items.statistics().joiners, 0U);
  });
}

// clk.6
// Exposes: sync/basic_queue.put
TEST(everywhere, an_item_that_was_not_put_is_intact) {
  cancel_everywhere([](trial& t) -> task<void> {
    queue<std::unique_ptr<int>> items(1);
    std::vector<std::unique_ptr<int>> mine;
    for (int i = 0; i < 3; ++i) mine.push_back(std::make_unique<int>(i));
    const auto produce = [&]() -> task<void> {
      for (auto& item : mine) co_await items.put(std::move(item));
    };
    std::vector<int> taken;
    auto consumer = spawn([&]() -> task<void> {
      for (;;) {
        co_await sleep(1s);
        const auto item = co_await items.get();
        taken.push_back(*item);
      }
    });
    const auto ended = co_await t.expose(produce());
    expect_value_when_undisturbed(t, ended);
    co_await sleep(10s);
    std::size_t kept = 0;
    for (const auto& item : mine) kept += item != nullptr ? 1U : 0U;
    EXPECT_EQ(kept + taken.size(), 3U);
    EXPECT_EQ(items.statistics().putters, 0U);
    consumer.cancel();
  });
}

// clk.6
// Exposes: sync/shared_mutex.lock sync/shared_mutex.lock_shared
TEST(everywhere, a_shared_mutex_is_free_in_the_end_and_goes_to_those_behind) {
  cancel_everywhere([](trial& t) -> task<void> {
    shared_mutex lock;
    int readers = 0;
    int writers = 0;
    const auto read = [&](duration d) -> task<void> {
      const auto guard = co_await lock.lock_shared();
      ++readers;
      EXPECT_EQ(writers, 0);
      const auto napped = co_await as_result(sleep(d));
      --readers;
    };
    const auto write = [&](duration d) -> task<void> {
      const auto guard = co_await lock.lock();
      EXPECT_EQ(++writers, 1);
      EXPECT_EQ(readers, 0);
      const auto napped = co_await as_result(sleep(d));
      --writers;
    };
    auto before = spawn(read, duration(1s));
    co_await testing::settle();
    // Waits behind the exposed writer, if that still waits then.
    auto behind = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      co_await read(1s);
      co_await write(1s);
    });
    const auto all = [&]() -> task<void> {
      co_await write(1s);
      co_await read(1s);
      co_await write(1s);
    };
    const auto ended = co_await t.expose(all());
    expect_value_when_undisturbed(t, ended);
    co_await before;
    co_await behind;
    EXPECT_EQ(readers + writers, 0);
    EXPECT_TRUE(lock.try_lock());
    EXPECT_EQ(lock.statistics().waiters + lock.statistics().readers, 0U);
  });
}

// clk.6
// Exposes: sync/condition_variable.wait
TEST(everywhere, a_condition_variable_loses_no_notification_and_gives_the_mutex_back) {
  cancel_everywhere([](trial& t) -> task<void> {
    mutex lock;
    condition_variable more;
    int stock = 0;
    int taken = 0;
    const auto take_one = [&]() -> task<void> {
      auto held = co_await lock.lock();
      auto waited = co_await as_result(more.wait(held, [&] { return stock > 0; }));
      EXPECT_TRUE(held.owns_lock());
      static_cast<void>(waited.value());
      --stock;
      ++taken;
    };
    auto producer = spawn([&]() -> task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await sleep(1s);
        const auto held = co_await lock.lock();
        ++stock;
        more.notify_one();
      }
    });
    auto behind = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      co_await take_one();
    });
    const auto exposed = [&]() -> task<void> {
      co_await take_one();
      auto held = co_await lock.lock();
      co_await more.wait(held);  // the third notification
    };
    const auto ended = co_await t.expose(exposed());
    expect_value_when_undisturbed(t, ended);
    co_await behind;
    co_await producer;
    EXPECT_EQ(stock + taken, 3);
    EXPECT_TRUE(lock.try_lock());
    EXPECT_EQ(more.statistics().waiters + lock.statistics().waiters, 0U);
  });
}

// clk.6
// Exposes: sync/barrier.arrive_and_wait
TEST(everywhere, an_arrival_at_a_barrier_counts_or_is_taken_back) {
  cancel_everywhere([](trial& t) -> task<void> {
    barrier round(2);
    int passed = 0;
    auto peer = spawn([&]() -> task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await sleep(1s * (i % 2));
        co_await round.arrive_and_wait();
      }
    });
    const auto arrive = [&]() -> task<void> {
      while (passed < 3) {
        const std::size_t index = co_await round.arrive_and_wait();
        EXPECT_LT(index, 2U);
        ++passed;
      }
    };
    const auto ended = co_await t.expose(arrive());
    expect_value_when_undisturbed(t, ended);
    co_await arrive();  // what is missing
    co_await peer;
    EXPECT_EQ(round.waiting(), 0U);
  });
}

// clk.6
// Exposes: sync/latch.wait
TEST(everywhere, a_latch_keeps_no_waiter_and_its_count) {
  cancel_everywhere([](trial& t) -> task<void> {
    latch ready(2);
    auto counter = spawn([&]() -> task<void> {
      co_await sleep(1s);
      ready.count_down();
      co_await sleep(1s);
      ready.count_down();
    });
    const auto twice = [&]() -> task<void> {
      co_await ready.wait();
      co_await ready.wait();
    };
    const auto ended = co_await t.expose(twice());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(ready.statistics().waiters, 0U);
    co_await counter;
    EXPECT_TRUE(ready.try_wait());
  });
}

// clk.6
// Exposes: sync/once.call
TEST(everywhere, a_once_succeeds_once_whoever_runs_it) {
  cancel_everywhere([](trial& t) -> task<void> {
    once loaded;
    int successes = 0;
    const auto load = [&]() -> task<void> {
      co_await sleep(1s);
      co_await yield();
      ++successes;
    };
    auto behind = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      co_await loaded.call(load);
    });
    const auto twice = [&]() -> task<void> {
      co_await loaded.call(load);
      co_await loaded.call(load);
    };
    const auto ended = co_await t.expose(twice());
    expect_value_when_undisturbed(t, ended);
    co_await behind;
    EXPECT_EQ(successes, 1);
    EXPECT_TRUE(loaded.done());
    EXPECT_EQ(loaded.statistics().waiters, 0U);
  });
}

/// A receiver of a channel with room for `capacity` items is disturbed; whoever receives after it gets the rest.
void expect_received_items_are_complete(std::size_t capacity) {
  cancel_everywhere([capacity](trial& t) -> task<void> {
    auto [tx, rx] = channel<std::unique_ptr<int>>(capacity);
    auto sender = spawn(
        [](channel_sender<std::unique_ptr<int>> to) -> task<void> {
          for (int i = 0; i < 4; ++i) {
            co_await to.send(std::make_unique<int>(i));
            co_await sleep(1s * (i % 2));
          }
        },
        std::move(tx));
    std::vector<int> taken;
    auto& from = rx;
    const auto receive = [&]() -> task<void> {
      while (auto item = co_await from.receive()) taken.push_back(**item);
    };
    const auto ended = co_await t.expose(receive());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(from.statistics().waiting_receivers, 0U);
    co_await receive();
    co_await sender;
    EXPECT_THAT(taken, ::testing::ElementsAre(0, 1, 2, 3));
  });
}

// clk.6
// Exposes: sync/channel.receive
TEST(everywhere, a_channel_loses_no_item_at_its_receivers) {
  expect_received_items_are_complete(0);
  expect_received_items_are_complete(1);
}

/// A sender is disturbed: what it did not send is intact, and the rest arrives in order.
void expect_unsent_items_are_intact(std::size_t capacity) {
  cancel_everywhere([capacity](trial& t) -> task<void> {
    auto [tx, rx] = channel<std::unique_ptr<int>>(capacity);
    std::vector<std::unique_ptr<int>> mine;
    for (int i = 0; i < 3; ++i) mine.push_back(std::make_unique<int>(i));
    std::vector<int> taken;
    auto& from = rx;
    auto receiver = spawn([&]() -> task<void> {
      while (auto item = co_await from.receive()) {
        taken.push_back(**item);
        co_await sleep(1s);
      }
    });
    auto& to = tx;
    const auto send = [&]() -> task<void> {
      for (auto& item : mine) co_await to.send(std::move(item));
    };
    const auto ended = co_await t.expose(send());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(to.statistics().waiting_senders, 0U);
    for (auto& item : mine) {
      if (item) co_await to.send(std::move(item));
    }
    to.close();
    co_await receiver;
    EXPECT_THAT(taken, ::testing::ElementsAre(0, 1, 2));
  });
}

// clk.6
// Exposes: sync/channel.send
TEST(everywhere, an_item_that_was_not_sent_is_intact) {
  expect_unsent_items_are_intact(0);
  expect_unsent_items_are_intact(1);
}

// clk.6
// Exposes: sync/broadcast.receive
TEST(everywhere, a_broadcast_receiver_keeps_its_position) {
  cancel_everywhere([](trial& t) -> task<void> {
    broadcast<int> news(8);
    auto mine = news.subscribe();
    auto sender = spawn([&]() -> task<void> {
      for (int i = 0; i < 4; ++i) {
        news.send(i);
        co_await sleep(1s * (i % 2));
      }
      news.close();
    });
    std::vector<int> seen;
    const auto receive = [&]() -> task<void> {
      while (const auto item = co_await mine.receive()) seen.push_back(*item);
    };
    const auto ended = co_await t.expose(receive());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(news.statistics().waiters, 0U);
    co_await receive();
    EXPECT_THAT(seen, ::testing::ElementsAre(0, 1, 2, 3));
    co_await sender;
  });
}

// clk.6
// Exposes: sync/watch.changed sync/watch.wait_for
TEST(everywhere, a_watch_loses_no_change) {
  cancel_everywhere([](trial& t) -> task<void> {
    watch<int> level(0);
    auto view = level.subscribe();
    auto setter = spawn([&]() -> task<void> {
      for (int i = 1; i <= 4; ++i) {
        co_await sleep(1s);
        level.set(i);
      }
      level.close();
    });
    int last = 0;
    const auto look = [&]() -> task<void> {
      last = co_await view.changed();
      last = co_await view.wait_for([](const int& value) { return value >= 3; });
      last = co_await view.changed();
    };
    const auto ended = co_await t.expose(look());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(level.statistics().waiters, 0U);
    while (last < 4) {
      const int next = co_await view.changed();
      EXPECT_GT(next, last) << "a change is seen once";
      last = next;
    }
    co_await setter;
  });
}

// clk.6
// Exposes: sync/select.select
TEST(everywhere, select_takes_what_it_gives_and_nothing_else) {
  cancel_everywhere([](trial& t) -> task<void> {
    auto [tx, rx] = channel<int>(1);
    queue<int> items(1);
    broadcast<int> news(8);
    auto mine = news.subscribe();
    auto& to = tx;
    auto& from = rx;
    const auto give = [&](int base) -> task<void> {
      for (int i = 0; i < 2; ++i) {
        co_await to.send(base + i);
        co_await items.put(base + 10 + i);
        news.send(base + 20 + i);
        co_await sleep(1s);
      }
    };
    auto first = spawn(give, 0);
    auto second = spawn(give, 100);
    std::vector<int> taken;
    const auto take = [&]() -> task<void> {
      while (taken.size() < 12) {
        const auto got = co_await select(from.receive(), items.get(), mine.receive());
        if (got.index() == 0) taken.push_back(std::get<0>(got).value());
        if (got.index() == 1) taken.push_back(std::get<1>(got));
        if (got.index() == 2) taken.push_back(std::get<2>(got).value());
      }
    };
    const auto ended = co_await t.expose(take());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(from.statistics().waiting_receivers + items.statistics().getters +
                  news.statistics().waiters,
              0U);
    co_await take();
    co_await first;
    co_await second;
    EXPECT_THAT(
        taken, ::testing::UnorderedElementsAre(0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121));
  });
}

// clk.6
// Exposes: sync/select.select
TEST(everywhere, select_holds_no_lock_and_no_permit_it_did_not_give) {
  cancel_everywhere([](trial& t) -> task<void> {
    mutex lock;
    semaphore permits(2);
    auto holder = spawn([&]() -> task<void> {
      const auto held = co_await lock.lock();
      const auto both = co_await permits.acquire(2);
      co_await sleep(1s);
    });
    co_await testing::settle();
    const auto either = [&]() -> task<void> {
      for (int i = 0; i < 3; ++i) {
        const auto got = co_await select(lock.lock(), permits.acquire(2));
        co_await sleep(1s);
      }
    };
    const auto ended = co_await t.expose(either());
    expect_value_when_undisturbed(t, ended);
    co_await holder;
    EXPECT_TRUE(lock.try_lock());
    EXPECT_EQ(permits.statistics().available, 2);
    EXPECT_EQ(permits.statistics().waiters + lock.statistics().waiters, 0U);
  });
}

/// Getter, putter and joiner of a queue of any order are disturbed: each item comes out once, join returns.
template <class Queue>
void expect_no_item_is_lost() {
  cancel_everywhere([](trial& t) -> task<void> {
    Queue items(1);
    int next = 0;
    std::vector<int> taken;
    const auto put = [&]() -> task<void> {
      while (next < 4) {
        co_await items.put(next);
        ++next;
      }
    };
    const auto get = [&]() -> task<void> {
      while (taken.size() < 4) {
        taken.push_back(co_await items.get());
        items.task_done();
        co_await sleep(1s);
      }
    };
    const auto use = [&]() -> task<void> {
      co_await gather(put(), get());
      co_await items.join();
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    co_await use();
    EXPECT_THAT(taken, ::testing::UnorderedElementsAre(0, 1, 2, 3));
    const auto now = items.statistics();
    EXPECT_EQ(now.getters + now.putters + now.joiners + now.size, 0U);
  });
}

// clk.6
// Exposes: sync/basic_queue.put sync/basic_queue.get sync/basic_queue.join
TEST(everywhere, queues_of_every_order_lose_no_item) {
  expect_no_item_is_lost<queue<int>>();
  expect_no_item_is_lost<lifo_queue<int>>();
  expect_no_item_is_lost<priority_queue<int>>();
}

}  // namespace
}  // namespace eddy
