// How long retry waits between two attempts: small waits that can be combined.
//
//   full_jitter(wait_exponential({.factor = 100ms, .max = 10s}))   anything up to 100 ms, 200 ms, 400 ms ... 10 s
//   wait_chain(wait_fixed(0s), wait_fixed(1s), wait_fixed(5s))     0, 1, 5, 5, 5 ... s
//   wait_fixed(1s) + wait_random(0s, 500ms)                        1 s to 1.5 s
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <eddy/base/random.hpp>
#include <eddy/base/time.hpp>

namespace eddy {

/// The length of the pause after the `attempt`-th failed attempt (from 1), with the loop's randomness. Immutable and
/// cheap to copy; copies may be used on any loop.
class retry_wait {
 public:
  using function = std::function<duration(std::uint64_t attempt, random_source& random)>;

  /// No pause: the next attempt comes in the next turn.
  retry_wait();
  /// Computed by `length`; a negative length means zero.
  explicit retry_wait(function length);

  [[nodiscard]] duration length(std::uint64_t attempt, random_source& random) const;

 private:
  std::shared_ptr<const function> length_;
};

/// factor, factor * growth, factor * growth^2 ..., kept within min and max.
struct exponential_backoff {
  duration factor = std::chrono::milliseconds(100);
  double growth = 2;  ///< at least 1; less, or not a number, throws invalid_input
  duration min = duration::zero();
  duration max = std::chrono::seconds(30);
};

[[nodiscard]] retry_wait wait_none();
[[nodiscard]] retry_wait wait_fixed(duration length);
/// Uniform between `shortest` and `longest`, both included.
[[nodiscard]] retry_wait wait_random(duration shortest, duration longest);
[[nodiscard]] retry_wait wait_exponential(exponential_backoff backoff = {});
/// The first wait after the first failure, the second after the second; the last one is repeated. Empty throws
/// invalid_input.
[[nodiscard]] retry_wait wait_chain(std::vector<retry_wait> steps);
template <std::same_as<retry_wait>... Steps>
[[nodiscard]] retry_wait wait_chain(retry_wait first, Steps... more) {
  std::vector<retry_wait> steps;
  steps.reserve(1 + sizeof...(more));
  steps.push_back(std::move(first));
  (steps.push_back(std::move(more)), ...);
  return wait_chain(std::move(steps));
}
/// Uniform between zero and what `longest` says: callers that failed together do not come back together.
[[nodiscard]] retry_wait full_jitter(retry_wait longest);
/// One half of what `longest` says, and up to as much again.
[[nodiscard]] retry_wait equal_jitter(retry_wait longest);
/// Both, one after the other.
[[nodiscard]] retry_wait operator+(retry_wait a, retry_wait b);

}  // namespace eddy
