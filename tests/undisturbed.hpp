// What the tests that disturb every point of an operation have in common.
#pragma once

#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/testing/everywhere.hpp>

namespace eddy::tests {

/// In the round without a disturbance the exposed part has to succeed.
template <class T>
void expect_value_when_undisturbed(const testing::trial& t, const result<T>& ended) {
  if (t.kind() == testing::disturbance::none) {
    EXPECT_TRUE(ended.has_value());
  }
}

}  // namespace eddy::tests
