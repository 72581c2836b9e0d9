#include <eddy/coro/scope.hpp>

#include "error_code.hpp"
#include "recorded.hpp"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::settle;

// --- basics: scope.1 to scope.16 ---

// scope.1
EDDY_TEST(scope, absorbs_its_own_cancellation_and_gives_nothing) {
  cancel_scope scope;
  spawn([&]() -> task<void> {
    co_await sleep(1s);
    scope.cancel();
  });
  const auto body = [](cancel_scope&) -> task<int> { co_return co_await value_after(1h, 42); };
  const auto value = co_await with_scope(scope, body);
  EXPECT_FALSE(value.has_value());
  EXPECT_TRUE(scope.cancel_called());
  EXPECT_TRUE(scope.cancelled_caught());
  EXPECT_EQ(now(), time_point(1s));
}

// scope.1
EDDY_TEST(scope, gives_the_value_when_it_is_not_cancelled) {
  cancel_scope scope;
  const auto body = [](cancel_scope&) -> task<int> { co_return co_await value_after(1s, 42); };
  const auto value = co_await with_scope(scope, body);
  EXPECT_EQ(value, 42);
  EXPECT_FALSE(scope.cancel_called());
  EXPECT_FALSE(scope.cancelled_caught());
}

// scope.2
EDDY_TEST(scope, gives_the_value_when_it_is_cancelled_after_the_last_operation) {
  cancel_scope scope;
  const auto body = [](cancel_scope& s) -> task<void> {
    co_await sleep(1s);
    s.cancel();
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_TRUE(finished);
  EXPECT_TRUE(scope.cancel_called());
  EXPECT_FALSE(scope.cancelled_caught());
  co_await sleep(1s);
  EXPECT_EQ(now(), time_point(2s));
}

// scope.3 scope.4 err.2
EDDY_TEST(scope, refuses_each_operation_again_with_the_first_reason) {
  co_await with_scope([](cancel_scope& s) -> task<void> {
    EXPECT_TRUE(s.cancel(cancel_reason::overload, "too much"));
    EXPECT_FALSE(s.cancel(cancel_reason::requested, "again"));
    for (int i = 0; i < 3; ++i) {
      const auto refused = co_await as_result(yield());
      EDDY_REQUIRE(refused.is_cancelled());
      EXPECT_EQ(refused.cancellation().reason(), cancel_reason::overload);
      EXPECT_EQ(refused.cancellation().text(), "too much");
      EXPECT_THAT(refused.cancellation().where().file_name(), HasSubstr("scope_test.cpp"));
    }
    EXPECT_EQ(s.reason(), cancel_reason::overload);
  });
}

// scope.5
EDDY_TEST(scope, cancelled_before_it_is_entered_starts_its_body_and_refuses_the_first_operation) {
  cancel_scope scope;
  scope.cancel();
  bool started = false;
  bool passed = false;
  const auto body = [&](cancel_scope&) -> task<void> {
    started = true;
    co_await yield();
    passed = true;
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_TRUE(started);
  EXPECT_FALSE(passed);
  EXPECT_FALSE(finished);
  EXPECT_TRUE(scope.cancelled_caught());
}

// scope.6
EDDY_TEST(scope, cancelled_after_it_was_left_disturbs_nobody) {
  cancel_scope scope;
  const auto body = [](cancel_scope&) -> task<void> { co_await yield(); };
  co_await with_scope(scope, body);
  scope.cancel();
  co_await sleep(1s);
  EXPECT_TRUE(scope.cancel_called());
  EXPECT_FALSE(scope.cancelled_caught());
}

// scope.7
TEST(scope_death, entering_a_scope_twice_stops_the_program) {
  EXPECT_DEATH(testing::run_virtual([]() -> task<void> {
                 cancel_scope scope;
                 const auto body = [](cancel_scope&) -> task<void> { co_return; };
                 co_await with_scope(scope, body);
                 co_await with_scope(scope, body);
               }),
               "entered twice");
}

// scope.8
EDDY_TEST(scope, lets_an_error_pass_that_its_body_throws_instead_of_the_cancellation) {
  cancel_scope scope;
  const auto body = [](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto refused = co_await as_result(yield());
    if (refused.is_cancelled()) throw named_error("own");
  };
  const std::string ended = co_await ending_of(with_scope(scope, body));
  EXPECT_EQ(ended, "own");
  EXPECT_FALSE(scope.cancelled_caught());
}

// scope.9
EDDY_TEST(scope, is_cancelled_alike_by_a_sibling_a_child_a_callback_and_its_own_body) {
  const auto until_cancelled = [](cancel_scope& scope) -> task<std::string> {
    const auto body = [](cancel_scope&) -> task<void> { co_await sleep(1h); };
    const bool finished = co_await with_scope(scope, body);
    co_return finished ? "finished" : scope.cancelled_caught() ? "caught" : "lost";
  };
  cancel_scope by_sibling;
  spawn([&]() -> task<void> {
    by_sibling.cancel();
    co_return;
  });
  const std::string sibling = co_await until_cancelled(by_sibling);
  EXPECT_EQ(sibling, "caught");

  cancel_scope by_callback;
  post([&] { by_callback.cancel(); });
  const std::string callback = co_await until_cancelled(by_callback);
  EXPECT_EQ(callback, "caught");

  cancel_scope by_child;
  const auto with_child = [&](cancel_scope& s) -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn([&s]() -> task<void> {
        s.cancel();
        co_return;
      });
      co_await sleep(1h);
    });
  };
  const bool child = co_await with_scope(by_child, with_child);
  EXPECT_FALSE(child);

  cancel_scope by_itself;
  bool went_on = false;
  const auto own = [&](cancel_scope& s) -> task<void> {
    s.cancel();
    went_on = true;
    co_await yield();
  };
  const bool itself = co_await with_scope(by_itself, own);
  EXPECT_FALSE(itself);
  EXPECT_TRUE(went_on);
  EXPECT_EQ(now(), time_point());
}

