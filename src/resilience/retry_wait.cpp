#include <eddy/resilience/retry_wait.hpp>

#include <algorithm>
#include <cmath>

#include <eddy/base/error.hpp>

namespace eddy {
namespace {

duration not_negative(duration d) { return std::max(d, duration::zero()); }

// Uniform in [0, longest].
duration up_to(duration longest, random_source& random) {
  const auto bound = static_cast<std::uint64_t>(not_negative(longest).count());
  return duration(static_cast<duration::rep>(random.below(bound + 1)));
}

duration sum(duration a, duration b) { return after(time_point(a), b).time_since_epoch(); }

}  // namespace

retry_wait::retry_wait() : retry_wait([](std::uint64_t, random_source&) { return duration(0); }) {}

retry_wait::retry_wait(function length)
    : length_(std::make_shared<const function>(std::move(length))) {}

duration retry_wait::length(std::uint64_t attempt, random_source& random) const {
  return not_negative((*length_)(attempt, random));
}

retry_wait wait_none() { return retry_wait(); }

retry_wait wait_fixed(duration length) {
  return retry_wait([length](std::uint64_t, random_source&) { return length; });
}

retry_wait wait_random(duration shortest, duration longest) {
  const duration least = not_negative(shortest);
  if (longest < least) throw_invalid_input("wait_random: the longest wait is below the shortest");
  return retry_wait([least, longest](std::uint64_t, random_source& random) {
    return least + up_to(longest - least, random);
  });
}

retry_wait wait_exponential(exponential_backoff backoff) {
  if (!(backoff.growth >= 1)) throw_invalid_input("wait_exponential: growth below one");
  if (backoff.max < backoff.min) throw_invalid_input("wait_exponential: max below min");
  return retry_wait([backoff](std::uint64_t attempt, random_source&) {
    // In floating point it saturates at infinity where integers would overflow.
    const auto times = std::pow(backoff.growth, static_cast<double>(attempt - 1));
    const auto ns = static_cast<double>(backoff.factor.count()) * times;
    const auto limit = static_cast<double>(backoff.max.count());
    const duration grown = ns >= limit ? backoff.max : duration(std::llround(ns));
    return std::clamp(grown, backoff.min, backoff.max);
  });
}

retry_wait wait_chain(std::vector<retry_wait> steps) {
  if (steps.empty()) throw_invalid_input("wait_chain: no steps");
  return retry_wait([steps = std::move(steps)](std::uint64_t attempt, random_source& random) {
    const auto step = std::min<std::uint64_t>(attempt, steps.size()) - 1;
    return steps[step].length(attempt, random);
  });
}

retry_wait full_jitter(retry_wait longest) {
  return retry_wait([longest = std::move(longest)](std::uint64_t attempt, random_source& random) {
    return up_to(longest.length(attempt, random), random);
  });
}

retry_wait equal_jitter(retry_wait longest) {
  return retry_wait([longest = std::move(longest)](std::uint64_t attempt, random_source& random) {
    const duration whole = longest.length(attempt, random);
    const duration half = whole / 2;
    return half + up_to(whole - half, random);
  });
}

retry_wait operator+(retry_wait a, retry_wait b) {
  return retry_wait(
      [a = std::move(a), b = std::move(b)](std::uint64_t attempt, random_source& random) {
        const duration first = a.length(attempt, random);
        return sum(first, b.length(attempt, random));
      });
}

}  // namespace eddy
