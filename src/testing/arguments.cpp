#include <eddy/testing/arguments.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <eddy/base/error.hpp>

namespace eddy::testing {
namespace {

bool is_seed(std::string_view text) {
  std::uint64_t seed = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seed);
  return problem == std::errc() && end == text.data() + text.size() && seed != 0;
}

/// Whether it was one of ours.
bool take(std::string_view argument) {
  constexpr std::string_view prefix = "--eddy-";
  if (!argument.starts_with(prefix)) return false;
  const auto equals = std::min(argument.find('='), argument.size());
  const std::string_view name = argument.substr(prefix.size(), equals - prefix.size());
  const std::string value(argument.substr(std::min(equals + 1, argument.size())));
  if (name == "seed" && is_seed(value)) {
    ::setenv("EDDY_SEED", value.c_str(), 1);
  } else if (name == "shuffle" && (equals == argument.size() || value == "0" || value == "1")) {
    ::setenv("EDDY_SHUFFLE", value == "0" ? "0" : "1", 1);
  } else {
    throw_invalid_input(std::string(argument));
  }
  return true;
}

}  // namespace

void take_arguments(int& argc, char** argv) {
  char** const end = argv + argc;
  char** const kept = std::remove_if(argv + std::min(argc, 1), end,
                                     [](const char* argument) { return take(argument); });
  argc = static_cast<int>(kept - argv);
  if (kept != end) *kept = nullptr;
}

}  // namespace eddy::testing
