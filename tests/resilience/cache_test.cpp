#include <eddy/resilience/cache.hpp>

#include "error_code.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/resilience/memory_pool.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using tests::code_of;
using tests::code_thrown_by;

// A cache over something that counts its loads and can be told to fail.
struct library {
  explicit library(cache_options options, duration time = {})
      : each(time), books([this](const std::string& title) { return load(title); }, options) {}
  duration each;
  int loads = 0;
  int stopped = 0;
  bool failing = false;
  cache<std::string, std::string> books;

  task<std::string> load(std::string title) {
    const int number = ++loads;
    const auto slept = co_await as_result(sleep(each));
    if (slept.is_cancelled()) {
      ++stopped;
      throw slept.cancellation();
    }
    if (failing) throw std::runtime_error("no " + title);
    co_return title + " " + std::to_string(number);
  }
  task<std::string> get(std::string title) { co_return co_await books.get(title); }
};

EDDY_TEST(cache, loads_a_value_once_until_it_expires) {
  library l({.ttl = 10s});
  auto text = co_await l.get("a");
  EXPECT_EQ(text, "a 1");
  co_await sleep(9s);
  text = co_await l.get("a");
  EXPECT_EQ(text, "a 1");
  EXPECT_EQ(l.books.peek("a"), "a 1");
  co_await sleep(1s);
  EXPECT_EQ(l.books.peek("a"), std::nullopt);
  text = co_await l.get("a");
  EXPECT_EQ(text, "a 2");
  EXPECT_EQ(l.books.statistics().hits, 1u);
  EXPECT_EQ(l.books.statistics().misses, 2u);
}

EDDY_TEST(cache, makes_one_load_for_all_who_ask_meanwhile) {
  library l({}, 1s);
  const auto [a, b, c] = co_await gather(l.get("x"), l.get("x"), l.get("y"));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_EQ(l.loads, 2);
}

EDDY_TEST(cache, drops_the_least_recently_used_value) {
  library l({.capacity = 2});
  static_cast<void>(co_await l.get("a"));
  static_cast<void>(co_await l.get("b"));
  static_cast<void>(co_await l.get("a"));
  static_cast<void>(co_await l.get("c"));
  EXPECT_TRUE(l.books.peek("a").has_value());
  EXPECT_FALSE(l.books.peek("b").has_value());
  EXPECT_EQ(l.books.size(), 2u);
  EXPECT_EQ(l.books.statistics().evictions, 1u);
}

EDDY_TEST(cache, gives_all_waiters_the_failure_and_does_not_keep_it) {
  library l({}, 1s);
  l.failing = true;
  const auto [a, b] = co_await gather_settled(l.get("x"), l.get("x"));
  EXPECT_TRUE(holds_exception<std::runtime_error>(a.error()));
  EXPECT_TRUE(holds_exception<std::runtime_error>(b.error()));
  EXPECT_EQ(l.loads, 1);
  l.failing = false;
  const auto text = co_await l.get("x");
  EXPECT_EQ(text, "x 2");
}

EDDY_TEST(cache, gives_a_stale_value_when_the_load_fails) {
  library l({.ttl = 10s, .stale_if_error = 20s});
  static_cast<void>(co_await l.get("x"));
  l.failing = true;
  co_await sleep(29s);
  const auto stale = co_await l.get("x");
  EXPECT_EQ(stale, "x 1");
  EXPECT_EQ(l.books.statistics().stale, 1u);
  EXPECT_EQ(l.loads, 2) << "it was tried";
  co_await sleep(1s);
  const auto too_old = co_await as_result(l.get("x"));
  EXPECT_TRUE(holds_exception<std::runtime_error>(too_old.error()));
  EXPECT_EQ(l.books.size(), 0u);
}

EDDY_TEST(cache, goes_on_loading_when_the_one_who_began_it_is_cancelled) {
  library l({}, 10s);
  auto first = spawn(l.get("x"));
  co_await settle();
  auto second = spawn(l.get("x"));
  co_await sleep(4s);
  first.cancel();
  co_await settle();
  EXPECT_TRUE(first.done());
  const auto text = co_await second;
  EXPECT_EQ(text, "x 1");
  EXPECT_EQ(l.loads, 1);
  EXPECT_EQ(l.stopped, 0);
}

