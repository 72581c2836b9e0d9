// How reports write a place in a program.
#pragma once

#include <source_location>
#include <string>

namespace eddy::sync::detail {

inline std::string place_text(std::source_location place) {
  return std::string(place.file_name()) + ":" + std::to_string(place.line());
}

}  // namespace eddy::sync::detail
