// What we accept, Boost.Beast reads the same way: the gate's messages, random ones and damaged ones.
#include "http1_beast.hpp"

#include "http1_cases.hpp"
#include "http1_mutator.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/random.hpp>

namespace eddy::wire::http1::test {
namespace {

TEST(http1_beast, reads_the_requests_we_accept_as_we_do) {
  for (const auto& good : accepted_requests()) {
    EXPECT_TRUE(read_plain_request(good.bytes)) << good.bytes;
    EXPECT_EQ(compare_request_with_beast(good.bytes), "");
  }
}

TEST(http1_beast, reads_the_responses_we_accept_as_we_do) {
  for (const auto& bytes : accepted_responses()) {
    EXPECT_TRUE(read_plain_response(bytes)) << bytes;
    EXPECT_EQ(compare_response_with_beast(bytes), "");
  }
}

// How many of 20000 damaged messages we accepted and found alike.
int compare_damaged(const std::vector<std::string>& seeds, std::uint64_t seed,
                    const std::function<std::string(std::string_view)>& compare,
                    const std::function<bool(std::string_view)>& is_accepted) {
  mutator random(seed);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string bytes =
        random.mutate(seeds[random.below(seeds.size())], seeds[random.below(seeds.size())]);
    const std::string difference = compare(bytes);
    EXPECT_EQ(difference, "") << round << ::testing::PrintToString(bytes);
    if (!difference.empty()) return 0;
    accepted += is_accepted(bytes) ? 1 : 0;
  }
  return accepted;
}

TEST(http1_beast, reads_the_damaged_requests_we_accept_as_we_do) {
  std::vector<std::string> seeds;
  for (const auto& good : accepted_requests()) seeds.push_back(good.bytes);
  const int accepted =
      compare_damaged(short_ones(seeds), 11, compare_request_with_beast,
                      [](std::string_view bytes) { return read_plain_request(bytes).has_value(); });
  EXPECT_GT(accepted, 2000);
}

TEST(http1_beast, reads_the_damaged_responses_we_accept_as_we_do) {
  const int accepted = compare_damaged(
      short_ones(accepted_responses()), 12, compare_response_with_beast,
      [](std::string_view bytes) { return read_plain_response(bytes).has_value(); });
  EXPECT_GT(accepted, 2000);
}

TEST(http1_beast, reads_random_well_formed_messages_as_we_do) {
  random_source random(4);
  const auto below = [&random](std::size_t bound) {
    return static_cast<std::size_t>(random.below(bound));
  };
  for (int round = 0; round < 2000; ++round) {
    fields headers;
    headers.add("Host", "h" + std::to_string(below(100)));
    for (std::size_t i = below(12); i > 0; --i) {
      std::string value;
      for (std::size_t size = below(60); size > 0; --size) {
        value += static_cast<char>(0x20 + below(0x5f));
      }
      headers.add("X-" + std::to_string(below(6)), value);
    }
    std::string data;
    for (std::size_t size = below(300); size > 0; --size) data += static_cast<char>(below(256));
    const bool chunked = below(2) == 0;
    std::string text;
    const std::string target = "/r?" + std::string(below(50), 'q');
    const request_line line{"POST", target, below(2) == 0};
    ASSERT_TRUE(write_request_head(text, line, headers,
                                   chunked ? body_size::chunked() : body_size::sized(data.size())));
    if (chunked) {
      for (std::string_view rest = data; !rest.empty();) {
        const std::size_t size = std::min<std::size_t>(rest.size(), 1 + below(100));
        write_chunk(text, rest.substr(0, size));
        rest.remove_prefix(size);
      }
      text += last_chunk;
    } else {
      text += data;
    }
    const auto ours = read_plain_request(text);
    ASSERT_TRUE(ours) << text;
    ASSERT_EQ(ours->body, data);
    ASSERT_EQ(compare_request_with_beast(text), "");
  }
}

}  // namespace
}  // namespace eddy::wire::http1::test
