#include <eddy/sync/broadcast.hpp>

#include "error_code.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: bcast.1 bcast.2 bcast.3 bcast.4

namespace eddy {
namespace {

using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_of;
using tests::code_thrown_by;

// Receives until the end; a number missed is noted as its negative.
task<void> collect(broadcast<int>::receiver from, std::vector<int>& into) {
  for (;;) {
    try {
      const auto item = co_await from.receive();
      if (!item) co_return;
      into.push_back(*item);
    } catch (const lagged_error& e) {
      into.push_back(-static_cast<int>(e.missed()));
    }
  }
}

EDDY_TEST(broadcast, gives_every_item_to_every_receiver_subscribed_by_then) {  // bcast.1
  broadcast<int> b(8);
  auto first = b.subscribe();
  EXPECT_EQ(b.send(1), 1u);
  auto second = b.subscribe();
  EXPECT_EQ(b.send(2), 2u);
  EXPECT_EQ(b.send(3), 2u);
  for (const int expected : {1, 2, 3}) {
    const auto item = co_await first.receive();
    EXPECT_EQ(item, expected);
  }
  EXPECT_EQ(second.try_receive(), 2);
  auto copy = second;
  EXPECT_EQ(second.try_receive(), 3);
  EXPECT_EQ(second.try_receive(), std::nullopt);
  EXPECT_EQ(copy.try_receive(), 3) << "from the same position, on its own";
  EXPECT_EQ(b.statistics().receivers, 3u);
}

EDDY_TEST(broadcast, wakes_all_who_wait_with_the_item_itself) {  // bcast.1
  broadcast<int> b(1);
  std::vector<int> seen_by_first;
  std::vector<int> seen_by_second;
  auto first = spawn(collect(b.subscribe(), seen_by_first));
  auto second = spawn(collect(b.subscribe(), seen_by_second));
  co_await settle();
  EXPECT_EQ(b.statistics().waiters, 2u);
  EXPECT_EQ(b.send(1), 2u);
  EXPECT_EQ(b.send(2), 2u);
  b.close();
  co_await first;
  co_await second;
  EXPECT_THAT(seen_by_first, ElementsAre(1, 2)) << "the first item was handed over at once";
  EXPECT_THAT(seen_by_second, ElementsAre(1, 2));
}

EDDY_TEST(broadcast, tells_a_receiver_that_fell_behind_how_many_it_missed) {  // bcast.2
  broadcast<int> b(3);
  auto slow = b.subscribe();
  const auto turns = coro::scheduler::require().turns();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(b.send(i), 1u);
  EXPECT_EQ(coro::scheduler::require().turns(), turns) << "the sender never waits";
  EXPECT_EQ(b.statistics().size, 3u);
  const auto behind = co_await as_result(slow.receive());
  EXPECT_EQ(code_of(behind), errc::lagged);
  try {
    std::rethrow_exception(behind.error());
  } catch (const lagged_error& e) {
    EXPECT_EQ(e.missed(), 5u);
    EXPECT_EQ(e, condition::overloaded);
  }
  for (const int expected : {5, 6, 7}) {
    const auto item = co_await slow.receive();
    EXPECT_EQ(item, expected);
  }
  EXPECT_EQ(slow.try_receive(), std::nullopt);
}

EDDY_TEST(broadcast, keeps_the_position_of_a_cancelled_receiver) {  // bcast.3
  broadcast<int> b(4);
  auto mine = b.subscribe();
  auto waiter = spawn([&]() -> task<void> { static_cast<void>(co_await mine.receive()); });
  co_await settle();
  waiter.cancel();
  EXPECT_EQ(b.statistics().waiters, 0u);
  EXPECT_EQ(b.send(1), 1u);
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    static_cast<void>(co_await mine.receive());
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(mine.try_receive(), 1);
}

EDDY_TEST(broadcast, gives_the_item_to_a_receiver_that_is_cancelled_after_the_grant) {
  broadcast<int> b(4);
  std::vector<int> got;
  auto waiter = spawn(
      [&](broadcast<int>::receiver from) -> task<void> {
        const auto item = co_await from.receive();
        got.push_back(item.value_or(0));
        co_await yield();
      },
      b.subscribe());
  co_await settle();
  b.send(7);
  waiter.cancel();
  co_await settle();
  EXPECT_THAT(got, ElementsAre(7));
  EXPECT_EQ(waiter.status(), coro::task_status::cancelled);
}

EDDY_TEST(broadcast, lets_receivers_drain_and_end_when_it_is_closed) {  // bcast.4
  std::optional<broadcast<int>> b(std::in_place, 4u);
  auto behind = b->subscribe();
  std::vector<int> seen;
  auto waiting = spawn(collect(b->subscribe(), seen));
  co_await settle();
  b->send(1);
  b->close();
  EXPECT_EQ(code_thrown_by([&] { b->send(2); }), errc::closed);
  b.reset();
  co_await waiting;
  EXPECT_THAT(seen, ElementsAre(1));
  auto item = co_await behind.receive();
  EXPECT_EQ(item, 1);
  for (int i = 0; i < 2; ++i) {
    item = co_await behind.receive();
    EXPECT_EQ(item, std::nullopt);
  }
}

EDDY_TEST(broadcast, without_a_receiver_sends_to_none) {  // bcast.4
  broadcast<int> b(4);
  EXPECT_EQ(b.send(1), 0u);
  EXPECT_EQ(b.statistics().size, 0u);
  {
    auto short_lived = b.subscribe();
    EXPECT_EQ(b.send(2), 1u);
  }
  EXPECT_EQ(b.statistics().size, 0u) << "nobody can ask for it any more";
  auto late = b.subscribe();
  EXPECT_EQ(late.try_receive(), std::nullopt);
  EXPECT_EQ(b.send(3), 1u);
  EXPECT_EQ(late.try_receive(), 3);
  co_return;
}

EDDY_TEST(broadcast, fails_the_use_of_a_closed_receiver) {
  broadcast<int> b(4);
  auto mine = b.subscribe();
  auto waiter = spawn([&]() -> task<void> { static_cast<void>(co_await mine.receive()); });
  co_await settle();
  mine.close();
  auto failed = co_await as_result(waiter);
  EXPECT_EQ(code_of(failed), errc::closed);
  const auto again = co_await as_result(mine.receive());
  EXPECT_EQ(code_of(again), errc::closed);
  EXPECT_EQ(b.send(1), 0u);
}

// Cannot be copied a second time.
struct fragile {
  fragile() = default;
  fragile(const fragile& other) : copies(other.copies) {
    if (++*copies > 1) throw std::runtime_error("cannot be copied");
  }
  fragile(fragile&&) noexcept = default;
  fragile& operator=(const fragile&) = delete;
  std::shared_ptr<int> copies = std::make_shared<int>(0);
};

EDDY_TEST(broadcast, keeps_a_copy_that_fails_from_the_sender) {
  broadcast<fragile> b(2);
  auto mine = b.subscribe();
  auto other = b.subscribe();
  EXPECT_EQ(b.send(fragile()), 2u);
  const auto first = co_await as_result(mine.receive());
  EXPECT_TRUE(first.has_value());
  const auto second = co_await as_result(other.receive());
  EXPECT_TRUE(second.has_error());
}

TEST(broadcast_values, outside_their_range_throw_invalid_input) {
  EXPECT_EQ(code_thrown_by([] { broadcast<int> b(0); }), errc::invalid_input);
}

}  // namespace
}  // namespace eddy
