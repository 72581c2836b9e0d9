// Randomness as a seam: everything random in eddy (jitter, shuffled ready order, cache keys) draws from the loop's
// source, which is seeded from the system in production and from a printed seed in tests.
#pragma once

#include <cstdint>

namespace eddy {

/// xoshiro256** (Blackman, Vigna: "Scrambled linear pseudorandom number generators", 2018). Not for secrets.
/// A value type; each loop owns one. Satisfies std::uniform_random_bit_generator.
class random_source {
 public:
  using result_type = std::uint64_t;

  explicit random_source(std::uint64_t seed) noexcept;

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return ~result_type{0}; }
  result_type operator()() noexcept;

  /// Uniform in [0, bound); zero when `bound` is zero.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
  /// Uniform in [0, 1).
  [[nodiscard]] double unit() noexcept;

 private:
  std::uint64_t state_[4];
};

}  // namespace eddy
