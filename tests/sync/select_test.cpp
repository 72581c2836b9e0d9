#include <eddy/sync/select.hpp>

#include "error_code.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/sync/broadcast.hpp>
#include <eddy/sync/channel.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/sync/shared_mutex.hpp>
#include <eddy/sync/watch.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: race.9, and for select the rules of section 2 that operations follow

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using tests::code_of;

// Two channels and a task that selects from both again and again.
struct two_channels {
  channel<int> a{4};
  channel<int> b{4};
  std::vector<int> got;

  task<void> select_once() {
    auto r = co_await select(a.rx.receive(), b.rx.receive());
    const auto item = r.index() == 0 ? std::get<0>(r) : std::get<1>(r);
    got.push_back(item.value_or(-1));
    co_await yield();  // where a task that was cancelled after the grant is stopped
  }
  [[nodiscard]] std::size_t waiters() const {
    return a.rx.statistics().waiting_receivers + b.rx.statistics().waiting_receivers;
  }
};

EDDY_TEST(select, takes_the_first_in_the_list_that_can_be_done_at_once) {
  two_channels c;
  EXPECT_TRUE(c.b.tx.try_send(2));
  EXPECT_TRUE(c.a.tx.try_send(1));
  const auto turns = coro::scheduler::require().turns();
  for (int i = 0; i < 2; ++i) {
    auto r = co_await select(c.a.rx.receive(), c.b.rx.receive());
    EXPECT_EQ(r.index(), static_cast<std::size_t>(i));
  }
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
  EXPECT_EQ(c.waiters(), 0u);
}

EDDY_TEST(select, waits_in_all_queues_and_leaves_them_with_the_grant) {
  two_channels c;
  auto selecting = spawn([&] { return c.select_once(); });
  co_await settle();
  EXPECT_EQ(c.waiters(), 2u);
  const coro::wait_info waits = selecting.state().waiting_on()->describe();
  EXPECT_EQ(waits.kind, "select");
  EXPECT_EQ(waits.detail, "channel.receive, channel.receive");
  EXPECT_TRUE(c.b.tx.try_send(2));
  EXPECT_EQ(c.waiters(), 0u) << "before the task has run";
  EXPECT_TRUE(c.a.tx.try_send(1));
  co_await settle();
  EXPECT_THAT(c.got, ElementsAre(2));
  EXPECT_EQ(c.a.rx.try_receive(), 1) << "the other channel lost nothing";
  EXPECT_TRUE(selecting.done());
}

EDDY_TEST(select, keeps_its_place_in_every_queue) {
  two_channels c;
  std::vector<std::string> order;
  std::vector<task_handle<>> tasks;
  const auto plain = [&](std::string name) -> task<void> {
    static_cast<void>(co_await c.a.rx.receive());
    order.push_back(name);
  };
  tasks.push_back(spawn(plain, "first"));
  co_await settle();
  tasks.push_back(spawn([&] { return c.select_once(); }));
  co_await settle();
  tasks.push_back(spawn(plain, "third"));
  co_await settle();
  for (int i = 1; i < 4; ++i) {
    EXPECT_TRUE(c.a.tx.try_send(i));
    co_await settle();
    EXPECT_EQ(c.got.size(), i >= 2 ? 1u : 0u);
  }
  EXPECT_THAT(order, ElementsAre("first", "third"));
  EXPECT_THAT(c.got, ElementsAre(2));
}

EDDY_TEST(select, withdraws_all_when_it_is_cancelled) {
  two_channels c;
  auto selecting = spawn([&] { return c.select_once(); });
  co_await settle();
  selecting.cancel();
  EXPECT_EQ(c.waiters(), 0u) << "inside the cancel call";
  EXPECT_TRUE(c.a.tx.try_send(1));
  EXPECT_TRUE(c.b.tx.try_send(2));
  co_await settle();
  EXPECT_EQ(selecting.status(), coro::task_status::cancelled);
  EXPECT_EQ(c.a.rx.try_receive(), 1);
  EXPECT_EQ(c.b.rx.try_receive(), 2);
}

EDDY_TEST(select, delivers_what_was_granted_before_the_cancellation) {
  two_channels c;
  auto selecting = spawn([&] { return c.select_once(); });
  co_await settle();
  EXPECT_TRUE(c.a.tx.try_send(1));
  selecting.cancel();
  EXPECT_TRUE(c.b.tx.try_send(2));
  co_await settle();
  EXPECT_THAT(c.got, ElementsAre(1));
  EXPECT_EQ(selecting.status(), coro::task_status::cancelled) << "at its next operation";
  EXPECT_EQ(c.b.rx.try_receive(), 2);
}

