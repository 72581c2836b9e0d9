#include <eddy/testing/virtual_run.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/testing/requirement.hpp>

// Cases: clk.1 clk.2 clk.3 clk.4

namespace eddy::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// What run_virtual throws as run_failure; empty when it throws nothing.
template <class Main>
std::string failure_text(Main main, const virtual_options& options = {}) {
  try {
    run_virtual(std::move(main), options);
  } catch (const run_failure& failure) {
    return failure.what();
  }
  return {};
}

virtual_options production_order() {
  virtual_options options;
  options.shuffle = false;
  return options;
}

/// An operation that nothing ever completes.
class endless_wait final : public coro::queued_operation {
 public:
  endless_wait() = default;
  endless_wait(endless_wait&&) noexcept = default;
  [[nodiscard]] coro::wait_info describe() const override { return {"endless"}; }
  [[nodiscard]] bool try_complete() const noexcept { return false; }
  void enqueue() noexcept {}
  void take() const noexcept {}
};

TEST(virtual_run, gives_the_value_of_a_task) {
  const auto add = [](int a, int b) -> task<int> {
    co_await yield();
    co_return a + b;
  };
  EXPECT_EQ(run_virtual(add(40, 2)), 42);
}

TEST(virtual_run, throws_what_main_throws) {
  EXPECT_THROW(run_virtual([]() -> task<void> {
                 co_await yield();
                 throw std::out_of_range("main");
               }),
               std::out_of_range);
}

TEST(virtual_run, lets_hours_pass_at_once_and_exactly) {
  run_virtual([]() -> task<void> {
    const time_point start = now();
    const auto calendar = coro::scheduler::require().time_source().calendar();
    co_await sleep(5h);
    co_await sleep(1ns);
    EXPECT_EQ(now() - start, 5h + 1ns);
    EXPECT_EQ(coro::scheduler::require().time_source().calendar() - calendar, 5h + 1ns);
  });
}

TEST(virtual_run, holds_the_clock_still_while_a_task_is_ready) {
  run_virtual([]() -> task<void> {
    const time_point start = now();
    auto sleeper = spawn([]() -> task<void> { co_await sleep(1ms); });
    for (int i = 0; i < 500; ++i) co_await yield();
    EXPECT_EQ(now(), start);
    EXPECT_FALSE(sleeper.done());
    co_await sleeper;
    EXPECT_EQ(now() - start, 1ms);
  });
}

TEST(virtual_run, holds_the_clock_still_while_a_thread_works) {
  run_virtual([]() -> task<void> {
    auto sleeper = spawn([]() -> task<void> { co_await sleep(1ms); });
    const int answer = co_await to_thread([] { return 42; });
    EXPECT_EQ(answer, 42);
    EXPECT_EQ(now(), time_point());
    co_await sleeper;
  });
}

TEST(virtual_run,
     fires_all_timers_that_a_move_by_hand_passes_in_order_of_their_deadlines_in_one_turn) {
  run_virtual(
      []() -> task<void> {
        std::vector<int> order;
        std::vector<std::uint64_t> turns;
        const auto wait = [&](int ms) -> task<void> {
          co_await sleep(std::chrono::milliseconds(ms));
          order.push_back(ms);
          turns.push_back(coro::scheduler::require().turns());
        };
        for (const int ms : {30, 10, 20}) spawn(wait, ms);
        co_await settle();
        advance(1s);
        co_await yield();
        co_await yield();
        EXPECT_THAT(order, ElementsAre(10, 20, 30));
        EXPECT_EQ(turns.front(), turns.back());
        EXPECT_EQ(now(), time_point(1s));
        virtual_io().advance_to(time_point(1ms));
        EXPECT_EQ(now(), time_point(1s)) << "the clock went backwards";
      },
      production_order());
}

TEST(virtual_run, settles_when_every_other_task_is_blocked_without_moving_the_clock) {
  run_virtual([]() -> task<void> {
    int steps = 0;
    auto busy = spawn([&]() -> task<void> {
      for (; steps < 100; ++steps) co_await yield();
      co_await sleep(1s);
      ++steps;
    });
    co_await settle();
    EXPECT_EQ(steps, 100);
    EXPECT_EQ(now(), time_point());
    co_await busy;
    EXPECT_EQ(steps, 101);
  });
}

std::vector<int> order_with_seed(std::uint64_t seed) {
  std::vector<int> order;
  virtual_options options;
  options.seed = seed;
  options.shuffle = true;
  run_virtual(
      [&]() -> task<void> {
        co_await with_group([&](task_group& g) -> task<void> {
          const auto note = [&](int i) -> task<void> {
            co_await yield();
            order.push_back(i);
          };
          for (int i = 0; i < 20; ++i) g.spawn(note, i);
          co_return;
        });
      },
      options);
  return order;
}