EDDY_TEST(cache, stops_a_load_that_nobody_waits_for_any_more) {
  library l({}, 10s);
  auto first = spawn(l.get("x"));
  auto second = spawn(l.get("x"));
  co_await settle();
  first.cancel();
  second.cancel();
  auto newcomer = spawn(l.get("x"));
  co_await settle();
  EXPECT_TRUE(first.done() && second.done());
  EXPECT_EQ(l.stopped, 1);
  const auto text = co_await newcomer;
  EXPECT_EQ(text, "x 2") << "it did not join the load that was being stopped";
  EXPECT_EQ(l.books.statistics().loading, 0u);
}

EDDY_TEST(cache, answers_nobody_in_a_cancelled_scope) {
  library l({});
  static_cast<void>(co_await l.get("x"));
  const auto refused = co_await move_on_after(0s, l.books.get("x"));
  EXPECT_FALSE(refused.has_value());
  const auto not_loaded = co_await move_on_after(0s, l.books.get("y"));
  EXPECT_FALSE(not_loaded.has_value());
  EXPECT_EQ(l.loads, 1);
}

EDDY_TEST(cache, does_not_keep_a_load_that_was_overtaken) {
  library l({}, 10s);
  auto waiting = spawn(l.get("x"));
  co_await settle();
  l.books.put("x", "by hand");
  const auto loaded = co_await waiting;
  EXPECT_EQ(loaded, "x 1") << "for those who waited";
  const auto kept = co_await l.get("x");
  EXPECT_EQ(kept, "by hand");
  auto again = spawn(l.get("y"));
  co_await settle();
  EXPECT_FALSE(l.books.erase("y"));
  static_cast<void>(co_await again);
  EXPECT_FALSE(l.books.peek("y").has_value());
  l.books.clear();
  EXPECT_EQ(l.books.size(), 0u);
}

TEST(cache_values, outside_their_range_throw_invalid_input) {
  const auto load = [](const int& key) -> task<int> { co_return key; };
  using numbers = cache<int, int>;
  EXPECT_EQ(code_thrown_by([&] { const numbers c(load, {.capacity = 0}); }), errc::invalid_input);
}

TEST(memory_pool, gives_the_same_object_as_long_as_anybody_uses_it) {
  memory_pool<int, std::string> pool(0);
  int made = 0;
  const auto make = [&] { return std::make_shared<std::string>(std::to_string(++made)); };
  auto first = pool.get(1, make);
  EXPECT_EQ(pool.get(1, make), first);
  EXPECT_EQ(pool.find(2), nullptr);
  first.reset();
  EXPECT_EQ(pool.find(1), nullptr) << "the pool itself keeps none";
  EXPECT_EQ(*pool.get(1, make), "2");
}

TEST(memory_pool, keeps_the_latest_objects_alive) {
  memory_pool<int, int> pool(2);
  const auto make = [] { return std::make_shared<int>(0); };
  const std::weak_ptr<int> one = pool.get(1, make);
  const std::weak_ptr<int> two = pool.get(2, make);
  EXPECT_NE(pool.find(1), nullptr);
  static_cast<void>(pool.get(3, make));
  EXPECT_FALSE(one.expired());
  EXPECT_TRUE(two.expired()) << "the least recently used one";
  EXPECT_EQ(pool.statistics().kept, 2u);
  EXPECT_EQ(pool.statistics().evictions, 1u);
  pool.trim();
  EXPECT_TRUE(one.expired());
  EXPECT_EQ(pool.statistics().entries, 0u);
}

TEST(memory_pool, does_not_grow_with_objects_that_are_gone) {
  memory_pool<int, int> pool(10);
  for (int key = 0; key < 10'000; ++key) {
    static_cast<void>(pool.get(key, [] { return std::make_shared<int>(0); }));
  }
  EXPECT_LE(pool.statistics().entries, 40u);
  EXPECT_TRUE(pool.erase(9999));
  EXPECT_EQ(pool.find(9999), nullptr);
}

TEST(memory_pool, is_unchanged_when_making_an_object_fails) {
  memory_pool<int, int> pool(10);
  const auto fail = []() -> std::shared_ptr<int> { throw std::runtime_error("no"); };
  EXPECT_THROW(static_cast<void>(pool.get(1, fail)), std::runtime_error);
  EXPECT_EQ(pool.statistics().entries, 0u);
}

}  // namespace
}  // namespace eddy