// scope.13
EDDY_TEST(scope, withdraws_a_thousand_suspended_tasks_in_one_call) {
  int thrown = 0;
  cancel_scope scope;
  const auto body = [&](cancel_scope&) -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      const auto wait = [&]() -> task<void> {
        const auto ended = co_await as_result(sleep(1h));
        if (ended.is_cancelled()) ++thrown;
      };
      for (int i = 0; i < 1000; ++i) g.spawn(wait);
      co_return;
    });
  };
  spawn([&]() -> task<void> {
    co_await settle();
    EXPECT_EQ(coro::scheduler::require().timers().size(), 1000U);
    scope.cancel();
    EXPECT_EQ(coro::scheduler::require().timers().size(), 0U) << "not withdrawn inside the call";
  });
  co_await with_scope(scope, body);
  EXPECT_EQ(thrown, 1000);
}

// scope.14
EDDY_TEST(scope, uses_no_turns_while_it_waits_for_a_child_that_does_not_end) {
  cancel_scope scope;
  auto& loop = coro::scheduler::require();
  std::uint64_t turns = 0;
  const auto body = [&](cancel_scope& s) -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn([]() -> task<void> { co_await shield(sleep(1h)); });
      co_await settle();
      s.cancel();
      turns = loop.turns();
      co_return;
    });
  };
  co_await with_scope(scope, body);
  EXPECT_EQ(now(), time_point(1h));
  EXPECT_LT(loop.turns() - turns, 10U);
}

// scope.15
EDDY_TEST(scope, leaves_nothing_behind_after_a_hundred_thousand_uses) {
  const auto before = coro::live_frames();
  for (int i = 0; i < 100'000; ++i) {
    co_await with_scope([](cancel_scope& s) -> task<void> {
      s.set_deadline(after(now(), 1h));
      s.cancel();
      co_await yield();
    });
  }
  EXPECT_EQ(coro::live_frames(), before);
  EXPECT_EQ(coro::scheduler::require().timers().size(), 0U);
}

// --- nesting: scope.17 to scope.28 ---

struct nested {
  cancel_scope outer;
  cancel_scope inner;
  bool between = false;
  bool outer_finished = false;
  bool inner_finished = false;
};

/// Two scopes, one in the other; the innermost body is `fn`.
template <class Fn>
task<void> in_both(nested& n, Fn fn) {
  const auto inside_outer = [&n, &fn](cancel_scope&) -> task<void> {
    const auto inside_inner = [&fn](cancel_scope&) -> task<void> { co_await fn(); };
    n.inner_finished = co_await with_scope(n.inner, inside_inner);
    co_await yield();
    n.between = true;
  };
  n.outer_finished = co_await with_scope(n.outer, inside_outer);
}

// scope.17
EDDY_TEST(nested_scopes, absorb_in_the_inner_one_what_only_the_inner_one_was_cancelled_for) {
  nested n;
  const auto body = [&]() -> task<void> {
    n.inner.cancel();
    co_await yield();
  };
  co_await in_both(n, body);
  EXPECT_FALSE(n.inner_finished);
  EXPECT_TRUE(n.between);
  EXPECT_TRUE(n.outer_finished);
  EXPECT_FALSE(n.outer.cancel_called());
}

