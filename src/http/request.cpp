#include <eddy/http/request.hpp>

#include <eddy/base/error.hpp>
#include <eddy/http/http_error.hpp>

namespace eddy::http {
namespace http1 = wire::http1;

std::optional<std::string> request::query_value(std::string_view name) const {
  return http1::query_value(query(), name);
}

std::vector<std::pair<std::string, std::string>> request::query_values() const {
  std::vector<std::pair<std::string, std::string>> values;
  http1::query_parameters all(query());
  while (const auto one = all.next()) {
    auto& [name, value] = values.emplace_back();
    // A parsed target has no invalid escapes.
    static_cast<void>(http1::decode_percent(one->name, http1::plus_sign::space, name));
    static_cast<void>(http1::decode_percent(one->value, http1::plus_sign::space, value));
  }
  return values;
}

std::string_view request::parameter(std::string_view name) const {
  for (std::size_t i = 0; i < route_.parameters.count; ++i) {
    if ((*route_.names)[i] == name) return route_.parameters.values[i];
  }
  throw_invalid_input("the route has no parameter {" + std::string(name) + "}");
}

task<boost::json::value> request::json(json_limits limits) {
  if (const auto type = field("content-type")) {
    const auto parsed = media_type::parse(*type);
    if (!parsed || !parsed->is_json()) {
      throw http_error(status::unsupported_media_type, "the body has to be application/json");
    }
  }
  const std::string_view text = co_await body();
  co_return parse_json(text, limits);
}

}  // namespace eddy::http
