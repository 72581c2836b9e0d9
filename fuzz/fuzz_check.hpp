// How a fuzz target says that something that has to hold does not.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace eddy::fuzz {

inline void expect_empty(const std::string& breach) {
  if (breach.empty()) return;
  std::fprintf(stderr, "broken: %s\n", breach.c_str());
  std::abort();
}

inline void expect(bool holds, const char* breach) { expect_empty(holds ? std::string() : breach); }

}  // namespace eddy::fuzz