// scope.18 scope.21
EDDY_TEST(nested_scopes, let_the_cancellation_of_the_outer_one_pass_the_inner_one) {
  nested n;
  const auto body = [&]() -> task<void> {
    n.outer.cancel();
    EXPECT_TRUE(n.inner.cancelled());
    EXPECT_FALSE(n.inner.cancel_called());
    EXPECT_EQ(n.inner.reason(), cancel_reason::parent);
    co_await yield();
  };
  co_await in_both(n, body);
  EXPECT_FALSE(n.inner.cancel_called());
  EXPECT_FALSE(n.inner.cancelled_caught());
  EXPECT_FALSE(n.between);
  EXPECT_FALSE(n.outer_finished);
  EXPECT_TRUE(n.outer.cancelled_caught());
}

// scope.19 scope.22
EDDY_TEST(nested_scopes, absorb_in_the_outer_one_when_both_were_cancelled_in_either_order) {
  for (const bool outer_first : {true, false}) {
    nested n;
    const auto body = [&]() -> task<void> {
      if (outer_first) n.outer.cancel(cancel_reason::overload, "outer");
      n.inner.cancel(cancel_reason::requested, "inner");
      if (!outer_first) n.outer.cancel(cancel_reason::overload, "outer");
      const auto refused = co_await as_result(yield());
      EXPECT_EQ(refused.cancellation().text(), "outer");
      EXPECT_EQ(refused.cancellation().reason(), cancel_reason::overload);
      co_await yield();
    };
    co_await in_both(n, body);
    EXPECT_TRUE(n.inner.cancel_called());
    EXPECT_FALSE(n.inner.cancelled_caught());
    EXPECT_TRUE(n.outer.cancelled_caught());
    EXPECT_FALSE(n.between);
  }
}

// scope.20
EDDY_TEST(nested_scopes, absorb_in_the_middle_one_of_three_when_the_inner_two_are_cancelled) {
  cancel_scope outermost;
  nested n;
  const auto body = [&]() -> task<void> {
    n.inner.cancel();
    n.outer.cancel();
    co_await yield();
  };
  const auto all = [&](cancel_scope&) -> task<void> {
    co_await in_both(n, body);
    co_await yield();
  };
  const bool finished = co_await with_scope(outermost, all);
  EXPECT_TRUE(finished);
  EXPECT_TRUE(n.outer.cancelled_caught());
  EXPECT_FALSE(n.inner.cancelled_caught());
}

// scope.21
EDDY_TEST(nested_scopes, do_not_see_through_a_shield) {
  cancel_scope outer;
  cancel_scope inner;
  const auto inside = [&](cancel_scope& s) -> task<void> {
    outer.cancel();
    EXPECT_FALSE(s.cancelled());
    EXPECT_FALSE(s.reason().has_value());
    co_await yield();
  };
  const auto shielded = [&](cancel_scope&) -> task<void> {
    co_await shield(with_scope(inner, inside));
  };
  const bool finished = co_await with_scope(outer, shielded);
  EXPECT_TRUE(finished);
}

task<void> descend(int levels, std::vector<std::unique_ptr<cancel_scope>>& scopes) {
  if (levels == 0) {
    scopes.front()->cancel();
    co_await yield();
    co_return;
  }
  scopes.push_back(std::make_unique<cancel_scope>());
  const auto deeper = [&](cancel_scope&) -> task<void> { co_await descend(levels - 1, scopes); };
  const bool finished = co_await with_scope(*scopes[scopes.size() - 1], deeper);
  EXPECT_TRUE(finished || levels == 10'000) << "absorbed further in";
}

// scope.24
EDDY_TEST(nested_scopes, absorb_in_the_outermost_of_ten_thousand) {
  std::vector<std::unique_ptr<cancel_scope>> scopes;
  co_await descend(10'000, scopes);
  EXPECT_TRUE(scopes.front()->cancelled_caught());
}

// scope.25
EDDY_TEST(nested_scopes, withdraw_the_operations_of_grandchildren_in_the_same_call) {
  cancel_scope scope;
  const auto leaf = []() -> task<void> { co_await sleep(1h); };
  const auto child = [&]() -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn(leaf);
      g.spawn(leaf);
      co_return;
    });
  };
  const auto body = [&](cancel_scope&) -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn(child);
      g.spawn(child);
      co_return;
    });
  };
  spawn([&]() -> task<void> {
    co_await settle();
    EXPECT_EQ(coro::scheduler::require().timers().size(), 4U);
    scope.cancel();
    EXPECT_EQ(coro::scheduler::require().timers().size(), 0U);
  });
  const bool finished = co_await with_scope(scope, body);
  EXPECT_FALSE(finished);
}

