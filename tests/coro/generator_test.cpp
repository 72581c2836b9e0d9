#include <eddy/coro/generator.hpp>

#include "recorded.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Writes its name when it is destroyed.
struct noted {
  noted(std::vector<std::string>& to, std::string n) : log(&to), name(std::move(n)) {}
  noted(const noted&) = delete;
  noted& operator=(const noted&) = delete;
  ~noted() { log->push_back(name); }
  std::vector<std::string>* log;
  std::string name;
};

async_generator<int> count_to(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

async_generator<int> ticks(duration d) {
  for (int i = 1;; ++i) {
    co_await sleep(d);
    co_yield i;
  }
}

task<std::vector<int>> collect(async_generator<int>& from) {
  std::vector<int> values;
  while (auto next = co_await from.next()) values.push_back(*next);
  co_return values;
}

// gen.1
EDDY_TEST(generator, gives_its_values_and_then_the_end_again_and_again) {
  auto g = count_to(3);
  const auto values = co_await collect(g);
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
  for (int i = 0; i < 3; ++i) {
    const auto after_the_end = co_await g.next();
    EXPECT_FALSE(after_the_end.has_value());
  }
}

// gen.1
EDDY_TEST(generator, gives_move_only_values_and_references) {
  const auto boxes = []() -> async_generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(7);
  };
  auto moved = boxes();
  const auto box = co_await moved.next();
  EXPECT_EQ(**box, 7);
  int target = 1;
  const auto refer = [&]() -> async_generator<int&> { co_yield target; };
  auto references = refer();
  const auto reference = co_await references.next();
  reference->get() = 5;
  EXPECT_EQ(target, 5);
}

async_generator<int> fails_second() {
  co_yield 1;
  throw named_error("second");
}

// gen.2
EDDY_TEST(generator, throws_at_the_next_that_ran_into_it_and_is_then_at_its_end) {
  auto g = fails_second();
  const auto first = co_await g.next();
  EXPECT_EQ(first, 1);
  std::string thrown;
  try {
    co_await g.next();
  } catch (const named_error& e) {
    thrown = e.name;
  }
  EXPECT_EQ(thrown, "second");
  const auto third = co_await g.next();
  EXPECT_FALSE(third.has_value());
}

async_generator<int> with_locals(std::vector<std::string>& log) {
  const noted outer(log, "outer");
  const noted inner(log, "inner");
  for (int i = 0;; ++i) co_yield i;
}

// gen.3
EDDY_TEST(generator, destroyed_at_a_yield_destroys_its_locals_innermost_first_and_at_once) {
  std::vector<std::string> log;
  {
    auto g = with_locals(log);
    while (auto next = co_await g.next()) {
      if (*next == 2) break;
    }
    EXPECT_THAT(log, IsEmpty());
  }
  EXPECT_THAT(log, ElementsAre("inner", "outer"));
}

// gen.3
EDDY_TEST(generator, never_started_destroys_only_its_arguments) {
  const auto argument = std::make_shared<int>(1);
  const auto hold = [](std::shared_ptr<int> held) -> async_generator<int> { co_yield *held; };
  {
    const auto unstarted = hold(argument);
    EXPECT_EQ(argument.use_count(), 2);
  }
  EXPECT_EQ(argument.use_count(), 1);
  co_return;
}

// gen.4
EDDY_TEST(generator, is_passed_by_the_cancellation_of_its_consumer) {
  std::vector<std::string> log;
  const auto waits = [&]() -> async_generator<int> {
    const noted local(log, "generator");
    co_yield 1;
    co_await sleep(1h);
    co_yield 2;
  };
  auto g = waits();
  auto consumer = spawn([&]() -> task<void> {
    const noted local(log, "consumer");
    while (auto next = co_await g.next()) log.push_back("value");
  });
  co_await sleep(1s);
  consumer.cancel();
  const auto ended = co_await ending_of(consumer);
  EXPECT_EQ(ended, make_error_code(errc::task_cancelled).message());
  EXPECT_THAT(log, ElementsAre("value", "generator", "consumer"));
  const auto next = co_await g.next();
  EXPECT_FALSE(next.has_value());
}

