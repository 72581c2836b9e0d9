#include <eddy/testing/async_mock.hpp>

#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::async_mock;
using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::HasSubstr;

EDDY_TEST(async_mock, gives_its_script_and_then_the_same_for_ever) {
  async_mock<std::string(int)> fetch;
  fetch.then_returns("first").then_throws(error(errc::closed, "fetch")).returns("rest");
  const auto first = co_await fetch(1);
  const auto second = co_await as_result(fetch(2));
  const auto third = co_await fetch(3);
  const auto fourth = co_await fetch(4);
  EXPECT_EQ(first, "first");
  EXPECT_TRUE(second.has_error());
  EXPECT_EQ(third + fourth, "restrest");
  EXPECT_EQ(fetch.completed(), 3U);
  EXPECT_EQ(fetch.failed(), 1U);
  EXPECT_EQ(fetch.left(), 0U);
}

EDDY_TEST(async_mock, writes_down_calls_when_they_are_made_and_awaits_when_they_are_awaited) {
  async_mock<void(int, std::string_view)> send;
  {
    const testing::error_recorder dropping_it_is_reported_in_debug_builds;
    const auto unawaited = send(1, "a");
  }
  co_await send(2, "b");
  EXPECT_THAT(send.calls(), ElementsAre(FieldsAre(1, "a"), FieldsAre(2, HasSubstr("b"))));
  EXPECT_EQ(send.awaited(), 1U);
  send.forget();
  EXPECT_TRUE(send.calls().empty());
}

EDDY_TEST(async_mock, delays_and_notices_that_it_is_cancelled) {
  async_mock<int()> slow;
  slow.returns(7).delays(10s);
  const auto value = co_await with_timeout(11s, slow());
  EXPECT_EQ(value, 7);
  EXPECT_EQ(now(), time_point(10s));
  const auto late = co_await move_on_after(1s, slow());
  EXPECT_FALSE(late.has_value());
  EXPECT_EQ(slow.cancelled(), 1U);
  EXPECT_EQ(slow.running(), 0U);
}

EDDY_TEST(async_mock, does_what_a_callable_does_with_its_arguments) {
  async_mock<int(int, int)> add;
  add.then_does([](int a, int b) { return a + b; }).does([](int a, int b) -> task<int> {
    co_await sleep(1s);
    co_return a* b;
  });
  const int sum = co_await add(3, 4);
  const int product = co_await add(3, 4);
  EXPECT_EQ(sum, 7);
  EXPECT_EQ(product, 12);
  EXPECT_EQ(now(), time_point(1s));
}

EDDY_TEST(async_mock, gives_move_only_results_once) {
  async_mock<std::unique_ptr<int>()> make;
  make.then_returns(std::make_unique<int>(5));
  const auto made = co_await make();
  EXPECT_EQ(*made, 5);
}

EDDY_TEST(async_mock, is_given_by_reference_where_a_callable_is_taken) {
  async_mock<int(int)> twice;
  twice.does([](int n) { return 2 * n; });
  auto handle = spawn(std::ref(twice), 21);
  const int value = co_await handle;
  EXPECT_EQ(value, 42);
  EXPECT_THAT(twice.calls(), ElementsAre(FieldsAre(21)));
}

TEST(async_mock, without_a_result_fails_the_run) {
  async_mock<int()> nothing;
  try {
    testing::run_virtual([&]() -> task<void> {
      const auto ended = co_await as_result([&]() -> task<int> { co_return co_await nothing(); }());
      EXPECT_TRUE(ended.has_error());
    });
    ADD_FAILURE() << "the run did not fail";
  } catch (const testing::run_failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("no result"));
  }
}

}  // namespace
}  // namespace eddy
