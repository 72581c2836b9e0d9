#include <eddy/coro/task_local.hpp>

#include "recorded.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;
using testing::settle;

const task_local<std::string> user("nobody");
const task_local<int> depth(0);

// ctx.1
EDDY_TEST(task_local, is_inherited_at_the_spawn_and_separate_from_then_on) {
  EXPECT_EQ(*user, "nobody");
  user.set("parent");
  std::vector<std::string> seen;
  auto child = spawn([&]() -> task<void> {
    seen.push_back(*user);
    user.set("child");
    co_await sleep(2s);
    seen.push_back(*user);
  });
  co_await sleep(1s);
  EXPECT_EQ(*user, "parent");
  user.set("later");
  co_await child;
  EXPECT_THAT(seen, ElementsAre("parent", "child"));
  EXPECT_EQ(*user, "later");
}

// ctx.1
EDDY_TEST(task_local, set_after_the_spawn_is_not_seen_by_the_child) {
  std::string seen;
  auto child = spawn([&]() -> task<void> {
    seen = *user;
    co_return;
  });
  user.set("too late");
  co_await child;
  EXPECT_EQ(seen, "nobody");
}

// ctx.2
EDDY_TEST(task_local, is_shared_with_a_task_that_is_awaited_directly) {
  const auto change = []() -> task<std::string> {
    const std::string before = *user;
    user.set("changed");
    co_return before;
  };
  user.set("caller");
  const auto before = co_await change();
  EXPECT_EQ(before, "caller");
  EXPECT_EQ(*user, "changed");
}

// ctx.3
EDDY_TEST(task_local, bound_to_a_block_is_restored_on_every_way_out) {
  const auto block = [](std::string how) -> task<void> {
    const auto outer = user.bind("outer " + how);
    const auto inner = user.bind("inner");
    co_await sleep(1s);
    EXPECT_EQ(*user, "inner");
    if (how == "failure") throw named_error(how);
    if (how == "cancelled") co_await sleep(1h);
  };
  user.set("before");
  for (const std::string how : {"return", "failure", "cancelled"}) {
    const auto ended = co_await ending_of(with_timeout(5s, block(how)));
    EXPECT_EQ(ended, how == "return" ? "value" : how == "failure" ? "failure" : "timeout");
    EXPECT_EQ(*user, "before");
  }
}

// ctx.4
EDDY_TEST(task_local, is_not_mixed_up_between_a_hundred_tasks) {
  auto& random = coro::scheduler::require().random();
  const auto work = [&](int id) -> task<void> {
    for (int round = 0; round < 10; ++round) {
      const int mine = id * 100 + round;
      depth.set(mine);
      co_await sleep(std::chrono::microseconds(random.below(1000)));
      EXPECT_EQ(*depth, mine);
    }
  };
  std::vector<task<void>> all;
  for (int id = 0; id < 100; ++id) all.push_back(work(id));
  co_await gather(std::move(all));
  EXPECT_EQ(*depth, 0);
}

// ctx.5
EDDY_TEST(task_local, is_seen_by_thread_functions_as_it_was_when_they_were_submitted) {
  user.set("submitter");
  const auto seen = co_await to_thread([] {
    std::string before = *user;
    user.set("thread");
    return before + ", then " + *user;
  });
  EXPECT_EQ(seen, "submitter, then thread");
  EXPECT_EQ(*user, "submitter");
  const auto again = co_await to_thread([] { return *user; });
  EXPECT_EQ(again, "submitter");
}

// ctx.5
EDDY_TEST(task_local, is_seen_by_callbacks_as_it_was_when_they_were_posted) {
  std::vector<std::string> seen;
  user.set("first");
  post([&] {
    seen.push_back(*user);
    user.set("callback");
  });
  user.set("second");
  post([&] { seen.push_back(*user); });
  co_await settle();
  EXPECT_THAT(seen, ElementsAre("first", "second"));
  EXPECT_EQ(*user, "second");
}

// ctx.6
EDDY_TEST(task_local, is_seen_by_the_error_hook_for_the_task_that_failed) {
  std::vector<std::string> seen;
  coro::scheduler::require().set_error_hook([&](const failure_report&) { seen.push_back(*user); });
  user.set("spawner");
  spawn([]() -> task<void> {
    user.set("failing");
    co_await fail_after(1s, "failure");
  });
  co_await sleep(2s);
  {
    auto kept = spawn([]() -> task<void> {
      user.set("kept");
      co_await fail_after(1s, "failure");
    });
    co_await sleep(2s);
    user.set("dropper");
  }
  EXPECT_THAT(seen, ElementsAre("failing", "kept"));
  EXPECT_EQ(*user, "dropper");
}

}  // namespace
}  // namespace eddy
