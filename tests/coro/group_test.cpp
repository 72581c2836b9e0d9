#include <eddy/coro/group.hpp>

#include "recorded.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/finally.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using testing::settle;

/// How a group ends whose children and body are what `fill` makes of it.
template <class Fill>
task<std::string> group_ending(Fill fill) {
  const auto body = [&fill](task_group& g) -> task<void> { co_await fill(g); };
  co_return co_await ending_of(with_group(body));
}

// grp.1
EDDY_TEST(group, gives_the_body_s_value_when_all_children_have_ended) {
  task_handle<int> a;
  const int value = co_await with_group([&](task_group& g) -> task<int> {
    a = g.spawn(value_after(2s, 1));
    g.spawn(value_after(1s, 2));
    co_return 3;
  });
  EXPECT_EQ(value, 3);
  EXPECT_EQ(now(), time_point(2s));
  EXPECT_TRUE(a.done());
  const int kept = co_await a;
  EXPECT_EQ(kept, 1);
}

// grp.2
EDDY_TEST(group, without_children_does_not_suspend_not_even_in_a_cancelled_scope) {
  const auto turns = coro::scheduler::require().turns();
  co_await with_scope([](cancel_scope& s) -> task<void> {
    s.cancel();
    const int value = co_await with_group([](task_group&) -> task<int> { co_return 1; });
    EXPECT_EQ(value, 1);
  });
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
}

// grp.4
EDDY_TEST(group, is_undisturbed_by_a_child_that_is_cancelled_through_its_handle) {
  const std::string ended = co_await group_ending([](task_group& g) -> task<void> {
    auto victim = g.spawn(value_after(1h, 1));
    auto other = g.spawn(value_after(1s, 2));
    co_await settle();
    victim.cancel();
    const int value = co_await other;
    EXPECT_EQ(value, 2);
  });
  EXPECT_EQ(ended, "value");
}

// grp.3 grp.5
EDDY_TEST(group, cancels_the_others_when_a_child_fails_and_rethrows_its_error_as_itself) {
  std::vector<std::string> log;
  std::string body_ended;
  const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
    g.spawn(fail_after(1s, "first"));
    g.spawn(clean_slowly(1s, "sibling", log));
    body_ended = co_await ending_of(sleep(1h));
  });
  EXPECT_EQ(ended, "first");
  EXPECT_EQ(body_ended, "cancelled (sibling failed)");
  EXPECT_THAT(log, ElementsAre("sibling"));
  EXPECT_EQ(now(), time_point(2s));
}

// grp.6 grp.7 grp.8
EDDY_TEST(group, collects_failures_in_the_order_in_which_they_arrive) {
  const std::string by_body = co_await group_ending([](task_group& g) -> task<void> {
    g.spawn(value_after(1h, 1));
    co_await fail_after(1s, "body");
  });
  EXPECT_EQ(by_body, "body");
  const std::string three = co_await group_ending([](task_group& g) -> task<void> {
    g.spawn([]() -> task<void> {
      const auto ended = co_await as_result(sleep(1h));
      if (ended.is_cancelled()) co_await shield(fail_after(2s, "late cleanup"));
    });
    g.spawn(fail_in_cleanup("cleanup"));
    co_await settle();
    throw named_error("body");
  });
  EXPECT_EQ(three, "[body, cleanup, late cleanup]");
}

// grp.9 grp.10 grp.12
EDDY_TEST(group, unwinds_when_the_scope_around_it_is_cancelled) {
  std::vector<std::string> log;
  std::string ended;
  const auto nested = [&]() -> task<void> {
    co_await with_group([&](task_group& outer) -> task<void> {
      outer.spawn(clean_slowly(1s, "outer child", log));
      co_await with_group([&](task_group& inner) -> task<void> {
        inner.spawn(clean_slowly(2s, "inner child", log));
        co_return;
      });
      log.push_back("unreachable");
    });
  };
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    spawn([&s]() -> task<void> {
      co_await sleep(1s);
      s.cancel();
    });
    const auto result = co_await as_result(nested());
    ended = ending(result);
    co_await yield();
  });
  EXPECT_FALSE(finished);
  EXPECT_EQ(ended, "cancelled (requested)");
  EXPECT_THAT(log, ElementsAre("outer child", "inner child"));
}

