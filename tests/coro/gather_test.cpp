#include <eddy/coro/gather.hpp>

#include "recorded.hpp"

#include <memory>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/race.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using testing::error_recorder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::settle;

task<void> sleep_one_hour() { co_await sleep(1h); }

// --- gather: gath.1 to gath.13 ---

// gath.1 gath.8
EDDY_TEST(gather, gives_results_in_the_order_of_its_arguments) {
  auto results = co_await gather(value_after(3s, std::string("a")), sleep(1s), value_after(2s, 2));
  EXPECT_EQ(std::get<0>(results), "a");
  EXPECT_EQ(std::get<2>(results), 2);
  EXPECT_EQ(now(), time_point(3s));
  std::vector<task<int>> range;
  for (const int i : {3, 1, 2}) range.push_back(value_after(std::chrono::seconds(i), i));
  const auto values = co_await gather(std::move(range));
  EXPECT_THAT(values, ElementsAre(3, 1, 2));
}

// gath.2 gath.3
EDDY_TEST(gather, cancels_the_rest_after_the_first_failure) {
  std::vector<std::string> log;
  const auto first = co_await as_result(
      gather(fail_after(1s, "first"), clean_slowly(1s, "rest", log), value_after(0s, 1)));
  EXPECT_EQ(ending(first), "first");
  EXPECT_THAT(log, ElementsAre("rest"));
  const auto both = co_await as_result(gather(fail_in_cleanup("second"), fail_after(1s, "first")));
  EXPECT_EQ(ending(both), "[first, second]");
}

// gath.4
EDDY_TEST(gather, in_a_cancelled_scope_starts_its_members_and_refuses_them) {
  int started = 0;
  std::string ended;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto member = [&]() -> task<void> {
      ++started;
      co_await yield();
    };
    ended = co_await ending_of(gather(member(), member()));
  });
  EXPECT_EQ(started, 2);
  EXPECT_EQ(ended, "cancelled (requested)");
}

// gath.5 gath.6
EDDY_TEST(gather, ends_with_what_its_members_end_with_when_the_caller_is_cancelled) {
  std::string values;
  std::string failure;
  std::string next;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    spawn([&s]() -> task<void> {
      co_await sleep(1s);
      s.cancel();
    });
    const auto both =
        co_await as_result(gather(shield(value_after(2s, 1)), shield(value_after(3s, 2))));
    values = ending(both);
    next = co_await ending_of(yield());
    failure = co_await ending_of(gather(fail_in_cleanup("cleanup"), sleep(1h)));
  });
  EXPECT_EQ(values, "value");
  EXPECT_EQ(next, "cancelled (requested)");
  EXPECT_EQ(failure, "cleanup");
}

// gath.7
EDDY_TEST(gather, of_nothing_is_empty_at_once_in_a_cancelled_scope_too) {
  co_await with_scope([](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto none = co_await gather();
    EXPECT_EQ(std::tuple_size_v<std::remove_cvref_t<decltype(none)>>, 0U);
    const auto values = co_await gather(std::vector<task<int>>());
    EXPECT_THAT(values, IsEmpty());
  });
}

task<int> tree(int depth, int& ended) {
  if (depth > 0) {
    std::vector<task<int>> below;
    for (int i = 0; i < 5; ++i) below.push_back(tree(depth - 1, ended));
    co_await gather(std::move(below));
  }
  co_await yield();
  co_return ++ended;
}

// gath.10
EDDY_TEST(gather, recurses) {
  int ended = 0;
  co_await tree(4, ended);
  EXPECT_EQ(ended, 781);
  EXPECT_EQ(coro::scheduler::require().live_tasks(), 1U);
}

// gath.9
EDDY_TEST(gather, cancels_and_awaits_grandchildren) {
  int ended = 0;
  const auto leaf = [&]() -> task<void> {
    const auto stopped = co_await as_result(sleep(1h));
    if (stopped.is_cancelled()) ++ended;
  };
  const auto branch = [&]() -> task<void> { co_await gather(leaf(), leaf()); };
  const auto all = [&]() -> task<void> { co_await gather(branch(), branch()); };
  const bool in_time = co_await move_on_after(1s, all());
  EXPECT_TRUE(in_time) << "all leaves returned normally";
  EXPECT_EQ(ended, 4);
}

// gath.11 gath.12
EDDY_TEST(gather, over_handles_leaves_their_tasks_alone) {
  auto slow = spawn(value_after(10s, 1));
  auto failing = spawn(fail_after(1s, "handle"));
  const auto failed = co_await as_result(gather(slow, failing));
  EXPECT_EQ(ending(failed), "handle");
  EXPECT_FALSE(slow.done());
  auto twice = co_await gather(slow, slow);
  EXPECT_EQ(std::get<0>(twice), 1);
  EXPECT_EQ(std::get<1>(twice), 1);
  auto stopped = spawn(sleep_one_hour());
  co_await settle();
  stopped.cancel();
  const auto missing = co_await as_result(gather(stopped, value_after(1h, 1)));
  EXPECT_EQ(ending(missing), make_error_code(errc::task_cancelled).message());
}

// gath.13
EDDY_TEST(gather, ends_the_members_it_has_started_when_making_the_others_throws) {
  int started = 0;
  const auto member = [&]() -> task<int> {
    ++started;
    co_await sleep(1h);
    co_return 1;
  };
  const auto make = [&](int i) {
    if (i == 3) throw named_error("iterator");
    return member();
  };
  const auto range = std::views::iota(0, 5) | std::views::transform(make);
  const auto ended = co_await as_result(gather(range));
  EXPECT_EQ(ending(ended), "iterator");
  EXPECT_EQ(started, 3);
  EXPECT_EQ(now(), time_point());
}

