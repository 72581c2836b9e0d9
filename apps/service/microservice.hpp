// microservice: fetches many URLs at once, patiently but not for ever.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/client.hpp>

namespace service {

/// What became of one URL: a final status with the size of its body, or an error in words.
struct fetch_result {
  int status = 0;
  std::uint64_t bytes = 0;
  eddy::duration elapsed{};  // all attempts and the pauses between them
  std::string error;         // empty: there is a status

  [[nodiscard]] bool ok() const noexcept { return error.empty(); }
};

struct microservice_options {
  std::string name = "microservice";
  std::size_t max_concurrent = 50;  // fetches of one call at once
  std::chrono::milliseconds timeout =
      std::chrono::seconds(30);  // for one URL, with all its attempts
  std::size_t retry_count = 3;   // attempts after the first
};

/// Belongs to one loop and keeps its connections between calls.
class microservice {
 public:
  explicit microservice(microservice_options options);

  /// Fetches all of them; results in order. A URL that fails, or takes too long, costs its own result only. Connection
  /// errors and statuses from 500 on are tried again after a pause that doubles each time, with jitter.
  [[nodiscard]] eddy::task<std::vector<fetch_result>> fetch_all(
      const std::vector<std::string>& urls);

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

 private:
  eddy::task<fetch_result> fetch(const std::string& url);
  eddy::task<fetch_result> fetch_with_retries(const std::string& url);
  eddy::task<fetch_result> attempt(const std::string& url, bool& worth_another);

  microservice_options options_;
  eddy::http::client client_;
};

}  // namespace service
