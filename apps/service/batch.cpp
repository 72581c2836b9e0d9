#include "batch.hpp"

#include "api_error.hpp"
#include "microservice.hpp"
#include "timestamp.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <eddy/runtime/loop.hpp>

namespace service {
namespace {

namespace json = boost::json;

constexpr std::size_t most_items = 10'000;

double in_milliseconds(eddy::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// One per loop, with its connections.
struct loop_microservice {
  explicit loop_microservice(eddy::runtime::loop&) {}
  std::optional<microservice> instance;
};

microservice& microservice_of_loop(const options& how) {
  auto& slot = eddy::runtime::loop::current().service<loop_microservice>().instance;
  if (!slot) {
    microservice_options made;
    made.name = "batch";
    made.max_concurrent = how.max_concurrent;
    made.timeout = how.timeout;
    made.retry_count = how.retry_count;
    slot.emplace(std::move(made));
  }
  return *slot;
}

/// The URLs, or the answer to what has another shape.
std::variant<std::vector<std::string>, eddy::http::response> read_urls(const json::value& body) {
  if (!body.is_array()) return bad_shape("the body must be an array of objects with a \"url\"");
  const json::array& items = body.get_array();
  if (items.size() > most_items) {
    return bad_shape("at most 10000 items, not " + std::to_string(items.size()), most_items);
  }
  std::vector<std::string> urls;
  urls.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string item = "item " + std::to_string(i);
    if (!items[i].is_object()) return bad_shape(item + " is not an object", i);
    const json::value* url = items[i].get_object().if_contains("url");
    if (url == nullptr) return bad_shape(item + " has no \"url\"", i, "url");
    if (!url->is_string()) return bad_shape("\"url\" of " + item + " is not a string", i, "url");
    urls.emplace_back(url->get_string().begin(), url->get_string().end());
  }
  return urls;
}

json::object describe(const std::string& url, const fetch_result& result) {
  json::object described;
  described["url"] = url;
  if (!result.ok()) {
    described["error"] = result.error;
    return described;
  }
  described["status"] = result.status;
  described["bytes"] = result.bytes;
  described["elapsed_ms"] = in_milliseconds(result.elapsed);
  return described;
}

}  // namespace

eddy::task<eddy::http::response> process_batch(eddy::http::request& request, const options& how) {
  const eddy::time_point begun = eddy::now();
  const json::value body = co_await request.json();
  auto read = read_urls(body);
  if (auto* refusal = std::get_if<eddy::http::response>(&read)) co_return std::move(*refusal);
  const auto& urls = std::get<std::vector<std::string>>(read);

  const std::vector<fetch_result> results = co_await microservice_of_loop(how).fetch_all(urls);
  std::size_t failed = 0;
  json::array described;
  described.reserve(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].ok()) ++failed;
    described.push_back(describe(urls[i], results[i]));
  }
  json::object answer;
  answer["processed_count"] = results.size() - failed;
  answer["failed_count"] = failed;
  answer["results"] = std::move(described);
  answer["elapsed_ms"] = in_milliseconds(eddy::now() - begun);
  answer["timestamp"] = timestamp();
  co_return eddy::http::response::json(answer);
}

}  // namespace service