TEST(virtual_run, repeats_the_order_of_a_seed) {
  EXPECT_EQ(order_with_seed(7), order_with_seed(7));
  EXPECT_NE(order_with_seed(7), order_with_seed(8));
}

TEST(virtual_run, reports_a_deadlock_with_the_task_tree) {
  const auto text = failure_text([]() -> task<void> { co_await endless_wait(); });
  EXPECT_THAT(text, HasSubstr("deadlock"));
  EXPECT_THAT(text, HasSubstr("main"));
  EXPECT_THAT(text, HasSubstr("endless"));
  EXPECT_THAT(text, HasSubstr("EDDY_SEED="));
}

TEST(virtual_run, unwinds_a_run_that_hung) {
  bool unwound = false;
  const auto text = failure_text([&]() -> task<void> {
    struct note {
      bool& flag;
      ~note() { flag = true; }
    } const on_exit{unwound};
    co_await shield(endless_wait());
  });
  EXPECT_TRUE(unwound);
  EXPECT_THAT(text, Not(HasSubstr("leaked")));
}

TEST(virtual_run, bounds_virtual_time) {
  virtual_options options;
  options.time_limit = 1min;
  const auto text = failure_text(
      []() -> task<void> {
        for (;;) co_await sleep(10s);
      },
      options);
  EXPECT_THAT(text, HasSubstr("more virtual time"));
}

TEST(virtual_run, bounds_the_number_of_turns) {
  virtual_options options;
  options.turn_limit = 1000;
  const auto text = failure_text(
      []() -> task<void> {
        for (;;) co_await yield();
      },
      options);
  EXPECT_THAT(text, HasSubstr("more turns"));
}

TEST(virtual_run, cancels_and_awaits_what_main_leaves_in_the_root_group) {
  bool cleaned = false;
  run_virtual([&]() -> task<void> {
    spawn([&]() -> task<void> {
      const auto ended = co_await as_result(sleep(1h));
      cleaned = ended.is_cancelled();
    });
    co_await yield();
  });
  EXPECT_TRUE(cleaned);
}

TEST(virtual_run, fails_when_a_frame_is_leaked) {
  coro::frame_owner<task<void>::promise_type> kept;
  const auto text = failure_text([&]() -> task<void> {
    auto unstarted = []() -> task<void> { co_return; };
    kept = unstarted().release_frame();
    co_return;
  });
  EXPECT_THAT(text, HasSubstr("1 coroutine frames or task records were leaked"));
}

TEST(virtual_run, fails_when_a_socket_is_leaked) {
  std::unique_ptr<runtime::descriptor> kept;
  const auto text = failure_text([&]() -> task<void> {
    kept = virtual_io().open_socket(AF_INET, SOCK_STREAM, 0);
    co_return;
  });
  EXPECT_THAT(text, HasSubstr("1 sockets are still open"));
}

TEST(virtual_run, fails_when_a_failure_is_observed_by_nobody) {
  const auto text = failure_text([]() -> task<void> {
    spawn([]() -> task<void> {
      co_await yield();
      throw std::runtime_error("lost");
    });
    co_await settle();
  });
  EXPECT_THAT(text, HasSubstr("nobody observed it"));
  EXPECT_THAT(text, HasSubstr("lost"));
}

TEST(error_recorder, receives_what_nobody_observed) {
  run_virtual([]() -> task<void> {
    error_recorder recorder;
    spawn([]() -> task<void> {
      co_await yield();
      throw std::runtime_error("lost");
    });
    co_await settle();
    EXPECT_EQ(recorder.count(), 1U);
    const auto reports = recorder.take();
    EXPECT_THAT(describe_exception(reports.front().error), HasSubstr("lost"));
    EXPECT_EQ(recorder.count(), 0U);
  });
}

TEST(requirement, fails_the_run_even_when_it_is_caught) {
  const auto text = failure_text([]() -> task<void> {
    const auto check = []() -> task<void> {
      co_await yield();
      EDDY_REQUIRE(1 + 1 == 3);
    };
    const auto ended = co_await as_result(check());
    EXPECT_TRUE(ended.has_error());
  });
  EXPECT_THAT(text, HasSubstr("virtual_run_test.cpp"));
  EXPECT_THAT(text, HasSubstr("required: 1 + 1 == 3"));
}

EDDY_TEST(eddy_test, runs_its_body_in_virtual_time) {
  EXPECT_NE(virtual_run::current(), nullptr);
  const time_point start = now();
  co_await sleep(24h);
  EXPECT_EQ(now() - start, 24h);
}

virtual_options seed_99() {
  virtual_options options;
  options.seed = 99;
  return options;
}

EDDY_TEST_WITH(eddy_test, takes_options, seed_99()) {
  EXPECT_THAT(virtual_run::current()->how_to_repeat(), HasSubstr("EDDY_SEED=99"));
  co_return;
}

}  // namespace
}  // namespace eddy::testing
