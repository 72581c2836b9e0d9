#include <eddy/base/random.hpp>

#include <set>

#include <gtest/gtest.h>

namespace {

using eddy::random_source;

TEST(random, the_same_seed_gives_the_same_sequence) {
  random_source a(42);
  random_source b(42);
  random_source c(43);
  bool differs = false;
  for (int i = 0; i < 1000; ++i) {
    const auto value = a();
    EXPECT_EQ(value, b());
    differs = differs || value != c();
  }
  EXPECT_TRUE(differs);
}

TEST(random, a_seed_of_zero_works) {
  random_source zero(0);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(zero());
  EXPECT_EQ(seen.size(), 100u);
}

TEST(random, below_stays_below_and_reaches_every_value) {
  random_source random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(7));
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(*seen.rbegin(), 6u);
  EXPECT_EQ(random.below(0), 0u);
  EXPECT_EQ(random.below(1), 0u);
}

TEST(random, unit_is_in_the_half_open_interval_and_centred) {
  random_source random(7);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double u = random.unit();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

}  // namespace
