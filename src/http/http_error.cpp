#include <eddy/http/http_error.hpp>

#include <eddy/base/error.hpp>
#include <eddy/http/json.hpp>

namespace eddy::http {
namespace {

int checked(int status) {
  if (status < 400 || status > 599) throw_invalid_input("http_error: status not in 400 to 599");
  return status;
}

}  // namespace

http_error::http_error(int status, const std::string& message)
    : std::runtime_error(message.empty() ? std::string(reason_phrase(status)) : message),
      status_(checked(status)) {}

http_error& http_error::with(std::string_view name, std::string_view value) {
  fields_.add(name, value);
  return *this;
}

std::string error_body(int status, std::string_view message) {
  std::string body = R"({"error":{"status":)" + std::to_string(status) + R"(,"message":)";
  append_json_string(body, message);
  body += "}}";
  return body;
}

}  // namespace eddy::http
