// Coroutines as GoogleTest tests, in virtual time.
//
//   EDDY_TEST(sleep, takes_no_real_time) {
//     co_await eddy::sleep(std::chrono::hours(24));
//     EXPECT_EQ(eddy::now().time_since_epoch(), std::chrono::hours(24));
//   }
//
// The body is a coroutine that gives task<void>, and needs a co_await or co_return. EXPECT_ macros work in it; instead
// of ASSERT_ use EDDY_REQUIRE. Failures, hangs and leaks of the run become failures of the test, with the seed.
//
// g++ 12 miscompiles a condition with co_await in it (`if (co_await x)`, also inside EXPECT_ macros) in a coroutine
// that has no local variable: name the result first.
#pragma once

#include <concepts>
#include <type_traits>

#include <gtest/gtest.h>

#include <eddy/coro/exception_group.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/everywhere.hpp>
#include <eddy/testing/requirement.hpp>
#include <eddy/testing/virtual_run.hpp>

namespace eddy::testing {

/// Runs `body` in virtual time and hands what went wrong to GoogleTest.
inline void run_test(task<void> (*body)(), const virtual_options& options,
                     std::source_location where = std::source_location::current()) {
  runtime::typed_main<void, task<void> (*)()> entry(body, where);
  virtual_run run(options);
  run.run(entry, coro::live_frames());
  for (const std::string& problem : run.problems()) ADD_FAILURE() << problem;
  if (run.failure() && !holds_exception<requirement_failed>(run.failure())) {
    ADD_FAILURE() << "the test's body threw " << describe_exception(run.failure());
  }
  if (::testing::Test::HasFailure()) ::testing::Test::RecordProperty("repeat", run.how_to_repeat());
}

/// Runs `body(trial&)`, which gives a task<void>, undisturbed and then cancelled, or made to fail, at each point of
/// what it exposes; see everywhere.hpp. EXPECT_ macros in the body say at which point they failed.
inline void cancel_everywhere(const disturbed_runs::body& body,
                              const everywhere_options& options = {}) {
  disturbed_runs runs(body, options);
  for (;;) {
    const ::testing::ScopedTrace point(__FILE__, __LINE__, runs.describe_next());
    if (!runs.next()) return;
    for (const std::string& problem : runs.problems()) ADD_FAILURE() << problem;
    if (::testing::Test::HasFailure()) return;  // one point is enough to look at
  }
}

/// The same for a body of two parts: `exposed()` gives a task, `invariant()` a task<void> or nothing.
template <coro::task_callable Exposed, std::invocable Invariant>
void cancel_everywhere(Exposed exposed, Invariant invariant,
                       const everywhere_options& options = {}) {
  const auto body = [&](trial& t) -> task<void> {
    auto ended = co_await t.expose(exposed());
    if constexpr (std::is_void_v<std::invoke_result_t<Invariant&>>) {
      invariant();
    } else {
      co_await invariant();
    }
  };
  cancel_everywhere(disturbed_runs::body(body), options);
}

}  // namespace eddy::testing

/// A test whose body is a coroutine.
#define EDDY_TEST(suite, name) EDDY_TEST_WITH(suite, name, ::eddy::testing::virtual_options())

/// The same with virtual_options.
#define EDDY_TEST_WITH(suite, name, ...)                                                     \
  static ::eddy::task<void> eddy_test_##suite##_##name();                                    \
  TEST(suite, name) { ::eddy::testing::run_test(&eddy_test_##suite##_##name, __VA_ARGS__); } \
  static ::eddy::task<void> eddy_test_##suite##_##name()
