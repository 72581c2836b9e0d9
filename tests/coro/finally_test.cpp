#include <eddy/coro/finally.hpp>

#include "recorded.hpp"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using testing::error_recorder;
using ::testing::HasSubstr;
using testing::settle;

/// Cancels `scope` after `d`.
void cancel_after(cancel_scope& scope, duration d) {
  spawn([&scope, d]() -> task<void> {
    co_await sleep(d);
    scope.cancel();
  });
}

// --- shield: shld.1 to shld.10 ---

// shld.1 shld.2 shld.3
EDDY_TEST(shield, runs_its_operation_to_the_end_in_a_cancelled_scope) {
  std::vector<std::string> endings;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    cancel_after(s, 1s);
    const int during = co_await shield(value_after(2s, 42));
    EXPECT_EQ(during, 42);
    endings.push_back(co_await ending_of(yield()));
    const int entered_cancelled = co_await shield(value_after(1s, 43));
    EXPECT_EQ(entered_cancelled, 43);
    endings.push_back(co_await ending_of(yield()));
    endings.push_back(co_await ending_of(shield(fail_after(1s, "shielded"))));
  });
  EXPECT_THAT(endings, ElementsAre("cancelled (requested)", "cancelled (requested)", "shielded"));
  EXPECT_EQ(now(), time_point(4s));
}

// shld.4 shld.5
EDDY_TEST(shield, leaves_scopes_and_deadlines_inside_it_in_force) {
  co_await with_scope([](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto inside = []() -> task<void> {
      const bool in_time = co_await move_on_after(1s, sleep(1h));
      EXPECT_FALSE(in_time);
      const bool uncancelled = co_await with_scope([](cancel_scope& inner) -> task<void> {
        inner.cancel();
        co_await yield();
      });
      EXPECT_FALSE(uncancelled);
      co_await sleep(1s);
    };
    co_await shield(inside());
  });
  EXPECT_EQ(now(), time_point(2s));
}

// shld.6 shld.7
EDDY_TEST(shield, lets_the_operation_after_it_name_the_outer_scope) {
  cancel_scope outer;
  cancel_scope inner;
  std::string text;
  const auto inside = [&]() -> task<void> {
    inner.cancel(cancel_reason::requested, "inner");
    outer.cancel(cancel_reason::requested, "outer");
    co_await sleep(1s);
  };
  const auto in_inner = [&](cancel_scope&) -> task<void> {
    co_await shield(inside());
    const auto refused = co_await as_result(yield());
    text = refused.cancellation().text();
  };
  const auto in_outer = [&](cancel_scope&) -> task<void> { co_await with_scope(inner, in_inner); };
  co_await with_scope(outer, in_outer);
  EXPECT_EQ(text, "outer");
}

// shld.10
EDDY_TEST(shield, around_a_handle_ends_when_that_task_itself_is_cancelled) {
  auto slow = spawn(value_after(1h, 1));
  std::string ended;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    spawn([slow]() -> task<void> {
      co_await sleep(1s);
      slow.cancel();
    });
    ended = co_await ending_of(shield(slow));
  });
  EXPECT_EQ(ended, make_error_code(errc::task_cancelled).message());
  EXPECT_EQ(now(), time_point(1s));
}

// --- finally: fin.1 to fin.7 ---

struct cleanups {
  int run = 0;
  std::string inside;
};

/// How `op` ends with a cleanup that takes a second and counts itself.
template <class Op>
task<std::string> with_cleanup(Op op, cleanups& counted) {
  const auto cleanup = [&counted]() -> task<void> {
    ++counted.run;
    counted.inside = co_await ending_of(sleep(1s));
  };
  co_return co_await ending_of(finally(std::move(op), cleanup));
}

// fin.1 fin.2
EDDY_TEST(finally, runs_the_cleanup_once_however_the_operation_ends) {
  cleanups counted;
  const std::string value = co_await with_cleanup(value_after(1s, 1), counted);
  EXPECT_EQ(value, "value");
  EXPECT_EQ(counted.run, 1);
  const std::string failure = co_await with_cleanup(fail_after(1s, "failed"), counted);
  EXPECT_EQ(failure, "failed");
  EXPECT_EQ(counted.run, 2);
  std::string refused;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    cancel_after(s, 1s);
    const std::string cancelled = co_await with_cleanup(sleep(1h), counted);
    EXPECT_EQ(cancelled, "cancelled (requested)");
    EXPECT_EQ(counted.run, 3);
    EXPECT_EQ(counted.inside, "value") << "the cleanup's operation did not work";
    refused = co_await with_cleanup(yield(), counted);
  });
  EXPECT_EQ(refused, "cancelled (requested)");
  EXPECT_EQ(counted.run, 4);
}

// fin.3
EDDY_TEST(finally, lets_a_failing_cleanup_replace_a_value_or_a_cancellation_and_join_a_failure) {
  const auto cleanup = []() -> task<void> { co_await fail_after(1s, "cleanup"); };
  const std::string value = co_await ending_of(finally(value_after(1s, 1), cleanup));
  EXPECT_EQ(value, "cleanup");
  const std::string failure = co_await ending_of(finally(fail_after(1s, "failed"), cleanup));
  EXPECT_EQ(failure, "[failed, cleanup]");
  std::string cancelled;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    cancelled = co_await ending_of(finally(sleep(1h), cleanup));
  });
  EXPECT_EQ(cancelled, "cleanup");
}

