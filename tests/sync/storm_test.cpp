// Tasks that come, give up and are cancelled at the same instants as they are served: nothing is lost or doubled,
// whatever the order, and the primitive works afterwards.
#include "storm.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/sync/barrier.hpp>
#include <eddy/sync/broadcast.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/sync/condition_variable.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/once.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/select.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/sync/shared_mutex.hpp>
#include <eddy/sync/watch.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using tests::draw;
using tests::some_seconds;
using tests::storm;

constexpr int rounds = 20;
constexpr int tasks = 40;

EDDY_TEST(storm, leaves_a_mutex_free_and_a_semaphore_full) {
  for (int round = 0; round < rounds; ++round) {
    mutex m;
    semaphore permits(3);
    int inside = 0;
    const auto use = [&](int) -> task<void> {
      const auto granted = co_await permits.acquire(1 + static_cast<std::ptrdiff_t>(draw(3)));
      co_await sleep(some_seconds(1));
      const auto held = co_await m.lock();
      EXPECT_EQ(inside++, 0);
      const auto rest = co_await as_result(sleep(some_seconds(1)));
      --inside;
      if (rest.is_cancelled()) throw cancelled(rest.cancellation());
    };
    co_await storm(tasks, use);
    EXPECT_FALSE(m.locked());
    EXPECT_EQ(permits.available(), 3);
    EXPECT_EQ(permits.statistics().waiters, 0u);
  }
}

EDDY_TEST(storm, leaves_a_shared_mutex_free) {
  for (int round = 0; round < rounds; ++round) {
    shared_mutex m;
    int readers = 0;
    int writers = 0;
    const auto use = [&](int number) -> task<void> {
      if (number % 4 == 0) {
        const auto held = co_await m.lock();
        ++writers;
        EXPECT_EQ(writers, 1);
        EXPECT_EQ(readers, 0);
        const auto rest = co_await as_result(sleep(some_seconds(1)));
        --writers;
      } else {
        const auto held = co_await m.lock_shared();
        ++readers;
        EXPECT_EQ(writers, 0);
        const auto rest = co_await as_result(sleep(some_seconds(2)));
        --readers;
      }
    };
    co_await storm(tasks, use);
    const auto whole = co_await m.lock();
    EXPECT_EQ(readers + writers, 0);
  }
}

EDDY_TEST(storm, loses_no_notification_that_reached_a_waiter) {
  for (int round = 0; round < rounds; ++round) {
    mutex m;
    condition_variable changed;
    int items = 0;
    int made = 0;
    int taken = 0;
    const auto use = [&](int number) -> task<void> {
      auto held = co_await m.lock();
      if (number % 2 == 0) {
        ++items;
        ++made;
        changed.notify_one();
      } else {
        while (items == 0) co_await changed.wait(held);
        EXPECT_TRUE(m.locked());
        --items;
        ++taken;
        if (items > 0) changed.notify_one();  // whoever was notified may have been cancelled since
      }
    };
    co_await storm(tasks, use);
    EXPECT_EQ(items, made - taken);
    EXPECT_FALSE(m.locked());
    EXPECT_EQ(changed.statistics().waiters, 0u);
  }
}

/// Every item that was accepted is received once, is still there, or was dropped by an immediate shutdown.
EDDY_TEST(storm, loses_and_doubles_no_item_of_a_queue_that_is_shut_down_meanwhile) {
  for (int round = 0; round < rounds; ++round) {
    queue<int> items(2);
    const bool immediate = round % 2 == 0;
    std::vector<int> accepted(tasks);
    std::vector<int> received(tasks);
    const auto use = [&](int number) -> task<void> {
      try {
        if (number % 2 == 0) {
          co_await items.put(number);
          ++accepted[static_cast<std::size_t>(number)];
        } else {
          const int item = co_await items.get();
          ++received[static_cast<std::size_t>(item)];
        }
      } catch (const error& failure) {
        EXPECT_EQ(failure.code(), errc::shut_down);
      }
    };
    auto closing = spawn([&]() -> task<void> {
      co_await sleep(7s);
      items.shutdown(immediate ? queue_shutdown::immediate : queue_shutdown::graceful);
    });
    co_await storm(tasks, use);
    co_await closing;
    int dropped = 0;
    while (!items.empty()) ++received[static_cast<std::size_t>(items.try_get().value())];
    for (std::size_t i = 0; i < accepted.size(); ++i) {
      EXPECT_LE(received[i], accepted[i]) << i;
      dropped += accepted[i] - received[i];
    }
    EXPECT_LE(dropped, immediate ? 2 : 0);
  }
}

