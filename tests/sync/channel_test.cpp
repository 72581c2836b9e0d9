#include <eddy/sync/channel.hpp>

#include "error_code.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: chan.1 chan.2 chan.3 chan.4 chan.5 chan.6 chan.7 chan.8

namespace eddy {
namespace {

using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

// Tasks that send or receive one item each, in order of arrival, and what came of it.
struct exchange {
  explicit exchange(std::size_t capacity) : c(capacity) {}

  channel<std::string> c;
  std::vector<std::string> got;
  std::vector<std::unique_ptr<std::string>> items;  // what senders own
  std::vector<task_handle<>> receivers;
  std::vector<task_handle<>> senders;
  int ended = 0;
  int closed = 0;

  task<void> receive_one(channel<std::string>::receiver& from) {
    try {
      auto item = co_await from.receive();
      if (item) {
        got.push_back(*item);
      } else {
        ++ended;
      }
      co_await yield();  // where a task that was cancelled after the grant is stopped
    } catch (const error& e) {
      if (e != errc::closed) throw;
      ++closed;
    }
  }
  task<void> send_one(channel<std::string>::sender& to, std::string& item) {
    try {
      co_await to.send(std::move(item));
    } catch (const error& e) {
      if (e != errc::closed) throw;
      ++closed;
    }
  }
  task<void> add_receiver(channel<std::string>::receiver& from) {
    receivers.push_back(spawn([this, &from] { return receive_one(from); }));
    co_await settle();
  }
  task<void> add_receiver() { return add_receiver(c.rx); }
  task<void> add_sender(channel<std::string>::sender& to, std::string item) {
    items.push_back(std::make_unique<std::string>(std::move(item)));
    senders.push_back(spawn([this, &to, &own = *items.back()] { return send_one(to, own); }));
    co_await settle();
  }
  task<void> add_sender(const char* item) { return add_sender(c.tx, item); }
};

EDDY_TEST(channel, carries_items_in_order_to_the_end) {
  auto [tx, rx] = channel<std::string>(2);
  auto producer = spawn(
      [](channel<std::string>::sender to) -> task<void> {
        for (const char* word : {"one", "two", "three", "four"}) co_await to.send(word);
      },
      std::move(tx));
  std::vector<std::string> got;
  while (auto word = co_await rx.receive()) got.push_back(*word);
  EXPECT_THAT(got, ElementsAre("one", "two", "three", "four"));
  EXPECT_TRUE(rx.at_end());
  co_await producer;
}

EDDY_TEST(channel, without_a_buffer_sends_only_together_with_a_receipt) {  // chan.1
  exchange x(0);
  EXPECT_FALSE(x.c.tx.try_send("nobody waits"));
  EXPECT_EQ(x.c.rx.try_receive(), std::nullopt);
  co_await x.add_sender("a");
  co_await x.add_sender("b");
  EXPECT_EQ(x.c.tx.statistics().waiting_senders, 2u);
  EXPECT_FALSE(x.senders[0].done());
  EXPECT_EQ(x.c.rx.try_receive(), "a");
  auto b = co_await x.c.rx.receive();
  EXPECT_EQ(b, "b");
  co_await settle();
  EXPECT_TRUE(x.senders[0].done());
  EXPECT_TRUE(x.senders[1].done());

  co_await x.add_receiver();
  const auto turns = coro::scheduler::require().turns();
  co_await x.c.tx.send("c");
  EXPECT_EQ(coro::scheduler::require().turns(), turns) << "a receiver was there";
  co_await x.add_receiver();
  EXPECT_TRUE(x.c.tx.try_send("d"));
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("c", "d"));
}

EDDY_TEST(channel, ends_for_receivers_when_the_last_sender_is_closed) {  // chan.2
  auto [tx, rx] = channel<int>(3);
  co_await tx.send(1);
  co_await tx.send(2);
  tx.close();
  EXPECT_FALSE(rx.at_end());
  for (const int expected : {1, 2}) {
    const auto item = co_await rx.receive();
    EXPECT_EQ(item, expected);
  }
  EXPECT_TRUE(rx.at_end());
  for (int i = 0; i < 3; ++i) {
    const auto end = co_await rx.receive();
    EXPECT_EQ(end, std::nullopt);
  }
  EXPECT_EQ(rx.try_receive(), std::nullopt);
}

EDDY_TEST(channel, lets_waiting_senders_finish_before_the_end) {  // chan.2
  exchange x(0);
  auto second = x.c.tx;
  co_await x.add_sender("a");
  second.close();
  EXPECT_FALSE(x.c.rx.at_end());
  EXPECT_EQ(x.c.rx.try_receive(), "a");
  co_await x.add_receiver();
  co_await x.add_receiver();
  x.c.tx.close();
  co_await settle();
  EXPECT_EQ(x.ended, 2);
  EXPECT_EQ(x.closed, 0);
}

EDDY_TEST(channel, fails_senders_when_the_last_receiver_is_closed) {  // chan.3
  exchange x(1);
  co_await x.c.tx.send("is destroyed unread");
  co_await x.add_sender("waits for a place in the buffer");
  x.c.rx.close();
  co_await settle();
  EXPECT_EQ(x.closed, 1);
  EXPECT_EQ(*x.items[0], "waits for a place in the buffer") << "intact";
  EXPECT_TRUE(x.c.tx.closed());
  EXPECT_EQ(x.c.tx.statistics().size, 0u);
  std::string late = "comes after the last receiver";
  const auto sent = co_await as_result(x.c.tx.send(std::move(late)));
  EXPECT_EQ(code_of(sent), errc::closed);
  EXPECT_EQ(late, "comes after the last receiver");
  EXPECT_EQ(code_thrown_by([&] { static_cast<void>(x.c.tx.try_send(std::move(late))); }),
            errc::closed);
  EXPECT_EQ(late, "comes after the last receiver");
}

EDDY_TEST(channel, counts_its_handles_and_wakes_only_those_of_a_closed_one) {  // chan.4
  exchange x(0);
  auto other_rx = x.c.rx;
  co_await x.add_receiver();
  co_await x.add_receiver(other_rx);
  EXPECT_EQ(x.c.tx.statistics().receivers, 2u);
  other_rx.close();
  co_await settle();
  EXPECT_EQ(x.closed, 1) << "the one that waited on the closed handle";
  EXPECT_FALSE(x.receivers[0].done());
  EXPECT_FALSE(x.c.tx.closed());
  co_await x.c.tx.send("a");
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));

  auto other_tx = x.c.tx;
  co_await x.add_sender("b");
  co_await x.add_sender(other_tx, "c");
  other_tx.close();
  co_await settle();
  EXPECT_EQ(x.closed, 2);
  EXPECT_EQ(*x.items[1], "c");
  EXPECT_FALSE(x.senders[0].done());
  EXPECT_EQ(x.c.rx.try_receive(), "b");
  EXPECT_FALSE(x.c.rx.at_end());
  x.c.tx.close();
  EXPECT_TRUE(x.c.rx.at_end());
}

