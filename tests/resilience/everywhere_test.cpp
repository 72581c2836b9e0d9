// Every component of resilience, cancelled and made to fail at every point: no permit, item or object is lost, the
// figures come back to rest, and others are served.
#include <eddy/testing/everywhere.hpp>

#include "undisturbed.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/resilience/batcher.hpp>
#include <eddy/resilience/bulkhead.hpp>
#include <eddy/resilience/cache.hpp>
#include <eddy/resilience/circuit_breaker.hpp>
#include <eddy/resilience/keyed_pool.hpp>
#include <eddy/resilience/microservice.hpp>
#include <eddy/resilience/object_pool.hpp>
#include <eddy/resilience/process_in_batches.hpp>
#include <eddy/resilience/rate_limiter.hpp>
#include <eddy/resilience/retry.hpp>
#include <eddy/resilience/retry_budget.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::cancel_everywhere;
using testing::disturbance;
using testing::trial;
using tests::expect_value_when_undisturbed;

/// Counts who is alive.
class alive {
 public:
  explicit alive(int& count) : count_(&count) { ++*count_; }
  alive(alive&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  alive& operator=(alive&&) = delete;
  ~alive() {
    if (count_ != nullptr) --*count_;
  }

 private:
  int* count_;
};

// clk.6
// Exposes: resilience/retry.retry
TEST(everywhere, retry_pays_for_the_attempts_it_makes_and_for_no_others) {
  cancel_everywhere([](trial& t) -> task<void> {
    retry_budget budget({.ratio = 0, .capacity = 5, .per_second = 0});
    const auto policy = retry_policy().attempts(4).pause(wait_fixed(1s)).budget(budget);
    int calls = 0;
    int running = 0;
    const auto attempt = [&]() -> task<int> {
      const alive here(running);
      const int call = ++calls;
      co_await sleep(1s);
      if (call < 3) throw std::runtime_error("not yet");
      co_return call;
    };
    const auto ended = co_await t.expose(retry(policy, attempt));
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(running, 0);
    EXPECT_LE(calls, 4);
    EXPECT_DOUBLE_EQ(budget.statistics().available, 5.0 - std::max(0, calls - 1));
    EXPECT_FALSE(ended.is_cancelled() && t.kind() == disturbance::error_at_entry);
  });
}

// clk.6
// Exposes: resilience/circuit_breaker.call
TEST(everywhere, a_circuit_breaker_counts_each_call_once_and_lets_later_ones_through) {
  cancel_everywhere([](trial& t) -> task<void> {
    circuit_breaker breaker({.failure_threshold = 2, .reset_time = 5s});
    std::uint64_t begun = 0;
    const auto call = [&](bool fails) -> task<void> {
      ++begun;
      co_await breaker.call([fails]() -> task<void> {
        co_await sleep(1s);
        if (fails) throw std::runtime_error("no answer");
      });
    };
    const auto use = [&]() -> task<void> {
      const auto first = co_await as_result(call(true));
      const auto second = co_await as_result(call(true));
      co_await sleep(6s);
      co_await call(false);  // the trial
      co_await call(false);
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    const auto rest = breaker.statistics();
    EXPECT_EQ(rest.probes, 0U);
    EXPECT_EQ(rest.succeeded + rest.failed + rest.cancelled + rest.rejected, begun);
    co_await sleep(1h);
    co_await call(false);
    EXPECT_EQ(breaker.state(), breaker_state::closed);
  });
}

/// Who waits behind the disturbed one is served, and only what was granted is used up.
template <class Limiter>
void expect_units_are_not_lost(Limiter (*make)()) {
  cancel_everywhere([make](trial& t) -> task<void> {
    Limiter limiter = make();
    std::size_t granted = 0;
    const auto take = [&](std::size_t n) -> task<void> {
      co_await limiter.acquire(n);
      granted += n;
    };
    const auto use = [&]() -> task<void> {
      co_await take(2);
      co_await take(1);
      co_await take(2);
    };
    auto behind = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      co_await take(2);
      co_await take(1);
    });
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    co_await behind;
    EXPECT_EQ(limiter.statistics().granted, granted);
    EXPECT_EQ(limiter.statistics().waiters, 0U);
    EXPECT_TRUE(coro::scheduler::require().timers().empty());
    co_await sleep(1h);
    EXPECT_EQ(limiter.statistics().available, limiter.capacity());
  });
}

// clk.6
// Exposes: resilience/rate_limiter.acquire
TEST(everywhere, rate_limiters_count_what_was_granted) {
  expect_units_are_not_lost<sliding_window>(+[] { return sliding_window(2, 1s); });
  expect_units_are_not_lost<token_bucket>(+[] { return token_bucket(2, 1s); });
  expect_units_are_not_lost<gcra>(+[] { return gcra(2, 1s, 2); });
}

