#include <eddy/resilience/rate_limiter.hpp>

#include "error_code.hpp"

#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: lim.1 lim.2 lim.3 lim.4 lim.5 lim.6 lim.7

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using ::testing::ElementsAre;
using tests::code_thrown_by;

// Tasks that ask one after the other, and when they were granted, counted from the beginning.
struct asking {
  explicit asking(rate_limiter& l) : limiter(l) {}
  rate_limiter& limiter;
  time_point start = now();
  std::vector<std::pair<int, duration>> granted;
  std::vector<task_handle<>> tasks;

  task<> ask(int id, std::size_t n) {
    co_await limiter.acquire(n);
    granted.emplace_back(id, now() - start);
  }
  task<> queue_up(int id, std::size_t n = 1) {
    tasks.push_back(spawn([this, id, n] { return ask(id, n); }));
    co_await settle();
  }
  task<> all() {
    for (const auto& one : tasks) static_cast<void>(co_await as_result(one));
  }
};

EDDY_TEST(token_bucket, grants_its_capacity_at_once_and_then_one_per_interval) {  // lim.1
  token_bucket limit(3, 3s);
  asking a(limit);
  for (int id = 0; id < 5; ++id) co_await a.queue_up(id);
  co_await a.all();
  EXPECT_THAT(a.granted, ElementsAre(std::pair(0, 0s), std::pair(1, 0s), std::pair(2, 0s),
                                     std::pair(3, 1s), std::pair(4, 2s)));
  EXPECT_EQ(limit.statistics().granted, 5u);
}

EDDY_TEST(gcra, grants_its_burst_at_once_and_then_one_per_interval) {  // lim.1
  gcra limit(1, 1s, 3);
  asking a(limit);
  for (int id = 0; id < 5; ++id) co_await a.queue_up(id);
  co_await a.all();
  EXPECT_THAT(a.granted, ElementsAre(std::pair(0, 0s), std::pair(1, 0s), std::pair(2, 0s),
                                     std::pair(3, 1s), std::pair(4, 2s)));
}

EDDY_TEST(gcra, spaces_evenly_without_a_burst) {
  gcra limit(4, 1s);
  asking a(limit);
  for (int id = 0; id < 3; ++id) co_await a.queue_up(id);
  co_await a.all();
  EXPECT_THAT(a.granted, ElementsAre(std::pair(0, 0s), std::pair(1, 250ms), std::pair(2, 500ms)));
}

EDDY_TEST(sliding_window, grants_its_capacity_at_once_and_more_when_the_first_has_left) {  // lim.1
  sliding_window limit(2, 10s);
  asking a(limit);
  co_await a.queue_up(0);
  co_await sleep(4s);
  for (int id = 1; id < 5; ++id) co_await a.queue_up(id);
  co_await a.all();
  EXPECT_THAT(a.granted, ElementsAre(std::pair(0, 0s), std::pair(1, 4s), std::pair(2, 10s),
                                     std::pair(3, 14s), std::pair(4, 20s)));
}

