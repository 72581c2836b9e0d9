#include <eddy/web/cors.hpp>

#include "field_words.hpp"

#include <algorithm>
#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::web {
namespace {

std::string list_of(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : ", ").append(word);
  return all;
}

class cors_policy {
 public:
  explicit cors_policy(cors_options options)
      : options_(std::move(options)),
        methods_(list_of(options_.methods)),
        request_fields_(list_of(options_.request_fields)),
        exposed_fields_(list_of(options_.exposed_fields)) {
    if (options_.any_origin && options_.credentials)
      throw_invalid_input("cors: any origin together with credentials");
    if (!options_.any_origin && options_.origins.empty() && !options_.allow)
      throw_invalid_input("cors: no origin is allowed");
  }

  task<http::response> operator()(http::request& r, http::next rest) const {
    const std::string origin(r.field("Origin").value_or(std::string_view()));
    const bool allowed = !origin.empty() && r.fields().count("Origin") == 1 && allows(origin);
    if (r.method() == http::method::options && !origin.empty() &&
        r.fields().contains("Access-Control-Request-Method")) {
      co_return preflight(origin, allowed);
    }
    http::response made = co_await rest(r);
    allow_origin(made, origin, allowed);
    if (allowed && !exposed_fields_.empty())
      made.set("Access-Control-Expose-Headers", exposed_fields_);
    co_return made;
  }

 private:
  [[nodiscard]] bool allows(const std::string& origin) const {
    if (options_.any_origin ||
        std::ranges::find(options_.origins, origin) != options_.origins.end())
      return true;
    return options_.allow && options_.allow(origin);
  }

  // Without Vary a cache would give one origin's answer, or one without the fields, to another.
  void allow_origin(http::response& made, const std::string& origin, bool allowed) const {
    if (!options_.any_origin) detail::add_vary(made, "Origin");
    if (!allowed) return;
    made.set("Access-Control-Allow-Origin", options_.any_origin ? "*" : std::string_view(origin));
    if (options_.credentials) made.set("Access-Control-Allow-Credentials", "true");
  }

  [[nodiscard]] http::response preflight(const std::string& origin, bool allowed) const {
    http::response made(http::status::no_content);
    allow_origin(made, origin, allowed);
    detail::add_vary(made, "Access-Control-Request-Method");
    detail::add_vary(made, "Access-Control-Request-Headers");
    if (!allowed) return made;
    made.set("Access-Control-Allow-Methods", methods_);
    if (!request_fields_.empty()) made.set("Access-Control-Allow-Headers", request_fields_);
    made.set("Access-Control-Max-Age", std::to_string(options_.max_age.count()));
    return made;
  }

  cors_options options_;
  std::string methods_;
  std::string request_fields_;
  std::string exposed_fields_;
};

}  // namespace

http::any_middleware cors(cors_options options) { return cors_policy(std::move(options)); }

}  // namespace eddy::web
