#include <eddy/testing/everywhere.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using testing::disturbed_runs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::trial;

/// The descriptions of all runs, each with its problems behind it.
std::vector<std::string> all_runs(disturbed_runs::body body,
                                  const testing::everywhere_options& options = {}) {
  disturbed_runs runs(std::move(body), options);
  std::vector<std::string> texts;
  while (runs.next()) {
    std::string text = runs.describe();
    for (const auto& problem : runs.problems()) text += "; " + problem;
    texts.push_back(std::move(text));
  }
  return texts;
}

task<void> naps_twice() {
  co_await sleep(1s);
  co_await sleep(1s);
}

// clk.6
TEST(disturbed_runs, disturb_each_point_once) {
  const auto texts = all_runs([](trial& t) -> task<void> {
    const auto ended = co_await t.expose(naps_twice());
    if (t.kind() == testing::disturbance::none) {
      EXPECT_TRUE(ended.has_value());
    }
    if (t.kind() == testing::disturbance::error_at_entry) {
      EXPECT_TRUE(ended.has_error());
    }
  });
  EXPECT_THAT(texts,
              ElementsAre("undisturbed", "cancelled at entry 1 of 2", "cancelled at entry 2 of 2",
                          "cancelled in suspension 1 of 2", "cancelled in suspension 2 of 2",
                          "cancelled before step 1 of 2", "cancelled before step 2 of 2",
                          "failing at entry 1 of 2", "failing at entry 2 of 2"));
}

TEST(disturbed_runs, disturb_what_the_exposed_one_has_spawned_and_nobody_else) {
  std::vector<std::string> bystander;
  const auto texts = all_runs([&](trial& t) -> task<void> {
    auto other = spawn([&]() -> task<void> {
      for (int i = 0; i < 5; ++i) co_await sleep(100ms);
      bystander.push_back("undisturbed");
    });
    const auto ended = co_await t.expose(gather(naps_twice(), naps_twice()));
    co_await other;
  });
  EXPECT_EQ(bystander.size(), texts.size());
  EXPECT_THAT(texts, Contains("cancelled at entry 4 of 4"));
  EXPECT_THAT(texts, Contains("cancelled before step 1 of 7"));
}

/// Takes an item when it begins to wait, and loses it when it is withdrawn: a mistake to be found.
class hasty_take final : public coro::operation {
 public:
  explicit hasty_take(int& items) noexcept : items_(&items) {}
  hasty_take(hasty_take&&) noexcept = default;
  [[nodiscard]] coro::wait_info describe() const override { return {"hasty take", items_}; }
  [[nodiscard]] bool try_complete() const noexcept { return false; }
  void enqueue() noexcept {
    --*items_;
    complete();
  }
  void take() const noexcept {}

 private:
  void withdraw() noexcept override {}
  int* items_;
};

/// The same, and forgets to withdraw.
class deaf_wait final : public coro::operation {
 public:
  deaf_wait() = default;
  deaf_wait(deaf_wait&&) noexcept = default;
  [[nodiscard]] coro::wait_info describe() const override { return {"deaf wait"}; }
  [[nodiscard]] bool try_complete() const noexcept { return false; }
  void enqueue() const noexcept {}
  void take() const noexcept {}

 private:
  void withdraw() noexcept override { withdrawn(); }
};

TEST(disturbed_runs, say_where_an_invariant_is_broken) {
  // An error after the item was taken, and nobody puts it back.
  std::vector<std::string> broken;
  const auto texts = all_runs([&](trial& t) -> task<void> {
    int items = 1;
    const auto careless = [&]() -> task<void> {
      co_await hasty_take(items);
      co_await sleep(1s);
      ++items;
    };
    const auto ended = co_await t.expose(careless());
    if (items != 1) broken.emplace_back(to_string(t.kind()));
  });
  EXPECT_THAT(broken,
              ElementsAre("cancelled at entry", "cancelled in suspension",
                          "cancelled in suspension", "cancelled before step", "failing at entry"));
}

TEST(disturbed_runs, find_leaks_and_stop_when_the_undisturbed_run_fails) {
  std::vector<std::unique_ptr<task<void>>> leaked;
  const auto leaks = all_runs([&](trial& t) -> task<void> {
    auto op = naps_twice();
    const auto ended = co_await t.expose(std::move(op));
    if (!ended.has_value()) leaked.push_back(std::make_unique<task<void>>(naps_twice()));
  });
  EXPECT_THAT(leaks, Contains(HasSubstr("leaked")));
  EXPECT_EQ(leaks.front(), "undisturbed");
  const auto fails = all_runs([](trial&) -> task<void> {
    throw std::runtime_error("from the start");
    co_return;
  });
  ASSERT_EQ(fails.size(), 1U);
  EXPECT_THAT(fails.front(), HasSubstr("from the start"));
  for (auto& each : leaked) {
    // Awaited, so that dropping them is no mistake of its own.
    testing::run_virtual([&]() -> task<void> { co_await std::move(*each); });
  }
}

TEST(disturbed_runs, find_hangs) {
  const auto hangs = all_runs([](trial& t) -> task<void> {
    const auto ended = co_await t.expose(naps_twice());
    if (ended.is_cancelled()) co_await deaf_wait();
  });
  EXPECT_THAT(hangs, Contains(HasSubstr("deadlock")));
}

TEST(disturbed_runs, refuse_to_expose_nothing) {
  const auto texts = all_runs([](trial& t) -> task<void> {
    const auto nothing = []() -> task<void> { co_return; };
    const auto ended = co_await t.expose(nothing());
  });
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_THAT(texts.front(), HasSubstr("no operation to disturb"));
}

TEST(disturbed_runs, say_when_there_are_more_points_than_the_limit) {
  testing::everywhere_options options;
  options.limit = 1;
  const auto texts = all_runs(
      [](trial& t) -> task<void> { const auto ended = co_await t.expose(naps_twice()); }, options);
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_THAT(texts.front(), HasSubstr("more points than the limit"));
}

TEST(cancel_everywhere, takes_what_is_exposed_and_what_must_hold_apart) {
  int checked = 0;
  testing::cancel_everywhere(naps_twice, [&] { ++checked; });
  EXPECT_EQ(checked, 9);
}

}  // namespace
}  // namespace eddy
