// What a connection keeps of an exchange that has ended.
#include "exchange.hpp"

#include <gtest/gtest.h>

namespace eddy::http::detail {
namespace {

TEST(exchange, keeps_the_memory_of_usual_bodies_and_not_of_large_ones) {
  const wire::http1::limits bounds;
  exchange one(bounds);
  one.collected().assign(20'000, 'x');
  one.finish();
  EXPECT_TRUE(one.collected().empty());
  EXPECT_GE(one.collected().capacity(), 20'000U);
  one.collected().assign(1'000'000, 'x');
  one.finish();
  EXPECT_TRUE(one.collected().empty());
  EXPECT_LE(one.collected().capacity(), 64U * 1024);
}

}  // namespace
}  // namespace eddy::http::detail
