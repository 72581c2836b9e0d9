#include <eddy/base/random.hpp>

#include <bit>

namespace eddy {

random_source::random_source(std::uint64_t seed) noexcept {
  // splitmix64 spreads any seed, zero included, over the whole state.
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15u;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    word = z ^ (z >> 31);
  }
}

random_source::result_type random_source::operator()() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t random_source::below(std::uint64_t bound) noexcept {
  if (bound == 0) return 0;
  // Rejection keeps every value equally likely.
  const std::uint64_t limit = max() - max() % bound;
  std::uint64_t drawn = (*this)();
  while (drawn >= limit) drawn = (*this)();
  return drawn % bound;
}

double random_source::unit() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

}  // namespace eddy