// fin.4
EDDY_TEST(finally, returns_the_value_when_the_scope_is_cancelled_during_the_cleanup) {
  std::string next;
  co_await with_scope([&](cancel_scope& s) -> task<void> {
    cancel_after(s, 1500ms);
    const auto cleanup = []() -> task<void> { co_await sleep(1s); };
    const int value = co_await finally(value_after(1s, 42), cleanup);
    EXPECT_EQ(value, 42);
    EXPECT_EQ(now(), time_point(2s));
    next = co_await ending_of(yield());
  });
  EXPECT_EQ(next, "cancelled (requested)");
}

// fin.5
EDDY_TEST(finally, cancels_a_cleanup_at_the_end_of_its_grace_and_reports_it_once) {
  error_recorder recorder;
  const auto cleanup = []() -> task<void> { co_await sleep(1h); };
  const int value = co_await finally(value_after(1s, 42), cleanup, 5s);
  EXPECT_EQ(value, 42);
  EXPECT_EQ(now(), time_point(6s));
  const auto reports = recorder.take();
  EDDY_REQUIRE(reports.size() == 1);
  EXPECT_THAT(reports.front().message, HasSubstr("grace"));
}

// fin.6
EDDY_TEST(finally, with_a_grace_of_zero_starts_the_cleanup_and_refuses_its_operations) {
  error_recorder recorder;
  std::string inside;
  const auto cleanup = [&]() -> task<void> { inside = co_await ending_of(yield()); };
  const int value = co_await finally(value_after(1s, 42), cleanup, 0s);
  EXPECT_EQ(value, 42);
  EXPECT_EQ(inside, "cancelled (timeout)");
}

// fin.7
EDDY_TEST(finally, nested_runs_the_inner_cleanup_first) {
  std::vector<std::string> log;
  const auto inner = [&]() -> task<void> {
    co_await sleep(1s);
    log.push_back("inner");
  };
  const auto outer = [&]() -> task<void> {
    co_await sleep(1ms);
    log.push_back("outer");
  };
  co_await finally(finally(sleep(1s), inner), outer);
  EXPECT_THAT(log, ElementsAre("inner", "outer"));
}

// fin.8
EDDY_TEST(finally, takes_a_cleanup_with_a_group_a_timeout_and_a_thread_of_its_own) {
  std::vector<std::string> log;
  const auto part = [&](std::string name) -> task<void> {
    co_await sleep(1s);
    log.push_back(name);
  };
  const auto cleanup = [&]() -> task<void> {
    co_await with_group([&](task_group& g) -> task<void> {
      g.spawn(part("child"));
      co_return;
    });
    const auto late = co_await ending_of(with_timeout(1s, sleep(2s)));
    log.push_back(late);
    const auto answer = [] { return 42; };
    const int from_thread = co_await to_thread(answer);
    log.push_back(std::to_string(from_thread));
  };
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    cancel_after(s, 1s);
    co_await finally(sleep(1h), cleanup);
  });
  EXPECT_FALSE(finished);
  EXPECT_THAT(log, ElementsAre("child", "timeout", "42"));
}

/// Writes its name when it is destroyed.
struct noted {
  noted(std::vector<std::string>& to, std::string n) : log(&to), name(std::move(n)) {}
  noted(const noted&) = delete;
  noted& operator=(const noted&) = delete;
  ~noted() { log->push_back(name); }
  std::vector<std::string>* log;
  std::string name;
};

// fin.9
EDDY_TEST(finally, begins_the_cleanup_after_the_operation_s_locals_and_keeps_its_captures) {
  std::vector<std::string> log;
  const auto work = [&]() -> task<void> {
    const noted local(log, "local");
    co_await sleep(1s);
  };
  {
    auto captured = std::make_shared<noted>(log, "capture");
    auto cleanup = [&log, kept = std::move(captured)]() -> task<void> {
      log.push_back("cleanup begins");
      co_await sleep(1s);
      log.push_back("cleanup ends, has " + kept->name);
    };
    auto op = finally(work(), std::move(cleanup));
    co_await std::move(op);
  }
  EXPECT_THAT(log, ElementsAre("local", "cleanup begins", "cleanup ends, has capture", "capture"));
}

// grp.33
EDDY_TEST(finally, in_a_group_s_body_adds_its_failure_to_the_child_s) {
  const auto body = [](task_group& g) -> task<void> {
    g.spawn(fail_after(1s, "child"));
    const auto cleanup = []() -> task<void> { co_await fail_after(1s, "cleanup"); };
    co_await finally(sleep(1h), cleanup);
  };
  const std::string ended = co_await ending_of(with_group(body));
  EXPECT_EQ(ended, "[child, cleanup]");
}

}  // namespace
}  // namespace eddy
