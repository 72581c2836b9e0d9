#include "microservice.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>

namespace service {
namespace {

using namespace std::chrono_literals;

constexpr eddy::duration first_pause = 100ms;
constexpr eddy::duration longest_pause = 2s;

/// Before attempt number `attempt` (the second is 1): anything up to the doubled pause, so that those who failed
/// together do not come back together.
eddy::duration pause_before(std::size_t attempt) {
  const eddy::duration most =
      std::min(longest_pause, first_pause * (1 << std::min<std::size_t>(attempt - 1, 10)));
  auto& random = eddy::coro::scheduler::require().random();
  return eddy::duration(
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most.count()))));
}

bool is_connection_error(const eddy::http::request_error& failure) {
  return failure == eddy::condition::disconnected || failure == eddy::condition::overloaded ||
         (failure == eddy::condition::timed_out &&
          failure.phase() == eddy::http::request_phase::connecting);
}

std::string in_seconds(std::chrono::milliseconds d) {
  std::string text = std::to_string(d.count() / 1000);
  if (const auto rest = d.count() % 1000; rest != 0)
    text += "." + std::to_string(1000 + rest).substr(1);
  return text + " s";
}

eddy::http::client_options client_options_for(const microservice_options& options) {
  eddy::http::client_options made;
  // The bound on one call is max_concurrent; these are for several calls at once, so that one whose URLs hang does not
  // hold up the others.
  made.max_connections = std::max<std::size_t>(1000, 4 * options.max_concurrent);
  made.max_connections_per_host = made.max_connections / 2;
  made.timeouts.total = eddy::duration::max();  // fetch() sets the limit, around all attempts
  return made;
}

}  // namespace

microservice::microservice(microservice_options options)
    : options_(std::move(options)), client_(client_options_for(options_)) {
  client_.default_fields().set("User-Agent", options_.name);
}

eddy::task<std::vector<fetch_result>> microservice::fetch_all(
    const std::vector<std::string>& urls) {
  auto one = [this](const std::string& url) { return fetch(url); };
  eddy::gather_each_options how;
  how.limit = options_.max_concurrent;
  co_return co_await eddy::gather_each(std::views::all(urls), one, how);
}

eddy::task<fetch_result> microservice::fetch(const std::string& url) {
  const eddy::time_point begun = eddy::now();
  auto finished = co_await eddy::move_on_after(options_.timeout, fetch_with_retries(url));
  fetch_result result;
  if (finished) {
    result = *std::move(finished);
  } else {
    result.error = "timed out after " + in_seconds(options_.timeout);
  }
  result.elapsed = eddy::now() - begun;
  co_return result;
}

eddy::task<fetch_result> microservice::fetch_with_retries(const std::string& url) {
  for (std::size_t attempts = 1;; ++attempts) {
    bool worth_another = false;
    fetch_result result = co_await attempt(url, worth_another);
    if (!worth_another || attempts > options_.retry_count) {
      if (worth_another) result.error += " (" + std::to_string(attempts) + " attempts)";
      co_return result;
    }
    co_await eddy::sleep(pause_before(attempts));
  }
}

eddy::task<fetch_result> microservice::attempt(const std::string& url, bool& worth_another) {
  fetch_result result;
  try {
    eddy::http::client_response response = co_await client_.get(url);
    std::array<std::byte, 8192> piece;
    for (;;) {
      const std::size_t got = co_await response.read_some(piece);
      if (got == 0) break;
      result.bytes += got;
    }
    result.status = response.status();
    worth_another = eddy::http::is_server_error(result.status);
    if (worth_another) {
      result.error = std::to_string(result.status) + " " +
                     std::string(eddy::http::reason_phrase(result.status));
    }
  } catch (const eddy::http::request_error& failure) {
    worth_another = is_connection_error(failure);
    result.error = failure.what();
  }
  co_return result;
}

}  // namespace service