// grp.11
EDDY_TEST(group,
          returns_normally_when_its_children_finish_in_shields_although_the_scope_is_cancelled) {
  std::string next;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
      g.spawn(shield(value_after(1s, 1)));
      g.spawn([&s]() -> task<void> {
        s.cancel();
        co_return;
      });
      co_return;
    });
    EXPECT_EQ(ended, "value");
    next = co_await ending_of(yield());
  });
  EXPECT_EQ(next, "cancelled (requested)");
}

// grp.13 grp.14 grp.15
EDDY_TEST(group, nested_passes_failures_on_as_they_are) {
  const std::string outer_child = co_await group_ending([](task_group& outer) -> task<void> {
    outer.spawn(fail_after(1s, "outer"));
    co_await with_group([](task_group& inner) -> task<void> {
      inner.spawn(value_after(1h, 1));
      co_return;
    });
  });
  EXPECT_EQ(outer_child, "outer");
  const std::string inner_child = co_await group_ending([](task_group&) -> task<void> {
    co_await with_group([](task_group& inner) -> task<void> {
      inner.spawn(fail_after(1s, "inner"));
      co_return;
    });
  });
  EXPECT_EQ(inner_child, "inner");
  const std::string both = co_await group_ending([](task_group& outer) -> task<void> {
    outer.spawn(fail_in_cleanup("third"));
    co_await with_group([](task_group& inner) -> task<void> {
      inner.spawn(fail_after(1s, "first"));
      inner.spawn(fail_in_cleanup("second"));
      co_return;
    });
  });
  EXPECT_EQ(both, "[[first, second], third]");
}

// grp.16
EDDY_TEST(group, cancelled_but_open_starts_a_child_and_refuses_its_first_operation) {
  bool started = false;
  std::string child;
  const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
    g.cancel();
    g.spawn([&]() -> task<void> {
      started = true;
      child = co_await ending_of(yield());
    });
    co_return;
  });
  EXPECT_TRUE(started);
  EXPECT_EQ(child, "cancelled (requested)");
  EXPECT_EQ(ended, "value");
}

// grp.18 grp.19
EDDY_TEST(group, waits_for_children_that_children_spawn) {
  int ended_children = 0;
  const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
    g.spawn([&]() -> task<void> {
      co_await sleep(1s);
      g.spawn([&]() -> task<void> {
        co_await sleep(1s);
        ++ended_children;
      });
      ++ended_children;
    });
    co_return;
  });
  EXPECT_EQ(ended, "value");
  EXPECT_EQ(ended_children, 2);

  int made = 0;
  const std::string failed = co_await group_ending([&](task_group& g) -> task<void> {
    std::function<task<void>()> multiply = [&]() -> task<void> {
      if (++made == 500) throw named_error("enough");
      co_await sleep(1ms);
      g.spawn(multiply());
      g.spawn(multiply());
    };
    g.spawn(multiply());
    co_await sleep(1h);
  });
  EXPECT_EQ(failed, "enough");
}

// grp.20
EDDY_TEST(group, does_not_apply_the_body_s_narrower_timeout_to_a_child) {
  task_handle<int> child;
  const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
    const auto start_it = [&]() -> task<void> {
      child = g.spawn(value_after(10s, 7));
      co_await sleep(1h);
    };
    const bool in_time = co_await move_on_after(1s, start_it());
    EXPECT_FALSE(in_time);
  });
  EXPECT_EQ(ended, "value");
  const int value = co_await child;
  EXPECT_EQ(value, 7);
}

// grp.21
EDDY_TEST(group, keeps_nothing_of_children_that_have_ended) {
  co_await with_group([](task_group& g) -> task<void> {
    const auto before = coro::live_frames();
    for (int i = 0; i < 1000; ++i) {
      for (int k = 0; k < 100; ++k) g.spawn([]() -> task<void> { co_await yield(); });
      co_await settle();
    }
    EXPECT_EQ(coro::live_frames(), before);
  });
}

// grp.22 grp.23 grp.24 grp.25
EDDY_TEST(group, cancelled_by_its_own_call_ends_without_an_error) {
  std::vector<std::string> endings;
  const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
    const auto note = [&]() -> task<void> { endings.push_back(co_await ending_of(sleep(1h))); };
    g.spawn(note);
    co_await settle();
    g.spawn(note);
    EXPECT_TRUE(g.cancel());
    EXPECT_FALSE(g.cancel());
    co_await yield();
  });
  EXPECT_EQ(ended, "value");
  EXPECT_THAT(endings, ElementsAre("cancelled (requested)", "cancelled (requested)"));
  co_await yield();

  const int value = co_await with_group([](task_group& g) -> task<int> {
    g.cancel();
    co_return 5;
  });
  EXPECT_EQ(value, 5);

  const auto owes = [](task_group& g) -> task<int> {
    g.spawn([&g]() -> task<void> {
      g.cancel();
      co_await yield();
      ADD_FAILURE() << "not refused";
    });
    co_await sleep(1h);
    co_return 5;
  };
  const auto cut_off = co_await as_result(with_group(owes));
  EXPECT_EQ(ending(cut_off), make_error_code(errc::task_cancelled).message());
}