EDDY_TEST(channel, fails_the_use_of_a_closed_handle) {  // chan.4
  auto [tx, rx] = channel<int>(1);
  auto open_tx = tx;
  auto open_rx = rx;
  tx.close();
  tx.close();
  rx.close();
  const auto sent = co_await as_result(tx.send(1));
  EXPECT_EQ(code_of(sent), errc::closed);
  const auto received = co_await as_result(rx.receive());
  EXPECT_EQ(code_of(received), errc::closed);
  EXPECT_EQ(code_thrown_by([&] { static_cast<void>(rx.try_receive()); }), errc::closed);
  EXPECT_TRUE(open_tx.try_send(2));
  EXPECT_EQ(open_rx.try_receive(), 2);
  auto made_before = open_rx.receive();
  open_rx.close();
  const auto too_late = co_await as_result(std::move(made_before));
  EXPECT_EQ(code_of(too_late), errc::closed);
}

EDDY_TEST(channel, handles_may_move_while_tasks_wait_on_them) {
  exchange x(0);
  auto other = x.c.rx;
  co_await x.add_receiver(other);
  auto moved = std::move(other);
  EXPECT_EQ(moved.statistics().receivers, 2u);
  moved = x.c.rx;
  co_await settle();
  EXPECT_EQ(x.closed, 1) << "assigned to, the old handle is closed";
}

EDDY_TEST(channel, gives_the_item_to_the_next_when_a_receiver_was_withdrawn_before) {  // chan.5
  exchange x(1);
  co_await x.add_receiver();
  co_await x.add_receiver();
  x.receivers[0].cancel();
  EXPECT_TRUE(x.c.tx.try_send("a"));
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));
  EXPECT_EQ(x.receivers[0].status(), coro::task_status::cancelled);

  co_await x.add_receiver();
  x.receivers[2].cancel();
  EXPECT_TRUE(x.c.tx.try_send("b"));
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a"));
  EXPECT_EQ(x.c.rx.try_receive(), "b") << "in the buffer";
}