// clk.6
// Exposes: resilience/bulkhead.call resilience/bulkhead.acquire
TEST(everywhere, a_bulkhead_has_all_its_places_in_the_end) {
  cancel_everywhere([](trial& t) -> task<void> {
    bulkhead places({.max_concurrent = 1, .max_waiting = 2});
    int inside = 0;
    const auto work = [&]() -> task<void> {
      EXPECT_EQ(++inside, 1);
      const auto napped = co_await as_result(sleep(1s));
      --inside;
    };
    auto before = spawn(places.call(work));
    co_await testing::settle();
    auto behind = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      co_await places.call(work);
    });
    const auto use = [&]() -> task<void> {
      co_await places.call(work);
      const auto place = co_await places.acquire();
      co_await work();
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    co_await before;
    co_await behind;
    EXPECT_EQ(places.statistics().running + places.statistics().waiting, 0U);
    const auto free = co_await places.acquire();
    EXPECT_EQ(places.statistics().running, 1U);
  });
}

// clk.6
// Exposes: resilience/batcher.submit resilience/batcher.close
TEST(everywhere, a_batcher_works_each_item_off_once_or_leaves_it_with_its_owner) {
  cancel_everywhere([](trial& t) -> task<void> {
    std::vector<int> worked;
    const auto work = [&](std::vector<std::unique_ptr<int>> items) -> task<std::vector<int>> {
      std::vector<int> results;
      for (const auto& item : items) results.push_back(*item);
      worked.insert(worked.end(), results.begin(), results.end());
      co_await sleep(1s);
      co_return results;
    };
    batcher<std::unique_ptr<int>, int> squares(work, {.max_size = 2, .max_age = 100ms});
    auto other = spawn([&]() -> task<void> {
      for (int i = 10; i < 12; ++i) {
        const int given = co_await squares.submit(std::make_unique<int>(i));
        EXPECT_EQ(given, i);
      }
    });
    std::vector<std::unique_ptr<int>> mine;
    for (int i = 0; i < 4; ++i) mine.push_back(std::make_unique<int>(i));
    const auto submit = [&](int i) -> task<void> {
      const int given = co_await squares.submit(std::move(mine[static_cast<std::size_t>(i)]));
      EXPECT_EQ(given, i);
    };
    const auto use = [&]() -> task<void> {
      co_await gather(submit(0), submit(1), submit(2));
      co_await submit(3);
      co_await other;
      co_await squares.close();
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    co_await other;
    co_await squares.close();
    for (int i = 0; i < 4; ++i) {
      const bool kept = mine[static_cast<std::size_t>(i)] != nullptr;
      EXPECT_EQ(std::ranges::count(worked, i), kept ? 0 : 1) << i;
    }
    EXPECT_EQ(squares.statistics().waiting + squares.statistics().running, 0U);
  });
}

// clk.6
// Exposes: resilience/process_in_batches.process_in_batches
TEST(everywhere, a_portion_that_was_begun_has_ended) {
  cancel_everywhere([](trial& t) -> task<void> {
    int running = 0;
    const auto work = [&](int i) -> task<int> {
      const alive here(running);
      EXPECT_LE(running, 2);
      co_await sleep(1s * (i % 2));
      co_await yield();
      co_return i;
    };
    const std::vector<int> input{1, 2, 3, 4, 5};
    const auto ended = co_await t.expose(process_in_batches(input, 2, work));
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(running, 0);
    if (ended.has_value()) {
      EXPECT_EQ(*ended, input);
    }
  });
}

/// Hooks that all wait, so that each of them has points.
pool_hooks<alive> waiting_hooks() {
  pool_hooks<alive> hooks;
  hooks.set_up = [](alive&) -> task<void> { co_await sleep(10ms); };
  hooks.check = [](alive&) -> task<bool> {
    co_await sleep(10ms);
    co_return true;
  };
  hooks.reset = [](alive&) -> task<void> { co_await sleep(10ms); };
  hooks.close = [](alive&) -> task<void> { co_await sleep(10ms); };
  return hooks;
}

// clk.6
// Exposes: resilience/object_pool.start resilience/object_pool.acquire resilience/object_pool.use
// Exposes: resilience/object_pool.close
TEST(everywhere, a_pool_loses_no_object_and_no_place) {
  cancel_everywhere([](trial& t) -> task<void> {
    int objects = 0;
    const auto open = [&]() -> task<alive> {
      co_await sleep(10ms);
      co_return alive(objects);
    };
    {
      object_pool<alive> pool(open, {.min = 1, .max = 1, .check_after_idle = 1s}, waiting_hooks());
      const auto nap = [](alive&) -> task<void> { co_await sleep(1s); };
      auto other = spawn([&]() -> task<void> {
        co_await sleep(100ms);
        co_await pool.use(nap);
      });
      const auto use = [&]() -> task<void> {
        co_await pool.start();
        co_await pool.use(nap);
        {
          const auto lease = co_await pool.acquire();
          co_await sleep(1s);
        }
        co_await sleep(5s);  // long enough to be checked
        co_await pool.use(nap);
        co_await other;
        co_await pool.close();
      };
      const auto ended = co_await t.expose(use());
      expect_value_when_undisturbed(t, ended);
      const auto later = co_await as_result(other);
      EXPECT_FALSE(later.is_cancelled());
      auto closed = co_await as_result(pool.acquire());
      if (closed.has_value()) closed->release();
      co_await pool.close();
      const auto rest = pool.statistics();
      EXPECT_EQ(rest.total + rest.in_use + rest.waiting, 0U);
      EXPECT_EQ(rest.opened, rest.closed);
    }
    EXPECT_EQ(objects, 0);
  });
}

// clk.6
// Exposes: resilience/keyed_pool.acquire resilience/keyed_pool.close
TEST(everywhere, a_keyed_pool_serves_the_other_keys) {
  cancel_everywhere([](trial& t) -> task<void> {
    int objects = 0;
    const auto open = [&](const std::string&) -> task<alive> {
      co_await sleep(10ms);
      co_return alive(objects);
    };
    {
      keyed_pool<std::string, alive> pool(open, {.max = 2, .max_per_key = 1}, waiting_hooks());
      const auto use_key = [&](std::string key) -> task<void> {
        const auto lease = co_await pool.acquire(std::move(key));
        co_await sleep(1s);
      };
      auto other = spawn([&]() -> task<void> {
        for (const char* key : {"a", "b", "c"}) co_await use_key(key);
      });
      const auto use = [&]() -> task<void> {
        co_await gather(use_key("a"), use_key("b"), use_key("c"));
        co_await other;
        co_await pool.close();
      };
      const auto ended = co_await t.expose(use());
      expect_value_when_undisturbed(t, ended);
      co_await other;
      co_await pool.close();
      const auto rest = pool.statistics();
      EXPECT_EQ(rest.total + rest.in_use + rest.waiting, 0U);
      EXPECT_EQ(pool.keys(), 0U);
    }
    EXPECT_EQ(objects, 0);
  });
}

// clk.6
// Exposes: resilience/cache.get
TEST(everywhere, a_cache_gives_the_others_their_value) {
  cancel_everywhere([](trial& t) -> task<void> {
    int loading = 0;
    const auto load = [&](const std::string& key) -> task<std::string> {
      const alive here(loading);
      EXPECT_EQ(loading, 1) << "loaded once, however many ask";
      co_await sleep(1s);
      co_return key + "!";
    };
    cache<std::string, std::string> values(load, {.ttl = 5s});
    auto other = spawn([&]() -> task<std::string> {
      co_await sleep(10ms);
      co_return co_await values.get("a");
    });
    const auto use = [&]() -> task<void> {
      const std::string first = co_await values.get("a");
      EXPECT_EQ(first, "a!");
      const std::string again = co_await values.get("a");
      co_await sleep(10s);
      const std::string fresh = co_await values.get("a");
      EXPECT_EQ(fresh, "a!");
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    const std::string given = co_await other;
    EXPECT_EQ(given, "a!");
    EXPECT_EQ(values.statistics().loading, 0U);
    EXPECT_EQ(loading, 0);
  });
}

// clk.6
// Exposes: resilience/microservice.call
TEST(everywhere, a_microservice_has_all_its_parts_at_rest) {
  cancel_everywhere([](trial& t) -> task<void> {
    microservice service({.max_concurrent = 1,
                          .max_waiting = 2,
                          .timeout = 10s,
                          .total_timeout = 1h,
                          .rate_limit = 2,
                          .rate_period = 1s});
    int calls = 0;
    int running = 0;
    const auto ask = [&]() -> task<int> {
      const alive here(running);
      const int call = ++calls;
      co_await sleep(100ms);
      if (call == 1) throw std::runtime_error("not yet");
      co_return call;
    };
    auto other = spawn([&]() -> task<void> {
      co_await sleep(10ms);
      const int given = co_await service.call(ask);
      EXPECT_GT(given, 0);
    });
    const auto use = [&]() -> task<void> {
      const int first = co_await service.call(ask);
      const int second = co_await service.call(ask);
      EXPECT_GT(second, first);
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    co_await other;
    EXPECT_EQ(running, 0);
    const auto rest = service.statistics();
    EXPECT_EQ(rest.calls, rest.succeeded + rest.failed + rest.cancelled);
    EXPECT_EQ(rest.places.running + rest.places.waiting, 0U);
    EXPECT_EQ(rest.circuit.probes, 0U);
    const int later = co_await service.call(ask);
    EXPECT_GT(later, 0);
  });
}

}  // namespace
}  // namespace eddy
