#include <eddy/base/time.hpp>

#include <limits>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using eddy::duration;
using eddy::to_duration;

TEST(time, durations_of_any_unit_become_nanoseconds) {
  EXPECT_EQ(to_duration(3ms), 3'000'000ns);
  EXPECT_EQ(to_duration(2h), 7'200'000'000'000ns);
  EXPECT_EQ(to_duration(std::chrono::duration<double>(0.5)), 500'000'000ns);
}

TEST(time, fractions_of_a_nanosecond_round_up) {
  EXPECT_EQ(to_duration(std::chrono::duration<double, std::nano>(0.1)), 1ns);
  EXPECT_EQ(to_duration(std::chrono::duration<double, std::nano>(1.0)), 1ns);
}

// rule 30
TEST(time, conversion_saturates) {
  EXPECT_EQ(to_duration(std::chrono::hours::max()), duration::max());
  EXPECT_EQ(to_duration(std::chrono::hours::min()), duration::min());
  using seconds = std::chrono::duration<double>;
  EXPECT_EQ(to_duration(seconds(std::numeric_limits<double>::infinity())), duration::max());
  EXPECT_EQ(to_duration(seconds(-std::numeric_limits<double>::infinity())), duration::min());
}

// loop.8
TEST(time, not_a_number_is_refused) {
  EXPECT_THROW(to_duration(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())),
               eddy::error);
}

TEST(time, adding_saturates_and_takes_negative_for_zero) {
  const eddy::time_point t(5s);
  EXPECT_EQ(eddy::after(t, 2s), eddy::time_point(7s));
  EXPECT_EQ(eddy::after(t, -2s), t);
  EXPECT_EQ(eddy::after(t, duration::min()), t);
  EXPECT_EQ(eddy::after(t, duration::max()), eddy::never);
  EXPECT_EQ(eddy::after(eddy::never, 1ns), eddy::never);
}

}  // namespace
