#include <eddy/base/check.hpp>

#include <cstring>

#include <gtest/gtest.h>

namespace {

std::size_t in_the_garden(char* out, std::size_t size) noexcept {
  std::strncpy(out, "in the garden", size);
  return 13;
}

TEST(check_death, a_mistake_stops_the_program_and_says_where) {
  EXPECT_DEATH(eddy::stop_program("the roof is on fire"),
               "eddy: the roof is on fire\n.*check_test.cpp");
  EXPECT_DEATH(eddy::check(false, "two and two are five"), "two and two are five");
}

TEST(check_death, the_surroundings_are_named) {
  EXPECT_DEATH(
      {
        eddy::set_mistake_context(in_the_garden);
        eddy::stop_program("lost");
      },
      "in in the garden");
}

TEST(check, what_holds_passes) {
  eddy::check(true, "never seen");
  eddy::debug_check(true, "never seen");
}

}  // namespace