EDDY_TEST(select, is_refused_in_a_cancelled_scope_although_something_is_there) {
  two_channels c;
  EXPECT_TRUE(c.a.tx.try_send(1));
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    static_cast<void>(co_await select(c.a.rx.receive(), c.b.rx.receive()));
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(c.a.rx.try_receive(), 1);
}

EDDY_TEST(select, gives_the_end_of_a_closed_channel_as_its_result) {
  two_channels c;
  auto selecting = spawn([&] { return c.select_once(); });
  co_await settle();
  c.b.tx.close();
  co_await selecting;
  EXPECT_THAT(c.got, ElementsAre(-1));
  auto r = co_await select(c.b.rx.receive(), c.a.rx.receive());
  EXPECT_EQ(r.index(), 0u);
  EXPECT_EQ(std::get<0>(r), std::nullopt);
}

EDDY_TEST(select, throws_what_the_granted_operation_throws_and_keeps_the_others_items) {
  channel<std::string> full(1);
  queue<int> q(1);
  co_await full.tx.send("fills it");
  std::string own = "stays with its owner, and is long";
  auto selecting = spawn([&]() -> task<void> {
    static_cast<void>(co_await select(full.tx.send(std::move(own)), q.get()));
  });
  co_await settle();
  q.shutdown();
  auto failed = co_await as_result(selecting);
  EXPECT_EQ(code_of(failed), errc::shut_down);
  EXPECT_EQ(own, "stays with its owner, and is long");
  EXPECT_EQ(full.tx.statistics().waiting_senders, 0u);
}

EDDY_TEST(select, sends_or_receives_whichever_comes_first) {
  channel<std::string> out(0);
  channel<int> in(0);
  std::string own = "sent only once";
  auto selecting = spawn([&]() -> task<std::size_t> {
    const auto r = co_await select(out.tx.send(std::move(own)), in.rx.receive());
    co_return r.index();
  });
  co_await settle();
  EXPECT_EQ(out.rx.try_receive(), "sent only once");
  const std::size_t done = co_await selecting;
  EXPECT_EQ(done, 0u);
  EXPECT_FALSE(in.tx.try_send(1)) << "nobody waits for it any more";
}

EDDY_TEST(select, that_sends_and_receives_on_one_channel_does_not_serve_itself) {
  channel<int> c(0);
  std::vector<std::size_t> done;
  const auto either = [&](int item) -> task<void> {
    const auto r = co_await select(c.tx.send(std::move(item)), c.rx.receive());
    done.push_back(r.index());
  };
  auto first = spawn(either, 1);
  co_await settle();
  EXPECT_FALSE(first.done());
  auto second = spawn(either, 2);
  co_await settle();
  EXPECT_TRUE(first.done());
  EXPECT_TRUE(second.done());
  EXPECT_THAT(done, UnorderedElementsAre(0u, 1u));
  EXPECT_EQ(c.tx.statistics().waiting_senders + c.tx.statistics().waiting_receivers, 0u);
}

EDDY_TEST(select, takes_operations_of_every_kind) {
  event stop;
  mutex m;
  shared_mutex s;
  semaphore permits(1);
  queue<std::unique_ptr<int>> q(1);
  broadcast<int> news(2);
  watch<int> value(0);
  auto reader = news.subscribe();
  auto seen = value.subscribe();
  auto held = co_await m.lock();
  auto alone = co_await s.lock();
  auto taken = co_await permits.acquire();
  int rounds = 0;
  auto selecting = spawn([&]() -> task<void> {
    for (; rounds < 7; ++rounds) {
      auto r = co_await select(m.lock(), s.lock_shared(), permits.acquire(), q.get(),
                               reader.receive(), seen.changed(), stop.wait());
      EXPECT_EQ(r.index(), static_cast<std::size_t>(rounds));
      switch (r.index()) {
        case 0: EXPECT_TRUE(std::get<0>(r).owns_lock()); break;
        case 1: EXPECT_TRUE(std::get<1>(r).owns_lock()); break;
        case 2: EXPECT_EQ(std::get<2>(r).permits(), 1); break;
        case 3: EXPECT_EQ(*std::get<3>(r), 3); break;
        case 4: EXPECT_EQ(std::get<4>(r), 4); break;
        case 5: EXPECT_EQ(std::get<5>(r), 5); break;
        default: co_return;
      }
    }
  });
  co_await settle();
  // Given up and asked for again in one step: the select has each for a single round.
  held.unlock();
  held = co_await m.lock();
  co_await settle();
  alone.unlock();
  alone = co_await s.lock();
  co_await settle();
  taken.release();
  taken = co_await permits.acquire();
  co_await settle();
  auto item = std::make_unique<int>(3);
  EXPECT_TRUE(q.try_put(std::move(item)));
  co_await settle();
  news.send(4);
  co_await settle();
  value.set(5);
  co_await settle();
  EXPECT_EQ(rounds, 6);
  EXPECT_EQ(m.statistics().waiters, 1u);
  EXPECT_EQ(permits.statistics().waiters, 1u);
  stop.set();
  co_await selecting;
  EXPECT_EQ(m.statistics().waiters, 0u);
  EXPECT_EQ(s.statistics().waiters, 0u);
  EXPECT_EQ(permits.statistics().waiters, 0u);
  EXPECT_EQ(q.statistics().getters, 0u);
  EXPECT_EQ(news.statistics().waiters, 0u);
  EXPECT_EQ(value.statistics().waiters, 0u);
}