// gath.14
EDDY_TEST(gather_settled, gives_every_member_its_slot) {
  auto stopped = spawn(sleep_one_hour());
  co_await settle();
  stopped.cancel();
  auto slots = co_await gather_settled(value_after(1s, 1), fail_after(2s, "failed"),
                                       with_timeout(1s, sleep(1h)), stopped);
  EXPECT_EQ(ending(std::get<0>(slots)), "value");
  EXPECT_EQ(ending(std::get<1>(slots)), "failed");
  EXPECT_EQ(ending(std::get<2>(slots)), "timeout");
  EXPECT_EQ(ending(std::get<3>(slots)), make_error_code(errc::task_cancelled).message());
}

// gath.15
EDDY_TEST(gather_each, runs_no_more_than_its_limit_and_keeps_the_order) {
  int running = 0;
  int most = 0;
  const auto work = [&](int i) -> task<int> {
    most = std::max(most, ++running);
    co_await sleep(std::chrono::seconds(10 - i));
    --running;
    co_return i * 10;
  };
  const std::vector<int> input{1, 2, 3, 4, 5, 6, 7};
  const auto results = co_await gather_each(input, work, {.limit = 3});
  EXPECT_THAT(results, ElementsAre(10, 20, 30, 40, 50, 60, 70));
  EXPECT_EQ(most, 3);
}

// gath.16 gath.17
EDDY_TEST(gather_each, pulls_lazily_and_starts_nothing_after_a_failure) {
  int pulled = 0;
  const auto note = [&](int i) {
    ++pulled;
    return i;
  };
  const auto range = std::views::iota(0, 100) | std::views::transform(note);
  const auto work = [](int i) -> task<int> {
    co_await sleep(1s);
    if (i == 4) throw named_error("fourth");
    co_return i;
  };
  const auto ended = co_await as_result(gather_each(range, work, {.limit = 2}));
  EXPECT_EQ(ending(ended), "fourth");
  EXPECT_LE(pulled, 7) << "0 to 5, and 6 where 5 ran before 4 failed";
}

// gath.18
EDDY_TEST(gather_each, refuses_a_limit_of_zero) {
  const std::vector<int> input{1};
  const auto work = [](int) -> task<void> { co_return; };
  const auto ended = co_await as_result(gather_each(input, work, {.limit = 0}));
  EXPECT_EQ(ending(ended), make_error_code(errc::invalid_input).message());
}

// --- race: race.1 to race.10 ---

// race.1
EDDY_TEST(race, gives_the_first_after_the_others_have_ended) {
  std::vector<std::string> log;
  auto first = co_await race(clean_slowly(2s, "loser", log), value_after(1s, 42));
  EXPECT_EQ(first.index(), 1U);
  EXPECT_EQ(*first.get<1>(), 42);
  EXPECT_TRUE(first.get<0>().is_cancelled());
  EXPECT_THAT(log, ElementsAre("loser"));
  EXPECT_EQ(now(), time_point(3s));
}

// race.2
EDDY_TEST(race, throws_when_the_first_fails) {
  const auto ended = co_await as_result(race(fail_after(1s, "first"), sleep(1h)));
  EXPECT_EQ(ending(ended), "first");
}

// race.3 race.4
EDDY_TEST(race, keeps_what_losers_end_with_in_their_slots) {
  auto first =
      co_await race(fail_in_cleanup("loser"), value_after(1s, 1), shield(value_after(2s, 2)));
  EXPECT_EQ(first.index(), 1U);
  EXPECT_EQ(ending(first.get<0>()), "loser");
  EXPECT_EQ(*first.get<1>(), 1);
  EXPECT_EQ(*first.get<2>(), 2);
}

// race.5 race.6
EDDY_TEST(race, reports_what_nobody_reads_once) {
  error_recorder recorder;
  {
    auto unread = co_await race(fail_in_cleanup("loser"), value_after(1s, 1));
    EXPECT_EQ(*unread.get<1>(), 1);
  }
  EXPECT_EQ(recorder.take().size(), 1U);
  const auto ended = co_await as_result(race(fail_after(1s, "first"), shield(value_after(2s, 2))));
  EXPECT_EQ(ending(ended), "first");
  EXPECT_EQ(recorder.take().size(), 1U);
}

// race.7 race.8
EDDY_TEST(race, ends_cancelled_or_with_the_winner_when_the_caller_is_cancelled) {
  std::string nobody;
  std::string winner;
  std::string next;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    spawn([&s]() -> task<void> {
      co_await sleep(1s);
      s.cancel();
    });
    const auto both = [&]() -> task<int> {
      auto first = co_await race(value_after(500ms, 1), shield(sleep(2s)));
      winner = std::to_string(first.index()) + " " + std::to_string(*first.get<0>());
      next = co_await ending_of(yield());
      co_return 0;
    };
    co_await both();
    nobody = co_await ending_of(race(sleep(1h), sleep(2h)));
  });
  EXPECT_EQ(winner, "0 1");
  EXPECT_EQ(next, "cancelled (requested)");
  EXPECT_EQ(nobody, "cancelled (requested)");
}

// race.10
EDDY_TEST(race, refuses_an_empty_range) {
  const auto ended = co_await as_result(race(std::vector<task<int>>()));
  EXPECT_EQ(ending(ended), make_error_code(errc::invalid_input).message());
}

}  // namespace
}  // namespace eddy
