// Every operation of sync, cancelled and made to fail at every point: nothing is taken, nobody is left waiting.
#include <eddy/testing/everywhere.hpp>

#include <memory>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/sleep.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::cancel_everywhere;
using testing::disturbance;
using testing::trial;

/// Ends together with the exposed part: work that others do meanwhile.
template <class T>
void expect_value_when_undisturbed(const trial& t, const result<T>& ended) {
  if (t.kind() == disturbance::none) {
    EXPECT_TRUE(ended.has_value());
  }
}

// clk.6
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

}  // namespace
}  // namespace eddy
