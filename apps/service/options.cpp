#include "options.hpp"

#include <CLI/CLI.hpp>

namespace service {

std::optional<options> read_options(int argc, char** argv, int& exit_code) {
  options read;
  double timeout_seconds = 30;
  CLI::App line("The eddy reference service: an HTTP API on one or several event loops.",
                "eddy_service");
  line.add_option("--host", read.host, "Address to listen on")
      ->envname("EDDY_SERVICE_HOST")
      ->capture_default_str();
  line.add_option("--port", read.port, "Port to listen on; 0 takes a free one")
      ->envname("EDDY_SERVICE_PORT")
      ->capture_default_str();
  line.add_option("--loops", read.loops, "Threads that serve, each with an event loop")
      ->envname("EDDY_SERVICE_LOOPS")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  line.add_option("--max-concurrent", read.max_concurrent, "URLs that one batch fetches at once")
      ->envname("EDDY_SERVICE_MAX_CONCURRENT")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  line.add_option("--timeout", timeout_seconds, "Seconds for one URL of a batch, retries included")
      ->envname("EDDY_SERVICE_TIMEOUT")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  line.add_option("--retry-count", read.retry_count,
                  "Further attempts after connection errors and 5xx")
      ->envname("EDDY_SERVICE_RETRY_COUNT")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  try {
    line.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    exit_code = line.exit(end) == 0 ? 0 : 2;
    return std::nullopt;
  }
  read.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000));
  return read;
}

}  // namespace service