TEST(rate_limiter_values, outside_their_range_throw_invalid_input) {  // lim.2
  token_bucket bucket(3, 1s);
  gcra cells(100, 1s, 3);
  sliding_window window(3, 1s);
  const std::vector<rate_limiter*> all{&bucket, &cells, &window};
  for (rate_limiter* limit : all) {
    EXPECT_EQ(code_thrown_by([&] { static_cast<void>(limit->acquire(4)); }), errc::invalid_input);
    EXPECT_EQ(code_thrown_by([&] { static_cast<void>(limit->acquire(0)); }), errc::invalid_input);
    EXPECT_EQ(code_thrown_by([&] { static_cast<void>(limit->try_acquire(4)); }),
              errc::invalid_input);
    EXPECT_EQ(code_thrown_by([&] { static_cast<void>(limit->wait_time(4)); }), errc::invalid_input);
  }
  EXPECT_EQ(code_thrown_by([] { const token_bucket b(0, 1s); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { const token_bucket b(1, 0s); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { const gcra g(0, 1s); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { const gcra g(1, 1s, 0); }), errc::invalid_input);
  EXPECT_EQ(code_thrown_by([] { const sliding_window w(1, -1s); }), errc::invalid_input);
}

EDDY_TEST(token_bucket, grants_a_large_request_exactly_when_enough_has_come_back) {  // lim.3
  token_bucket limit(3, 3s);
  co_await limit.acquire(1);
  const time_point start = now();
  EXPECT_EQ(limit.wait_time(3), 1s);
  co_await limit.acquire(3);
  EXPECT_EQ(now() - start, 1s);
}

EDDY_TEST(gcra, grants_a_large_request_exactly_when_enough_has_come_back) {  // lim.3
  gcra limit(3, 3s, 3);
  co_await limit.acquire(1);
  const time_point start = now();
  EXPECT_EQ(limit.wait_time(3), 1s);
  co_await limit.acquire(3);
  EXPECT_EQ(now() - start, 1s);
}

EDDY_TEST(sliding_window, counts_a_unit_until_a_whole_period_after_its_grant) {
  sliding_window limit(3, 3s);
  co_await limit.acquire(1);
  co_await sleep(1s);
  EXPECT_EQ(limit.wait_time(3), 2s) << "not evenly refilled: see lim.3 for those that are";
  co_await limit.acquire(3);
  EXPECT_EQ(now().time_since_epoch(), 3s);
}

EDDY_TEST(rate_limiter, refills_to_its_capacity_and_not_beyond) {  // lim.4
  token_bucket bucket(3, 3s);
  gcra cells(1, 1s, 3);
  sliding_window window(3, 3s);
  const std::vector<rate_limiter*> all{&bucket, &cells, &window};
  for (rate_limiter* limit : all) {
    co_await limit->acquire(3);
    EXPECT_EQ(limit->statistics().available, 0u);
    co_await sleep(24h);
    EXPECT_EQ(limit->statistics().available, 3u);
    EXPECT_TRUE(limit->try_acquire(3));
    EXPECT_FALSE(limit->try_acquire());
  }
}

EDDY_TEST(rate_limiter, serves_in_order_of_arrival_whatever_the_size) {  // lim.5
  token_bucket limit(3, 3s);
  co_await limit.acquire(2);
  asking a(limit);
  co_await a.queue_up(0, 3);
  co_await a.queue_up(1, 1);
  EXPECT_FALSE(limit.try_acquire(1)) << "one token is there, but it is not the newcomer's";
  EXPECT_EQ(limit.wait_time(1), 4s);
  EXPECT_EQ(limit.statistics().waiters, 2u);
  co_await a.all();
  EXPECT_THAT(a.granted, ElementsAre(std::pair(0, 2s), std::pair(1, 3s)));
}

EDDY_TEST(rate_limiter, grants_those_behind_a_large_request_that_was_cancelled) {
  token_bucket limit(3, 3s);
  co_await limit.acquire(2);
  asking a(limit);
  co_await a.queue_up(0, 3);
  co_await a.queue_up(1, 1);
  co_await a.queue_up(2, 1);
  a.tasks[0].cancel();
  co_await settle();
  EXPECT_THAT(a.granted, ElementsAre(std::pair(1, 0s)));
  co_await a.all();
  EXPECT_THAT(a.granted, ElementsAre(std::pair(1, 0s), std::pair(2, 1s)));
}

EDDY_TEST(token_bucket, does_not_drift_at_a_rate_that_does_not_divide_evenly) {  // lim.6
  token_bucket limit(3, 1s);
  const time_point start = now();
  for (int i = 0; i < 1000; ++i) co_await limit.acquire();
  EXPECT_EQ((now() - start).count(), 332'333'333'334) << "997/3 s, rounded up";
}

EDDY_TEST(gcra, does_not_drift_at_a_rate_that_does_not_divide_evenly) {  // lim.6
  gcra limit(7, 1s);
  const time_point start = now();
  for (int i = 0; i < 1000; ++i) co_await limit.acquire();
  EXPECT_EQ((now() - start).count(), 142'714'285'715) << "999/7 s, rounded up";
}

EDDY_TEST(sliding_window, does_not_drift) {  // lim.6
  sliding_window limit(10, 1s);
  const time_point start = now();
  for (int i = 0; i < 1000; ++i) co_await limit.acquire();
  EXPECT_EQ(now() - start, 99s);
}

EDDY_TEST(rate_limiter, takes_nothing_in_a_cancelled_scope) {  // lim.7
  token_bucket limit(3, 3s);
  const auto refused = co_await with_scope([&](cancel_scope& s) -> task<> {
    s.cancel();
    co_await limit.acquire(3);
  });
  EXPECT_FALSE(refused);
  EXPECT_EQ(limit.statistics().available, 3u);
}

EDDY_TEST(rate_limiter, takes_nothing_for_a_wait_that_was_cancelled) {
  gcra limit(1, 10s);
  co_await limit.acquire();
  const bool in_time = co_await move_on_after(9s, limit.acquire());
  EXPECT_FALSE(in_time);
  co_await sleep(1s);
  EXPECT_TRUE(limit.try_acquire());
}

EDDY_TEST(rate_limiter, accepts_the_longest_period) {
  token_bucket limit(1, duration::max());
  EXPECT_TRUE(limit.try_acquire());
  EXPECT_FALSE(limit.try_acquire());
  EXPECT_GT(limit.wait_time(), std::chrono::years(200));
  gcra cells(UINT32_MAX, duration::max(), UINT32_MAX);
  EXPECT_TRUE(cells.try_acquire(UINT32_MAX));
  EXPECT_FALSE(cells.try_acquire());
  co_return;
}

}  // namespace
}  // namespace eddy
