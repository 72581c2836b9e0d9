#include <eddy/http/response.hpp>

#include <array>

#include <eddy/base/error.hpp>
#include <eddy/http/http_error.hpp>
#include <eddy/http/json.hpp>

namespace eddy::http {
namespace {

constexpr std::array<std::string_view, 8> known_types{
    content_type::json,   content_type::text, content_type::html, content_type::form,
    content_type::octets, "text/plain",       "text/html",        "text/event-stream"};

// The static text equal to `type`, which costs no memory; empty if there is none.
std::string_view known(std::string_view type) noexcept {
  for (const std::string_view one : known_types) {
    if (one == type) return one;
  }
  return {};
}

}  // namespace

response response::of(std::string_view type, std::string body, int status) {
  response made(status);
  made.set_content_type(type);
  made.body_ = std::move(body);
  return made;
}

response response::text(std::string body, int status) {
  response made(status);
  made.type_ = content_type::text;
  made.body_ = std::move(body);
  return made;
}

response response::html(std::string body, int status) {
  return of(content_type::html, std::move(body), status);
}

response response::json(const boost::json::value& body, int status) {
  response made(status);
  made.type_ = content_type::json;
  append_json(made.body_.emplace<std::string>(), body);
  return made;
}

response response::constant(std::string_view type, literal body, int status) {
  response made(status);
  made.set_content_type(type);
  made.body_ = body.view();
  return made;
}

response response::error(int status, std::string_view message) {
  return of(content_type::json,
            error_body(status, message.empty() ? reason_phrase(status) : message), status);
}

response response::redirect(std::string_view location, int status) {
  response made(status);
  made.set("Location", location);
  return made;
}

response response::stream(std::string_view type, writer write,
                          std::optional<std::uint64_t> length) {
  response made;
  made.set_content_type(type);
  made.set_stream(std::move(write), length);
  return made;
}

response response::upgrade(std::string_view protocol, http::fields extra, upgraded_handler run) {
  if (!run) throw_invalid_input("response::upgrade without a handler");
  response made(status::switching_protocols);
  made.fields_ = std::move(extra);
  made.fields_.set("Connection", "Upgrade");
  made.fields_.set("Upgrade", protocol);
  made.body_ = std::move(run);
  return made;
}

std::string_view response::content_type() const noexcept {
  return type_.empty() ? fields_.find("content-type").value_or(std::string_view()) : type_;
}

response& response::set_content_type(std::string_view type) {
  type_ = known(type);
  if (type_.empty() && !type.empty()) {
    fields_.set("Content-Type", type);
  } else {
    fields_.remove("content-type");
  }
  return *this;
}

response& response::add(std::string_view name, std::string_view value) & {
  if (wire::http1::equals_ignoring_case(name, "content-type")) return set_content_type(value);
  fields_.add(name, value);
  return *this;
}

response& response::set(std::string_view name, std::string_view value) & {
  if (wire::http1::equals_ignoring_case(name, "content-type")) return set_content_type(value);
  fields_.set(name, value);
  return *this;
}

std::string_view response::body() const noexcept {
  if (const auto* owned = std::get_if<std::string>(&body_)) return *owned;
  if (const auto* constant = std::get_if<std::string_view>(&body_)) return *constant;
  return {};
}

response& response::set_body(std::string body) {
  body_ = std::move(body);
  return *this;
}

response& response::set_body(literal body) noexcept {
  body_ = body.view();
  return *this;
}

response& response::set_stream(writer write, std::optional<std::uint64_t> length) {
  if (!write) throw_invalid_input("a response's stream without a writer");
  auto& part = body_.emplace<stream_body>();
  part.write = std::move(write);
  part.length = length;
  return *this;
}

response to_response(std::string text) { return response::text(std::move(text)); }
response to_response(std::string_view text) { return response::text(std::string(text)); }
response to_response(const char* text) { return response::text(text); }

}  // namespace eddy::http