// gen.5
EDDY_TEST(generator, in_a_cancelled_scope_is_refused_at_the_first_operation_inside) {
  int steps = 0;
  const auto waits = [&]() -> async_generator<int> {
    ++steps;
    co_await sleep(1s);
    ++steps;
    co_yield 1;
  };
  auto g = waits();
  auto plain = count_to(3);
  std::vector<int> values;
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    values = co_await collect(plain);
    co_await g.next();
  });
  EXPECT_FALSE(finished);
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
  EXPECT_EQ(steps, 1);
}

// gen.6
EDDY_TEST(generator, is_at_its_end_after_a_timeout_around_one_step) {
  auto g = ticks(2s);
  const auto step = [&]() -> task<std::optional<int>> { co_return co_await g.next(); };
  const auto first = co_await with_timeout(3s, step());
  EXPECT_EQ(first, 1);
  const auto second = co_await ending_of(with_timeout(1s, step()));
  EXPECT_EQ(second, "timeout");
  const auto third = co_await step();
  EXPECT_EQ(third, std::nullopt);
}

const task_local<int> shade(0);

// gen.7
EDDY_TEST(generator, sees_the_scopes_and_values_of_whoever_asks) {
  const auto look = []() -> async_generator<std::pair<int, bool>> {
    for (;;) co_yield {shade.get(), current_deadline() != never};
  };
  auto g = look();
  using seen = std::pair<int, bool>;
  const auto step = [&]() -> task<seen> {
    auto next = co_await g.next();
    co_return *next;
  };
  const auto first = co_await step();
  EXPECT_EQ(first, seen(0, false));
  const auto timed = co_await with_timeout(1s, step());
  EXPECT_EQ(timed, seen(0, true));
  shade.set(1);
  auto other = spawn([&]() -> task<seen> {
    shade.set(2);
    co_return co_await step();
  });
  const auto by_another = co_await std::move(other);
  EXPECT_EQ(by_another, seen(2, false));
  const auto last = co_await step();
  EXPECT_EQ(last, seen(1, false));
}

// gen.8
EDDY_TEST(generator, finishes_a_cleanup_between_two_yields_before_the_next_value) {
  std::vector<std::string> log;
  const auto files = [&]() -> async_generator<int> {
    for (int i = 1; i <= 2; ++i) {
      auto op = sleep(1ms);
      const auto close = [&log]() -> task<void> {
        co_await sleep(1s);
        log.push_back("closed");
      };
      co_await finally(std::move(op), close);
      log.push_back("yields");
      co_yield i;
    }
  };
  auto g = files();
  const auto values = co_await collect(g);
  EXPECT_THAT(values, ElementsAre(1, 2));
  EXPECT_THAT(log, ElementsAre("closed", "yields", "closed", "yields"));
}

async_generator<std::string> wraps(async_generator<std::string> inner, std::string name,
                                   std::vector<std::string>& log) {
  struct ending {
    async_generator<std::string>& inner;
    std::string name;
    std::vector<std::string>& log;
    ~ending() { log.push_back(name); }
  };
  const ending last(inner, name, log);
  while (auto next = co_await inner.next()) co_yield name + *next;
}

async_generator<std::string> letters(std::vector<std::string>& log) {
  const noted local(log, "letters");
  co_yield "a";
  co_yield "b";
}

// gen.9
EDDY_TEST(generator, is_destroyed_before_those_it_owns) {
  std::vector<std::string> log;
  {
    auto g = wraps(wraps(letters(log), "2", log), "1", log);
    const auto first = co_await g.next();
    EXPECT_EQ(first, "12a");
  }
  EXPECT_THAT(log, ElementsAre("1", "2", "letters"));
}

// Mistakes.
TEST(generator_death, resuming_a_running_one_stops_the_program) {
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 auto g = ticks(1h);
                 auto first = spawn([&]() -> task<void> { co_await g.next(); });
                 co_await testing::settle();
                 co_await g.next();
               }),
               "a generator was resumed while it was running");
}

TEST(generator_death, destroying_a_running_one_stops_the_program) {
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 auto g = std::make_unique<async_generator<int>>(ticks(1h));
                 auto first = spawn([&]() -> task<void> { co_await g->next(); });
                 co_await testing::settle();
                 g.reset();
               }),
               "a generator was destroyed while running");
}

}  // namespace
}  // namespace eddy
