// Seed and order of virtual runs from a test program's command line.
//
//   int main(int argc, char** argv) {
//     eddy::testing::take_arguments(argc, argv);
//     testing::InitGoogleTest(&argc, argv);
//     return RUN_ALL_TESTS();
//   }
//
//   my_tests --eddy-seed=42 --eddy-shuffle
#pragma once

namespace eddy::testing {

/// Takes eddy's arguments out of the command line, before the framework's own look at it:
///
///   --eddy-seed=N       the seed of every virtual run that does not choose its own; N from 1
///   --eddy-shuffle[=0]  ready tasks run in an order drawn from the seed (=0: in order of arrival)
///
/// They replace the environment's EDDY_SEED and EDDY_SHUFFLE, for child processes as well. Throws invalid_input for
/// what it does not understand. Call it before other threads exist.
void take_arguments(int& argc, char** argv);

}  // namespace eddy::testing