EDDY_TEST(storm, carries_every_item_once_through_channels_that_are_selected_from) {
  for (int round = 0; round < rounds; ++round) {
    auto [left_in, left_out] = channel<int>(1);
    auto [right_in, right_out] = channel<int>(0);
    std::vector<int> sent(tasks);
    std::vector<int> received(tasks);
    const auto use = [&](int number) -> task<void> {
      if (number % 2 == 0) {
        auto which = co_await select(left_in.send(number), right_in.send(number));
        static_cast<void>(which);
        ++sent[static_cast<std::size_t>(number)];
      } else {
        auto got = co_await select(left_out.receive(), right_out.receive());
        const std::optional<int> item =
            got.index() == 0 ? std::get<0>(std::move(got)) : std::get<1>(std::move(got));
        if (item) ++received[static_cast<std::size_t>(*item)];
      }
    };
    co_await storm(tasks, use);
    while (auto rest = left_out.try_receive()) ++received[static_cast<std::size_t>(*rest)];
    EXPECT_EQ(sent, received);
  }
}

EDDY_TEST(storm, lets_every_receiver_see_the_last_value_and_each_item_at_most_once) {
  for (int round = 0; round < rounds; ++round) {
    watch<int> latest(0);
    broadcast<int> items(4);
    const auto use = [&](int) -> task<void> {
      auto seen = latest.subscribe();
      auto mine = items.subscribe();
      int last_seen = latest.get();
      int last_item = 0;
      for (;;) {
        co_await sleep(some_seconds(1));
        const int value = co_await seen.changed();
        EXPECT_GT(value, last_seen);
        last_seen = value;
        try {
          const auto item = co_await mine.receive();
          if (!item) co_return;
          EXPECT_GT(*item, last_item);
          last_item = *item;
        } catch (const lagged_error&) {
        }
      }
    };
    auto sending = spawn([&]() -> task<void> {
      for (int i = 1; i <= 200; ++i) {
        latest.set(i);
        items.send(i);
        if (i % 10 == 0) co_await sleep(1s);
      }
    });
    co_await storm(tasks, use);
    co_await sending;
    EXPECT_EQ(items.statistics().receivers, 0u);
  }
}

EDDY_TEST(storm, runs_a_once_until_it_succeeds_and_then_never_again) {
  for (int round = 0; round < rounds; ++round) {
    once setup;
    int running = 0;
    int succeeded = 0;
    const auto run = [&]() -> task<void> {
      ++running;
      EXPECT_EQ(running, 1);
      const auto rest = co_await as_result(sleep(1s + some_seconds(2)));
      --running;
      if (rest.is_cancelled()) throw cancelled(rest.cancellation());
      if (draw(3) == 0) throw std::runtime_error("fails");
      ++succeeded;
    };
    const auto use = [&](int) -> task<void> {
      try {
        co_await setup.call(run);
        EXPECT_EQ(succeeded, 1);
      } catch (const std::runtime_error&) {
      }
    };
    co_await storm(tasks, use);
    EXPECT_EQ(running, 0);
    EXPECT_LE(succeeded, 1);
  }
}

EDDY_TEST(same_instant, a_barrier_that_is_aborted_as_one_gives_up_fails_the_others) {
  barrier round(3);
  auto first = spawn([&]() -> task<void> { co_await round.arrive_and_wait(); });
  auto second = spawn([&]() -> task<void> { co_await round.arrive_and_wait(); });
  co_await settle();
  first.cancel();
  round.abort();
  second.cancel();  // too late: it has failed
  const auto ended = co_await as_result(second);
  EXPECT_TRUE(ended.has_error());
  co_await settle();
  EXPECT_EQ(first.status(), coro::task_status::cancelled);
  EXPECT_EQ(second.status(), coro::task_status::failed);
  EXPECT_EQ(round.waiting(), 0u);
}

EDDY_TEST(same_instant, a_queue_that_is_shut_down_as_both_sides_wait_elsewhere_ends_all_of_them) {
  queue<int> full(1);
  queue<int> empty(1);
  co_await full.put(1);
  auto put = spawn([&]() -> task<void> { co_await full.put(2); });
  auto get = spawn([&]() -> task<int> { co_return co_await empty.get(); });
  auto cancelled_one = spawn([&]() -> task<int> { co_return co_await empty.get(); });
  co_await settle();
  cancelled_one.cancel();
  full.shutdown(queue_shutdown::immediate);
  empty.shutdown(queue_shutdown::graceful);
  const auto putting = co_await as_result(put);
  const auto getting = co_await as_result(get);
  EXPECT_TRUE(putting.has_error());
  EXPECT_TRUE(getting.has_error());
  co_await settle();
  EXPECT_EQ(cancelled_one.status(), coro::task_status::cancelled);
  EXPECT_EQ(get.status(), coro::task_status::failed);
}

}  // namespace
}  // namespace eddy