// grp.26
EDDY_TEST(group, is_left_by_a_child_s_own_timeout) {
  const std::string ended = co_await group_ending([](task_group& g) -> task<void> {
    g.spawn(with_timeout(1s, sleep(1h)));
    co_await sleep(1h);
  });
  EXPECT_EQ(ended, "timeout");
}

// grp.27 grp.28
EDDY_TEST(group, throws_an_error_once_that_reaches_it_through_child_and_body) {
  const std::string once = co_await group_ending([](task_group& g) -> task<void> {
    auto child = g.spawn(fail_after(1s, "child"));
    co_await shield(child);
  });
  EXPECT_EQ(once, "child");
  const std::string wrapped = co_await group_ending([](task_group& g) -> task<void> {
    auto child = g.spawn(fail_after(1s, "child"));
    const auto ended = co_await as_result(shield(child));
    if (ended.has_error()) throw named_error("wrapped");
  });
  EXPECT_EQ(wrapped, "[child, wrapped]");
}

// grp.29
EDDY_TEST(group, ends_the_body_s_wait_for_an_outside_task_and_leaves_that_alone) {
  auto outside = spawn(value_after(10s, 7));
  const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
    g.spawn(fail_after(1s, "child"));
    co_await outside;
  });
  EXPECT_EQ(ended, "child");
  EXPECT_EQ(now(), time_point(1s));
  const int value = co_await outside;
  EXPECT_EQ(value, 7);
}

// grp.30
EDDY_TEST(group, cancels_the_children_at_once_while_the_body_is_in_a_shield) {
  time_point sibling_ended;
  std::string next;
  const std::string ended = co_await group_ending([&](task_group& g) -> task<void> {
    g.spawn(fail_after(1s, "child"));
    g.spawn([&]() -> task<void> {
      const auto stopped = co_await as_result(sleep(1h));
      sibling_ended = now();
    });
    const int value = co_await shield(value_after(5s, 3));
    EXPECT_EQ(value, 3);
    next = co_await ending_of(yield());
  });
  EXPECT_EQ(ended, "child");
  EXPECT_EQ(sibling_ended, time_point(1s));
  EXPECT_EQ(next, "cancelled (sibling failed)");
}

// grp.31
EDDY_TEST(group, waits_for_a_child_s_shield_and_keeps_its_value_in_the_handle) {
  task_handle<int> child;
  co_await with_group([&](task_group& g) -> task<void> {
    child = g.spawn(shield(value_after(5s, 3)));
    co_await settle();
    g.cancel();
  });
  EXPECT_EQ(now(), time_point(5s));
  const int value = co_await child;
  EXPECT_EQ(value, 3);
}

// grp.32 shld.9
EDDY_TEST(group,
          inside_a_shield_works_undisturbed_in_a_cancelled_scope_and_can_be_cancelled_itself) {
  co_await with_scope([](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto work = []() -> task<int> {
      co_return co_await with_group([](task_group& g) -> task<int> {
        auto child = g.spawn(value_after(1s, 3));
        const int value = co_await child;
        g.spawn(value_after(1h, 0));
        g.cancel();
        co_return value;
      });
    };
    const int value = co_await shield(work());
    EXPECT_EQ(value, 3);
  });
  EXPECT_EQ(now(), time_point(1s));
}

struct throws_when_copied {
  throws_when_copied() = default;
  throws_when_copied(const throws_when_copied&) { throw named_error("copy"); }
};

// grp.34
EDDY_TEST(group, is_unchanged_when_spawn_throws) {
  const std::string ended = co_await group_ending([](task_group& g) -> task<void> {
    const throws_when_copied argument;
    EXPECT_THROW(g.spawn([](const throws_when_copied&) -> task<void> { co_return; }, argument),
                 named_error);
    EXPECT_EQ(g.size(), 0U);
    co_await sleep(1s);
  });
  EXPECT_EQ(ended, "value");
}

}  // namespace
}  // namespace eddy
