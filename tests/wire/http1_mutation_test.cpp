// Random damage to good and bad streams, from fixed seeds: whatever comes out, it must not depend
// on how the bytes were cut, must hold the promises of the headers, and must not read out of bounds.
#include "http1_cases.hpp"
#include "http1_invariants.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/base/random.hpp>

namespace eddy::wire::http1::test {
namespace {

using namespace std::string_literals;

class mutator {
 public:
  explicit mutator(std::uint64_t seed) : random_(seed) {}

  std::string mutate(std::string text, const std::string& other) {
    const std::size_t count = 1 + below(3);
    for (std::size_t i = 0; i < count; ++i) change(text, other);
    return text;
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

 private:
  void change(std::string& text, const std::string& other) {
    static const std::vector<std::string> words = {"\r",
                                                   "\n",
                                                   "\r\n",
                                                   "\r\n\r\n",
                                                   " ",
                                                   "\t",
                                                   ":",
                                                   ";",
                                                   ",",
                                                   "0",
                                                   "\0"s,
                                                   "\xff",
                                                   "%",
                                                   "%2e",
                                                   "..",
                                                   "/",
                                                   "//",
                                                   "\\",
                                                   "chunked",
                                                   "Content-Length: 5\r\n",
                                                   "Transfer-Encoding: chunked\r\n",
                                                   "Host: x\r\n",
                                                   "HTTP/1.0",
                                                   "Connection: close\r\n",
                                                   "0\r\n\r\n",
                                                   "5\r\n",
                                                   "Expect: 100-continue\r\n",
                                                   "http://"};
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0: text.insert(at, words[below(words.size())]); break;
      case 1: text.erase(at, 1 + below(4)); break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 3: text.resize(at); break;
      case 4: text.insert(at, other, below(other.size()), 1 + below(30)); break;
      default:
        if (at < text.size()) text.insert(at, text, at, 1 + below(20));
        break;
    }
    if (text.empty()) text = "\r";
  }

  random_source random_;
};

std::vector<std::string> short_ones(const std::vector<std::string>& all) {
  std::vector<std::string> out;
  for (const auto& bytes : all) {
    if (bytes.size() <= 600) out.push_back(bytes);
  }
  return out;
}

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