EDDY_TEST(select, lets_others_in_who_waited_behind_what_it_withdraws) {
  semaphore permits(4);
  event other;
  auto held = co_await permits.acquire(2);
  auto selecting = spawn([&]() -> task<void> {
    static_cast<void>(co_await select(permits.acquire(4), other.wait()));
  });
  co_await settle();
  auto behind = spawn([&]() -> task<void> { const auto two = co_await permits.acquire(2); });
  co_await settle();
  EXPECT_FALSE(behind.done());
  other.set();
  EXPECT_EQ(permits.available(), 0) << "granted in the same step";
  co_await selecting;
  co_await behind;
}

EDDY_TEST(select, is_granted_one_operation_even_if_a_withdrawal_frees_another_of_its_own) {
  semaphore permits(4);
  event other;
  const auto held = co_await permits.acquire(2);
  std::vector<std::size_t> done;
  const auto wait_for_any = [&]() -> task<void> {
    // The second acquire fits as soon as the first one is gone.
    const auto r = co_await select(permits.acquire(4), permits.acquire(2), other.wait());
    done.push_back(r.index());
  };
  auto third = co_await permits.acquire();
  auto selecting = spawn(wait_for_any);
  co_await settle();
  third.release();
  EXPECT_EQ(permits.statistics().waiters, 2u) << "the second behind the first";
  other.set();
  EXPECT_EQ(permits.available(), 2);
  co_await selecting;
  EXPECT_THAT(done, ElementsAre(2u));

  other.clear();
  third = co_await permits.acquire();
  auto cancelled = spawn(wait_for_any);
  co_await settle();
  third.release();
  cancelled.cancel();
  EXPECT_EQ(permits.available(), 2);
  co_await settle();
  EXPECT_EQ(cancelled.status(), coro::task_status::cancelled);
  EXPECT_EQ(permits.available(), 2);
}

EDDY_TEST(select, loses_nothing_when_withdrawals_go_round_in_a_circle) {
  semaphore a(2);
  semaphore b(2);
  auto held_a = co_await a.acquire();
  auto held_b = co_await b.acquire();
  event go;
  std::vector<int> order;
  // The first waits for all of a, or one of b, behind the second, which waits for all of b, or one of a.
  auto first = spawn([&]() -> task<void> {
    auto r = co_await select(a.acquire(2), go.wait());
    order.push_back(r.index() == 0 ? 10 : 11);
  });
  co_await settle();
  auto second = spawn([&]() -> task<void> {
    auto r = co_await select(b.acquire(2), a.acquire(1));
    order.push_back(r.index() == 0 ? 20 : 21);
  });
  co_await settle();
  auto third = spawn([&]() -> task<void> {
    auto r = co_await select(b.acquire(1), go.wait());
    order.push_back(r.index() == 0 ? 30 : 31);
  });
  co_await settle();
  go.set();  // first goes; behind it second gets one of a, leaves b, and third could have had one of b
  co_await first;
  co_await second;
  co_await third;
  EXPECT_THAT(order, UnorderedElementsAre(11, 21, 30));
  EXPECT_EQ(a.available(), 1);
  EXPECT_EQ(b.available(), 1);
  EXPECT_EQ(a.statistics().waiters + b.statistics().waiters, 0u);
}

EDDY_TEST(select, does_not_advance_a_second_receiver_of_the_same_broadcast) {
  broadcast<int> news(4);
  auto one = news.subscribe();
  auto two = news.subscribe();
  auto selecting = spawn([&]() -> task<std::size_t> {
    const auto r = co_await select(one.receive(), two.receive());
    co_return r.index();
  });
  co_await settle();
  EXPECT_EQ(news.send(1), 2u);
  const std::size_t done = co_await selecting;
  EXPECT_EQ(done, 0u);
  EXPECT_EQ(one.try_receive(), std::nullopt);
  EXPECT_EQ(two.try_receive(), 1);
}