EDDY_TEST(channel, hides_an_item_that_was_handed_to_a_receiver) {  // chan.6
  exchange x(1);
  co_await x.add_receiver();
  EXPECT_TRUE(x.c.tx.try_send("a"));
  EXPECT_EQ(x.c.rx.try_receive(), std::nullopt);
  x.receivers[0].cancel();
  x.c.tx.close();
  x.c.rx.close();
  co_await settle();
  EXPECT_THAT(x.got, ElementsAre("a")) << "granted before all of that";
  EXPECT_EQ(x.receivers[0].status(), coro::task_status::cancelled) << "at its next operation";
}

EDDY_TEST(channel, is_not_affected_by_what_is_cancelled_before_it_completed) {  // chan.7
  exchange x(1);
  co_await x.c.tx.send("0");
  for (const char* item : {"the first in the queue", "the second in the queue", "third"}) {
    co_await x.add_sender(item);
  }
  x.senders[1].cancel();
  EXPECT_EQ(x.c.tx.statistics().waiting_senders, 2u);
  EXPECT_EQ(*x.items[1], "the second in the queue");
  std::vector<std::string> all;
  while (auto item = x.c.rx.try_receive()) all.push_back(*item);
  EXPECT_THAT(all, ElementsAre("0", "the first in the queue", "third"));
  co_await settle();

  EXPECT_TRUE(x.c.tx.try_send("stays"));
  std::string own = "keeps its owner";
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto received = co_await as_result(x.c.rx.receive());
    EXPECT_TRUE(received.is_cancelled());
    co_await x.c.tx.send(std::move(own));
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(own, "keeps its owner");
  EXPECT_EQ(x.c.tx.statistics().size, 1u);
}

task<void> produce(channel<std::unique_ptr<int>>::sender to, int first) {
  for (int i = first; i < first + 50; ++i) {
    auto item = std::make_unique<int>(i);
    co_await to.send(std::move(item));
    if (i % 7 == 0) co_await yield();
  }
}

task<void> consume(channel<std::unique_ptr<int>>::receiver from, std::vector<int>& into) {
  while (auto item = co_await from.receive()) into.push_back(**item);
}

task<void> many_to_many(std::size_t capacity) {
  std::vector<int> seen;
  co_await with_group([&](task_group& g) -> task<void> {
    auto [tx, rx] = channel<std::unique_ptr<int>>(capacity);
    for (int producer = 0; producer < 4; ++producer) g.spawn(produce(tx, producer * 50));
    for (int consumer = 0; consumer < 3; ++consumer) g.spawn(consume(rx, seen));
    co_return;
  });
  std::ranges::sort(seen);
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
}

EDDY_TEST(channel, carries_every_item_once_between_many_and_all_end) {  // chan.8
  for (const std::size_t capacity : {0u, 1u, 16u}) co_await many_to_many(capacity);
}

EDDY_TEST(channel, unlimited_never_makes_a_sender_wait) {
  auto [tx, rx] = channel<int>(channel<int>::unlimited);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(tx.try_send(i));
  EXPECT_EQ(rx.statistics().size, 1000u);
  EXPECT_EQ(rx.try_receive(), 0);
  co_return;
}

// An item that uses its own channel when it is destroyed.
struct echo {
  channel_sender<echo>* back = nullptr;
  int* refused = nullptr;
  echo(channel_sender<echo>* to, int* count) noexcept : back(to), refused(count) {}
  echo(echo&& other) noexcept : back(std::exchange(other.back, nullptr)), refused(other.refused) {}
  echo& operator=(echo&&) = delete;
  ~echo() {
    if (back != nullptr && back->closed()) ++*refused;
  }
};

EDDY_TEST(channel, destroys_unreceived_items_once_and_last) {
  int refused = 0;
  auto [tx, rx] = channel<echo>(2);
  EXPECT_TRUE(tx.try_send(echo(&tx, &refused)));
  EXPECT_TRUE(tx.try_send(echo(&tx, &refused)));
  rx.close();
  EXPECT_EQ(refused, 2);
  co_return;
}

}  // namespace
}  // namespace eddy
