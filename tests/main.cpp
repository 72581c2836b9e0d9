// main of every test program: GoogleTest, with --eddy-seed and --eddy-shuffle.
#include <cstdio>
#include <exception>

#include <gmock/gmock.h>

#include <eddy/testing/arguments.hpp>

int main(int argc, char** argv) {
  try {
    eddy::testing::take_arguments(argc, argv);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 2;
  }
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
