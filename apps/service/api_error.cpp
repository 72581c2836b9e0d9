#include "api_error.hpp"

#include <boost/json/object.hpp>

namespace service {
namespace {

namespace json = boost::json;

eddy::http::response error_response(json::object error) {
  const int status = static_cast<int>(error.at("status").as_int64());
  json::object body;
  body["error"] = std::move(error);
  return eddy::http::response::json(body, status);
}

json::object error_object(int status, const std::string& message) {
  json::object error;
  error["status"] = status;
  error["message"] = message;
  return error;
}

}  // namespace

eddy::http::response bad_parameter(std::string_view name, const std::string& message) {
  json::object error = error_object(eddy::http::status::bad_request, message);
  error["parameter"] = json::string_view(name.data(), name.size());
  return error_response(std::move(error));
}

eddy::http::response bad_shape(const std::string& message, std::optional<std::size_t> index,
                               std::string_view field) {
  json::object error = error_object(eddy::http::status::unprocessable_content, message);
  if (index) error["index"] = *index;
  if (!field.empty()) error["field"] = json::string_view(field.data(), field.size());
  return error_response(std::move(error));
}

}  // namespace service
