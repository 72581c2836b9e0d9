// The drivers that the conformance suite runs on.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <eddy/runtime/driver.hpp>
#include <eddy/runtime/virtual_driver.hpp>

namespace eddy::runtime {

struct driver_factory {
  std::string name;
  std::function<std::unique_ptr<driver>()> make;
  /// Whether the sockets are the operating system's.
  bool real = true;

  friend std::ostream& operator<<(std::ostream& out, const driver_factory& factory) {
    return out << factory.name;
  }
};

inline std::vector<driver_factory> driver_factories() {
  return {
      {.name = "epoll", .make = [] { return make_driver(driver_kind::epoll); }},
      {.name = "io_uring", .make = [] { return make_driver(driver_kind::io_uring); }},
      {.name = "virtual", .make = [] { return std::make_unique<virtual_driver>(); }, .real = false},
  };
}

}  // namespace eddy::runtime
