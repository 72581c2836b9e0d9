// What the programs behind the guide check their results with.
#pragma once

#include <cstdlib>
#include <iostream>
#include <source_location>

/// Ends the program with an error that names the place, unless `holds`.
inline void expect(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::cerr << where.file_name() << ':' << where.line() << ": not what the guide says\n";
  std::exit(1);
}
