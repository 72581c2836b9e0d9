// What a user's first program needs from an installed copy: headers, a library to link, exceptions across both.

#include <cstdio>

#include <eddy/base/error.hpp>

int main() {
  try {
    eddy::throw_invalid_input("the consumer asks for an error");
  } catch (const eddy::error& problem) {
    std::printf("%s\n", problem.what());
    return problem == eddy::condition::invalid_input ? 0 : 1;
  }
  return 1;
}
