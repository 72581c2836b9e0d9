// What the service can be told on its command line and in its environment.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace service {

struct options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;  // zero: a free one
  std::size_t loops = 1;      // threads that serve

  // Of the microservice behind process-batch.
  std::size_t max_concurrent = 50;
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  std::size_t retry_count = 3;
};

/// Reads both; the command line counts more. Prints --help and complaints. Without a value the program is to end with
/// `exit_code`.
[[nodiscard]] std::optional<options> read_options(int argc, char** argv, int& exit_code);

}  // namespace service