EDDY_TEST(try_select, does_what_can_be_done_at_once_or_nothing) {
  two_channels c;
  EXPECT_FALSE(try_select(c.a.rx.receive(), c.b.rx.receive()).has_value());
  EXPECT_EQ(c.waiters(), 0u);
  EXPECT_TRUE(c.b.tx.try_send(2));
  auto r = try_select(c.a.rx.receive(), c.b.rx.receive());
  EDDY_REQUIRE(r.has_value());
  EXPECT_EQ(r->index(), 1u);
  EXPECT_EQ(std::get<1>(*r), 2);
  mutex m;
  {
    auto locked = try_select(m.lock());
    EXPECT_TRUE(locked.has_value());
    EXPECT_EQ(m.statistics().holder, current_task());
  }
  EXPECT_FALSE(m.locked());
  co_return;
}

EDDY_TEST(select, loses_and_doubles_nothing_among_many) {
  constexpr int items = 300;
  std::vector<int> seen;
  co_await with_group([&](task_group& g) -> task<void> {
    channel<int> a(0);
    channel<int> b(2);
    const auto produce = [](channel<int>::sender x, channel<int>::sender y,
                            int first) -> task<void> {
      for (int i = first; i < first + items / 3; ++i) {
        static_cast<void>(co_await select(x.send(i), y.send(i)));
      }
    };
    const auto consume = [&seen](channel<int>::receiver x, channel<int>::receiver y) -> task<void> {
      for (;;) {
        auto r = co_await select(y.receive(), x.receive());
        const auto item = r.index() == 0 ? std::get<0>(r) : std::get<1>(r);
        if (!item) break;
        seen.push_back(*item);
        if (*item % 5 == 0) co_await yield();
      }
      while (auto item = co_await x.receive()) seen.push_back(*item);
      while (auto item = co_await y.receive()) seen.push_back(*item);
    };
    for (int p = 0; p < 3; ++p) g.spawn(produce, a.tx, b.tx, p * items / 3);
    for (int i = 0; i < 3; ++i) g.spawn(consume, a.rx, b.rx);
    co_return;
  });
  std::ranges::sort(seen);
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(items));
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
}

EDDY_TEST(race, losers_on_queues_channels_locks_and_semaphores_took_nothing) {  // race.9
  queue<int> q(1);
  auto [tx, rx] = channel<int>(1);
  mutex m;
  shared_mutex s;
  semaphore permits(1);
  auto held = co_await m.lock();
  auto alone = co_await s.lock();
  auto taken = co_await permits.acquire();
  auto r = co_await race(q.get(), rx.receive(), m.lock(), s.lock(), permits.acquire(), sleep(1s));
  EXPECT_EQ(r.index(), 5u);
  EXPECT_EQ(q.statistics().getters, 0u);
  EXPECT_EQ(rx.statistics().waiting_receivers, 0u);
  EXPECT_EQ(m.statistics().waiters, 0u);
  EXPECT_EQ(s.statistics().waiters, 0u);
  EXPECT_EQ(permits.statistics().waiters, 0u);
  EXPECT_TRUE(q.try_put(1));
  EXPECT_TRUE(tx.try_send(2));
  held.unlock();
  alone.unlock();
  taken.release();
  EXPECT_EQ(q.try_get(), 1);
  EXPECT_EQ(rx.try_receive(), 2);
  EXPECT_TRUE(m.try_lock().has_value());
  EXPECT_TRUE(s.try_lock().has_value());
  EXPECT_EQ(permits.available(), 1);
}

EDDY_TEST(race, loser_that_puts_or_sends_keeps_its_item) {  // race.9
  queue<std::string> q(1);
  channel<std::string> c(0);
  co_await q.put("fills it");
  std::string to_put = "stays where it is, unless accepted";
  std::string to_send = "this one stays as well";
  auto r = co_await race(q.put(std::move(to_put)), c.tx.send(std::move(to_send)), sleep(1s));
  EXPECT_EQ(r.index(), 2u);
  EXPECT_EQ(to_put, "stays where it is, unless accepted");
  EXPECT_EQ(to_send, "this one stays as well");
  EXPECT_EQ(q.statistics().putters, 0u);
  EXPECT_EQ(c.tx.statistics().waiting_senders, 0u);
}

}  // namespace
}  // namespace eddy
