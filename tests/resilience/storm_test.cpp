// Callers that come, give up and are cancelled at the same instants as what they wait for succeeds and fails: whatever
// the order, nothing is lost, and the component works afterwards.
#include "storm.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/resilience/batcher.hpp>
#include <eddy/resilience/bulkhead.hpp>
#include <eddy/resilience/cache.hpp>
#include <eddy/resilience/circuit_breaker.hpp>
#include <eddy/resilience/object_pool.hpp>
#include <eddy/resilience/rate_limiter.hpp>
#include <eddy/resilience/retry.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using tests::draw;
using tests::some_seconds;
using tests::storm;

constexpr int rounds = 20;
constexpr int callers = 40;

/// Counts who is there, and the most there were.
class present {
 public:
  struct count {
    int now = 0;
    int most = 0;
  };
  explicit present(count& of) : of_(&of) { of.most = std::max(of.most, ++of.now); }
  present(present&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  present& operator=(present&&) = delete;
  ~present() {
    if (of_ != nullptr) --of_->now;
  }

 private:
  count* of_;
};

EDDY_TEST(storm, leaves_a_pool_with_all_its_places) {
  for (int round = 0; round < rounds; ++round) {
    present::count objects;
    present::count users;
    bool failing = true;
    const auto open = [&]() -> task<present> {
      co_await sleep(some_seconds(1));
      if (failing && draw(5) == 0) throw std::runtime_error("no connection");
      co_return present(objects);
    };
    {
      object_pool<present> pool(open, {.max = 3, .acquire_timeout = 2s});
      const auto use = [&](int) -> task<void> {
        try {
          auto lease = co_await pool.acquire();
          const present here(users);
          co_await sleep(some_seconds(2));
          if (draw(6) == 0) lease.discard();
        } catch (const std::exception&) {
        }
      };
      co_await storm(callers, use);
      co_await settle();
      EXPECT_EQ(users.now, 0);
      EXPECT_LE(users.most, 3);
      EXPECT_EQ(pool.statistics().waiting, 0u);
      EXPECT_EQ(pool.statistics().in_use, 0u);
      EXPECT_EQ(pool.statistics().total, pool.statistics().idle);
      failing = false;
      const auto first = co_await pool.acquire();
      const auto second = co_await pool.acquire();
      const auto third = co_await pool.acquire();
      EXPECT_EQ(objects.now, 3);
    }
    EXPECT_EQ(objects.now, 0);
    EXPECT_LE(objects.most, 3);
  }
}

EDDY_TEST(storm, leaves_a_bulkhead_empty) {
  for (int round = 0; round < rounds; ++round) {
    bulkhead wall({.max_concurrent = 2, .max_waiting = 5});
    present::count running;
    const auto use = [&](int) -> task<void> {
      try {
        co_await wall.call([&]() -> task<void> {
          const present here(running);
          co_await sleep(some_seconds(2));
          if (draw(3) == 0) throw std::runtime_error("fails");
        });
      } catch (const std::exception&) {
      }
    };
    co_await storm(callers, use);
    EXPECT_EQ(running.now, 0);
    EXPECT_EQ(running.most, 2);
    EXPECT_EQ(wall.statistics().running, 0u);
    EXPECT_EQ(wall.statistics().waiting, 0u);
  }
}

EDDY_TEST(storm, leaves_a_circuit_breaker_that_closes_again) {
  for (int round = 0; round < rounds; ++round) {
    circuit_breaker breaker({.failure_threshold = 2, .reset_time = 1s});
    present::count running;
    std::uint64_t begun = 0;
    const auto use = [&](int) -> task<void> {
      ++begun;
      try {
        co_await breaker.call([&]() -> task<void> {
          const present here(running);
          co_await sleep(some_seconds(2));
          if (draw(2) == 0) throw std::runtime_error("fails");
        });
      } catch (const std::exception&) {
      }
    };
    co_await storm(callers, use);
    const auto rest = breaker.statistics();
    EXPECT_EQ(rest.probes, 0u);
    EXPECT_EQ(rest.succeeded + rest.failed + rest.cancelled + rest.rejected, begun);
    co_await sleep(2s);
    for (int i = 0; i < 3; ++i) co_await breaker.call([]() -> task<void> { co_return; });
    EXPECT_EQ(breaker.state(), breaker_state::closed);
  }
}

template <class Limiter>
task<void> expect_units_counted(Limiter& limiter) {
  std::size_t granted = 0;
  const auto use = [&](int) -> task<void> {
    const std::size_t units = 1 + draw(2);
    co_await limiter.acquire(units);
    granted += units;
    co_await sleep(some_seconds(1));
  };
  co_await storm(callers, use);
  EXPECT_EQ(limiter.statistics().granted, granted);
  EXPECT_EQ(limiter.statistics().waiters, 0u);
  co_await sleep(1h);
  EXPECT_EQ(limiter.statistics().available, limiter.capacity());
}

EDDY_TEST(storm, leaves_rate_limiters_with_what_was_not_granted) {
  for (int round = 0; round < rounds; ++round) {
    token_bucket bucket(2, 1s);
    co_await expect_units_counted(bucket);
    gcra even(2, 1s, 2);
    co_await expect_units_counted(even);
    sliding_window window(2, 1s);
    co_await expect_units_counted(window);
  }
}

EDDY_TEST(storm, gives_everybody_who_stays_the_value_of_a_cache) {
  for (int round = 0; round < rounds; ++round) {
    present::count loads;
    std::size_t answers = 0;
    cache<int, int> values(
        [&](const int& key) -> task<int> {
          const int wanted = key;
          const present here(loads);
          co_await sleep(some_seconds(2));
          if (draw(4) == 0) throw std::runtime_error("no answer");
          co_return 10 * wanted;
        },
        {.capacity = 2, .ttl = 1s});
    const auto use = [&](int number) -> task<void> {
      const int key = number % 3;
      try {
        const int value = co_await values.get(key);
        EXPECT_EQ(value, 10 * key);
        ++answers;
      } catch (const std::runtime_error&) {
      }
    };
    co_await storm(callers, use);
    co_await settle();
    EXPECT_GT(answers, 0u);
    EXPECT_EQ(loads.now, 0);
    // A load that everybody has left may still be ending beside the next one for its key.
    EXPECT_LE(loads.most, 2 * 3);
    EXPECT_EQ(values.statistics().loading, 0u);
  }
}

EDDY_TEST(storm, has_each_item_of_a_batcher_in_one_batch_or_with_its_owner) {
  for (int round = 0; round < rounds; ++round) {
    std::vector<int> worked(callers);
    std::vector<int> answered(callers);
    batcher<int, int> work(
        [&](std::vector<int> items) -> task<std::vector<int>> {
          for (const int item : items) ++worked[static_cast<std::size_t>(item)];
          co_await sleep(some_seconds(2));
          if (draw(4) == 0) throw std::runtime_error("down");
          co_return items;
        },
        {.max_size = 3, .max_age = 1s, .max_running = 2});
    const auto use = [&](int number) -> task<void> {
      try {
        const int back = co_await work.submit(number);
        EXPECT_EQ(back, number);
        ++answered[static_cast<std::size_t>(number)];
      } catch (const std::runtime_error&) {
      }
    };
    co_await storm(callers, use);
    co_await work.close();
    for (std::size_t i = 0; i < worked.size(); ++i) {
      EXPECT_LE(worked[i], 1);
      EXPECT_LE(answered[i], worked[i]);
    }
    EXPECT_EQ(work.statistics().waiting, 0u);
    EXPECT_EQ(work.statistics().running, 0u);
  }
}

EDDY_TEST(storm, leaves_what_is_composed_of_all_at_rest) {
  for (int round = 0; round < rounds; ++round) {
    circuit_breaker breaker({.failure_threshold = 3, .reset_time = 1s});
    bulkhead wall({.max_concurrent = 2, .max_waiting = 4});
    token_bucket bucket(3, 1s);
    present::count running;
    const auto policy =
        retry_policy().attempts(3).pause(wait_fixed(1s)).before_pause([](const retry_event&) {
          if (draw(10) == 0) throw std::logic_error("a hook that fails");
        });
    const auto fetch = [&]() -> task<void> {
      const present here(running);
      co_await sleep(some_seconds(1));
      if (draw(2) == 0) throw std::runtime_error("fails");
    };
    const auto limited = [&]() -> task<void> {
      co_await bucket.acquire();
      co_await wall.call(fetch);
    };
    const auto attempt = [&]() -> task<void> {
      co_await breaker.call([&] { return with_timeout(1s, limited()); });
    };
    const auto use = [&](int) -> task<void> {
      try {
        co_await retry(policy, attempt);
      } catch (const std::exception&) {
      }
    };
    co_await storm(callers, use);
    EXPECT_EQ(running.now, 0);
    EXPECT_LE(running.most, 2);
    EXPECT_EQ(wall.statistics().running + wall.statistics().waiting, 0u);
    EXPECT_EQ(bucket.statistics().waiters, 0u);
    EXPECT_EQ(breaker.statistics().probes, 0u);
  }
}

// --- single meetings at one instant ---

/// The holder gives back, and the waiter gives up, one second from now: the one whose timer is older comes first.
EDDY_TEST(same_instant, an_object_that_comes_back_is_the_waiters_or_idle) {
  for (const bool holder_first : {true, false}) {
    object_pool<int> pool([]() -> task<int> { co_return 7; }, {.max = 1});
    auto lease = co_await pool.acquire();
    auto hold = [&]() -> task<void> {
      co_await sleep(1s);
      lease.release();
    };
    bool got = false;
    auto wait = [&]() -> task<void> {
      const auto theirs = co_await move_on_after(1s, pool.acquire());
      got = theirs.has_value();
    };
    if (holder_first) {
      auto holder = spawn(std::ref(hold));
      co_await settle();
      co_await wait();
      co_await holder;
    } else {
      auto waiter = spawn(std::ref(wait));
      co_await settle();
      co_await hold();
      co_await waiter;
      EXPECT_FALSE(got) << "its time was up first";
    }
    EXPECT_EQ(pool.statistics().in_use, 0u);
    EXPECT_EQ(pool.statistics().idle, 1u);
    const auto again = co_await pool.acquire();
    EXPECT_EQ(*again, 7);
  }
}

EDDY_TEST(same_instant, a_trial_that_is_cancelled_as_it_ends_leaves_the_next_one_its_place) {
  circuit_breaker breaker({.failure_threshold = 1, .reset_time = 1s});
  const auto fail = []() -> task<void> {
    co_await sleep(1s);
    throw std::runtime_error("fails");
  };
  const auto opened = co_await as_result(breaker.call(fail));
  EXPECT_TRUE(opened.has_error());
  co_await sleep(1s);
  const auto trial = co_await as_result(move_on_after(1s, breaker.call(fail)));
  EXPECT_EQ(breaker.statistics().probes, 0u);
  if (trial.has_error()) {
    co_await sleep(1s);  // it failed, and opened the circuit again
  }
  co_await breaker.call([]() -> task<void> { co_return; });
  EXPECT_EQ(breaker.state(), breaker_state::closed);
}

EDDY_TEST(same_instant, a_batch_that_ends_as_its_callers_give_up_is_settled_once) {
  batcher<int, int> work(
      [](std::vector<int> items) -> task<std::vector<int>> {
        co_await sleep(1s);
        co_return items;
      },
      {.max_size = 2});
  const auto submit = [&](int item) -> task<int> { co_return co_await work.submit(item); };
  const auto [a, b] = co_await gather(move_on_after(1s, submit(1)), move_on_after(1s, submit(2)));
  EXPECT_EQ(a.has_value(), b.has_value()) << "of one batch";
  co_await work.close();
}

EDDY_TEST(same_instant, a_load_that_ends_as_its_first_caller_gives_up_is_the_others) {
  int loads = 0;
  cache<int, int> values([&](const int&) -> task<int> {
    ++loads;
    co_await sleep(1s);
    co_return 7;
  });
  const auto get = [&]() -> task<int> { co_return co_await values.get(1); };
  auto second = spawn([&]() -> task<int> {
    co_await sleep(500ms);
    co_return co_await values.get(1);
  });
  static_cast<void>(co_await move_on_after(1s, get()));
  const int value = co_await second;
  EXPECT_EQ(value, 7);
  EXPECT_EQ(loads, 1);
}

EDDY_TEST(same_instant, retry_whose_time_is_up_in_its_hook_makes_no_further_attempt) {
  int attempts = 0;
  cancel_scope scope;
  const auto policy =
      retry_policy().attempts(5).pause(wait_fixed(0s)).before_pause([&](const retry_event&) {
        scope.cancel(cancel_reason::timeout);
      });
  const auto body = [&](cancel_scope&) -> task<void> {
    co_await retry(policy, [&]() -> task<void> {
      ++attempts;
      co_await yield();
      throw std::runtime_error("fails");
    });
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_FALSE(finished);
  EXPECT_EQ(attempts, 1);
}

EDDY_TEST(same_instant, a_limiters_unit_goes_to_the_next_when_its_waiter_gives_up) {
  token_bucket bucket(1, 1s);
  co_await bucket.acquire();
  auto next = spawn([&]() -> task<time_point> {
    co_await sleep(500ms);
    co_await bucket.acquire();
    co_return now();
  });
  const time_point begin = now();
  const bool got = co_await move_on_after(1s, bucket.acquire());
  const time_point at = co_await next;
  EXPECT_EQ(at - begin, got ? 2s : 1s);
}

}  // namespace
}  // namespace eddy