// scope.26
EDDY_TEST(nested_scopes, refuse_the_child_that_cancelled_a_scope_around_its_group) {
  cancel_scope scope;
  std::string child_ended;
  const auto body = [&](cancel_scope& s) -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn([&]() -> task<void> {
        s.cancel();
        child_ended = co_await ending_of(yield());
      });
      co_return;
    });
  };
  co_await with_scope(scope, body);
  EXPECT_EQ(child_ended, "cancelled (requested)");
}

// scope.27
EDDY_TEST(nested_scopes, cancel_the_task_that_runs_the_body_and_not_the_holder) {
  cancel_scope scope;
  auto runner = spawn([&]() -> task<bool> {
    const auto body = [](cancel_scope&) -> task<void> { co_await sleep(1h); };
    co_return co_await with_scope(scope, body);
  });
  co_await settle();
  scope.cancel();
  co_await sleep(1s);
  const bool finished = co_await runner;
  EXPECT_FALSE(finished);
}

// scope.28
EDDY_TEST(nested_scopes, absorb_nothing_when_a_failure_leaves_a_group_together_with_cancellations) {
  cancel_scope scope;
  const auto body = [](cancel_scope& s) -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn(fail_in_cleanup("failure"));
      g.spawn([]() -> task<void> { co_await sleep(1h); });
      co_await settle();
      s.cancel();
    });
  };
  const std::string ended = co_await ending_of(with_scope(scope, body));
  EXPECT_EQ(ended, "failure");
  EXPECT_FALSE(scope.cancelled_caught());
}

// err.5
EDDY_TEST(scope, gives_the_value_of_a_body_that_swallowed_the_cancellation) {
  cancel_scope scope;
  const auto body = [](cancel_scope& s) -> task<int> {
    s.cancel();
    try {
      co_await yield();
    } catch (...) {
    }
    co_return 7;
  };
  const auto value = co_await with_scope(scope, body);
  EXPECT_EQ(value, 7);
  EXPECT_FALSE(scope.cancelled_caught());
}

// err.3
EDDY_TEST(scope, absorbs_the_cancellation_that_a_result_throws) {
  cancel_scope scope;
  const auto body = [](cancel_scope& s) -> task<void> {
    s.cancel();
    auto refused = co_await as_result(yield());
    refused.value();
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_FALSE(finished);
  EXPECT_TRUE(scope.cancelled_caught());
}

EDDY_TEST(scope, makes_a_task_fail_that_throws_its_cancellation_behind_its_end) {
  auto stray = spawn([]() -> task<void> {
    cancel_scope scope;
    std::optional<result<void>> kept;
    const auto body = [&](cancel_scope& own) -> task<void> {
      own.cancel();
      kept.emplace(co_await as_result(yield()));
    };
    co_await with_scope(scope, body);
    kept.value().value();
  });
  const auto ended = co_await as_result(stray);
  EXPECT_EQ(tests::code_of(ended), errc::stray_cancelled);
}

// err.4
EDDY_TEST(scope, is_not_seen_by_a_handler_of_std_exception) {
  cancel_scope scope;
  bool seen = false;
  const auto body = [&](cancel_scope& s) -> task<void> {
    s.cancel();
    try {
      co_await yield();
    } catch (const std::exception&) {
      seen = true;
    }
  };
  co_await with_scope(scope, body);
  EXPECT_FALSE(seen);
}

// scope.16
EDDY_TEST(scope, is_cancelled_from_another_thread_by_a_post) {
  cancel_scope around;
  const auto to = current_loop();
  auto& driver = testing::virtual_io();
  driver.expect_wake(true);
  std::jthread other([&] { to.post([&] { around.cancel(cancel_reason::requested, "posted"); }); });
  const auto body = [](cancel_scope&) -> task<void> { co_await sleep(1h); };
  const bool finished = co_await with_scope(around, body);
  driver.expect_wake(false);
  EXPECT_FALSE(finished);
  EXPECT_TRUE(around.cancelled_caught());
  EXPECT_EQ(now(), time_point());
}

#ifndef NDEBUG
// scope.16
TEST(scope_death, being_cancelled_on_a_foreign_thread_stops_the_program) {
  const auto cancel_elsewhere = []() -> task<void> {
    cancel_scope around;
    const auto body = [&](cancel_scope&) -> task<void> {
      std::jthread([&] { around.cancel(); }).join();
      co_await sleep(1s);
    };
    co_await with_scope(around, body);
  };
  EXPECT_DEATH(testing::run_virtual(cancel_elsewhere), "from another thread");
}
#endif

}  // namespace
}  // namespace eddy
