// What a program that dies of main's failure says about it: the awaits that the failure passed.
#pragma once

#include <exception>
#include <source_location>
#include <vector>

namespace eddy::runtime {

/// Installs the terminate handler, once. Before anything is thrown: an exception keeps the handler of its throw.
void watch_unhandled();

/// `failure` leaves run() on this thread now. If nobody catches it, the terminate handler writes `stack`.
void note_leaving(const std::exception_ptr& failure,
                  std::vector<std::source_location> stack) noexcept;

}  // namespace eddy::runtime
