// What the runtime says about failures, mistakes and dropped work.
#include <chrono>
#include <optional>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/virtual_driver.hpp>

namespace {

using namespace std::chrono_literals;

struct recorded_run {
  std::vector<eddy::failure_report> reports;

  template <class T>
  T operator()(eddy::task<T> main) {
    eddy::run_options options;
    options.handle_signals = false;
    options.make_driver = [] { return std::make_unique<eddy::runtime::virtual_driver>(); };
    options.on_error = [this](const eddy::failure_report& r) { reports.push_back(r); };
    return eddy::run(std::move(main), options);
  }
};

constexpr unsigned fails_line = __LINE__ + 3;
eddy::task<void> fails(bool library_error) {
  if (library_error) eddy::throw_error(eddy::errc::closed, "read");
  co_await eddy::sleep(1ms);
  throw std::runtime_error("no");
}

constexpr unsigned outer_await_line = __LINE__ + 1;
eddy::task<void> outer(bool library_error) { co_await fails(library_error); }

eddy::task<void> drop_failing() {
  eddy::spawn(outer(false));
  co_await eddy::sleep(5ms);
}

// task.3
TEST(diagnostics, an_unobserved_failure_is_reported_once_with_its_awaits) {
  recorded_run run;
  run(drop_failing());
  ASSERT_EQ(run.reports.size(), 1u);
  const auto& report = run.reports.front();
  EXPECT_TRUE(eddy::holds_exception<std::runtime_error>(report.error));
  EXPECT_FALSE(report.task.empty());
  ASSERT_GE(report.stack.size(), 2u);
  EXPECT_EQ(report.stack[0].line(), fails_line);
  EXPECT_EQ(report.stack[1].line(), outer_await_line);
}

eddy::task<std::vector<unsigned>> stack_of_an_error() {
  std::vector<unsigned> lines;
  try {
    co_await outer(true);
  } catch (const eddy::error& e) {
    for (const auto& place : e.async_stack()) lines.push_back(place.line());
  }
  co_return lines;
}

TEST(diagnostics, an_error_knows_the_awaits_around_it) {
  recorded_run run;
  const auto lines = run(stack_of_an_error());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1], outer_await_line);
}

TEST(diagnostics, an_error_made_outside_tasks_has_no_awaits) {
  EXPECT_TRUE(eddy::error(eddy::errc::closed).async_stack().empty());
}

eddy::task<void> nap() { co_await eddy::sleep(1ms); }

eddy::task<void> drop_a_gather() {
  {
    [[maybe_unused]] auto dropped = eddy::gather(nap(), nap());
  }
  co_await nap();
}

// dbg.6
TEST(diagnostics, a_task_dropped_unawaited_is_reported_once_with_all_that_goes_with_it) {
  recorded_run run;
  run(drop_a_gather());
  if (!eddy::debug_checks) {
    EXPECT_TRUE(run.reports.empty());  // release builds do not look
    return;
  }
  ASSERT_EQ(run.reports.size(), 1u);
  EXPECT_NE(run.reports.front().message.find("without ever being awaited"), std::string::npos);
  EXPECT_NE(std::string(run.reports.front().where.file_name()).find("gather.hpp"),
            std::string::npos);
}

eddy::task<std::string> tree_from_within() { co_return eddy::task_tree(); }

TEST(diagnostics, the_running_task_shows_its_awaits) {
  recorded_run run;
  const std::string tree = run(tree_from_within());
  EXPECT_NE(tree.find("diagnostics_test.cpp:"), std::string::npos) << tree;
  EXPECT_NE(tree.find("running"), std::string::npos) << tree;
}

TEST(diagnostics_death, a_program_that_dies_of_mains_failure_shows_the_awaits) {
  const auto die = [] {
    eddy::run_options options;
    options.make_driver = [] { return std::make_unique<eddy::runtime::virtual_driver>(); };
    // As an exception that leaves main() would.
    [&]() noexcept { eddy::run(outer(false), options); }();
  };
  EXPECT_DEATH(die(), "main failed: std::runtime_error: no\n.*awaited at .*diagnostics_test.cpp");
}

}  // namespace
