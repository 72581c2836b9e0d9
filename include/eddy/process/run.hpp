// Running a program to its end, inside the caller's scope.
//
//   auto listing = co_await eddy::process::run(what);   // process::options what("ls", arguments);
//   if (!listing.status.success()) ...
#pragma once

#include <chrono>
#include <cstddef>
#include <source_location>
#include <string>

#include <eddy/process/child.hpp>

namespace eddy::process {

struct run_limits {
  duration grace = std::chrono::seconds(5);  ///< between SIGTERM and SIGKILL
  std::size_t output = std::size_t{64}
                       << 20;  ///< bytes of each of the two outputs; more is an error
};

/// Starts the program, gives it `input`, and gives what it wrote and how it ended. Outputs are captured unless `what`
/// says otherwise; without input its standard input is at its end. Cancelled, or when an output grows over its bound:
/// the child is terminated, killed after the grace, and collected before this ends.
[[nodiscard]] task<output> run(options what, std::string input = std::string(),
                               run_limits limits = run_limits(),
                               std::source_location where = std::source_location::current());

}  // namespace eddy::process
