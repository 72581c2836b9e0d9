// Random damage to good and bad streams, from fixed seeds: whatever comes out, it must not depend
// on how the bytes were cut, must hold the promises of the headers, and must not read out of bounds.
#include "http1_cases.hpp"
#include "http1_invariants.hpp"
#include "http1_mutator.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace eddy::wire::http1::test {
namespace {

TEST(http1_mutation, damaged_requests_are_judged_alike_however_they_are_cut) {
  std::vector<std::string> seeds;
  for (const auto& good : accepted_requests()) seeds.push_back(good.bytes);
  for (const auto& bad : refused_requests()) seeds.push_back(bad.bytes);
  seeds = short_ones(seeds);
  mutator random(1);
  for (int round = 0; round < 20000; ++round) {
    const std::string& seed = seeds[random.below(seeds.size())];
    const std::string bytes = random.mutate(seed, seeds[random.below(seeds.size())]);
    const std::size_t piece = 1 + random.below(40);
    ASSERT_EQ(check_requests(bytes, piece), "") << round << ::testing::PrintToString(bytes);
  }
}

TEST(http1_mutation, damaged_responses_are_judged_alike_however_they_are_cut) {
  std::vector<std::string> seeds = accepted_responses();
  for (const auto& bad : refused_responses()) seeds.push_back(bad.bytes);
  seeds = short_ones(seeds);
  mutator random(2);
  for (int round = 0; round < 20000; ++round) {
    const std::string& seed = seeds[random.below(seeds.size())];
    const std::string bytes = random.mutate(seed, seeds[random.below(seeds.size())]);
    const std::size_t piece = 1 + random.below(40);
    const auto answers = static_cast<method>(random.below(10));
    ASSERT_EQ(check_responses(bytes, piece, answers), "")
        << round << ::testing::PrintToString(bytes);
  }
}

TEST(http1_mutation, targets_are_safe_or_refused) {
  const std::vector<std::string> seeds = {
      "/a/b/../c?x=%20",    "/%2e%2e/%2f", "http://h:80/a/./b?q", "*", "h:80",
      "/caf%c3%a9/..;/%25", "//a//..",     "https://[::1]:1"};
  mutator random(3);
  for (int round = 0; round < 100000; ++round) {
    const std::string text =
        random.mutate(seeds[random.below(seeds.size())], seeds[random.below(seeds.size())]);
    const auto m = static_cast<method>(random.below(10));
    ASSERT_EQ(check_target(text, m), "") << round << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace eddy::wire::http1::test
