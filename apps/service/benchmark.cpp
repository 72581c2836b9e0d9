#include "benchmark.hpp"

#include "api_error.hpp"
#include "timestamp.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>

namespace service {
namespace {

struct parameter {
  std::string_view name;
  int standard;
  int least;
  int most;
};

constexpr parameter tasks_parameter{"tasks", 100, 1, 10'000};
constexpr parameter delay_parameter{"delay_ms", 100, 0, 10'000};

/// nullopt when it is there but no whole number within its bounds.
std::optional<int> read_parameter(const eddy::http::request& request, const parameter& which) {
  const auto text = request.query_value(which.name);
  if (!text) return which.standard;
  int value = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool whole = read.ec == std::errc() && read.ptr == text->data() + text->size();
  if (!whole || value < which.least || value > which.most) return std::nullopt;
  return value;
}

eddy::http::response refuse(const parameter& which) {
  return bad_parameter(which.name, std::string(which.name) + " must be a whole number from " +
                                       std::to_string(which.least) + " to " +
                                       std::to_string(which.most));
}

eddy::task<void> nap(std::chrono::milliseconds length) { co_await eddy::sleep(length); }

/// How long `tasks` naps at once take.
eddy::task<eddy::duration> measure(int tasks, std::chrono::milliseconds delay) {
  const eddy::time_point begun = eddy::now();
  auto body = [&](eddy::task_group& group) -> eddy::task<void> {
    for (int i = 0; i < tasks; ++i) group.spawn(nap(delay));
    co_return;
  };
  co_await eddy::with_group(body);
  co_return eddy::now() - begun;
}

}  // namespace

eddy::task<eddy::http::response> async_benchmark(eddy::http::request& request) {
  const std::optional<int> tasks = read_parameter(request, tasks_parameter);
  if (!tasks) co_return refuse(tasks_parameter);
  const std::optional<int> delay = read_parameter(request, delay_parameter);
  if (!delay) co_return refuse(delay_parameter);

  const eddy::duration elapsed = co_await measure(*tasks, std::chrono::milliseconds(*delay));
  const double seconds = std::chrono::duration<double>(elapsed).count();
  boost::json::object answer;
  answer["operation"] = "async-benchmark";
  answer["tasks"] = *tasks;
  answer["duration_ms"] = seconds * 1000;
  answer["throughput"] = seconds > 0 ? *tasks / seconds : 0.0;  // tasks per second
  answer["benchmark_date"] = timestamp();
  co_return eddy::http::response::json(answer);
}

}  // namespace service
