// Words that the server and the client share: methods, status codes, fields, media types.
//
// Everything here is a value or a pure function, usable on any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <eddy/wire/http1_fields.hpp>
#include <eddy/wire/http1_syntax.hpp>
#include <eddy/wire/http1_target.hpp>

namespace eddy::http {

using method = wire::http1::method;
using wire::http1::to_string;

/// Fields a program builds or keeps; fields as parsed, which are views.
using fields = wire::http1::fields;
using field_table = wire::http1::field_table;
using field_view = wire::http1::field_view;

using wire::http1::reason_phrase;

/// Status codes (RFC 9110 section 15); a status is an int, and others may be used.
namespace status {
inline constexpr int continue_ = 100;
inline constexpr int switching_protocols = 101;
inline constexpr int ok = 200;
inline constexpr int created = 201;
inline constexpr int accepted = 202;
inline constexpr int no_content = 204;
inline constexpr int partial_content = 206;
inline constexpr int moved_permanently = 301;
inline constexpr int found = 302;
inline constexpr int see_other = 303;
inline constexpr int not_modified = 304;
inline constexpr int temporary_redirect = 307;
inline constexpr int permanent_redirect = 308;
inline constexpr int bad_request = 400;
inline constexpr int unauthorized = 401;
inline constexpr int forbidden = 403;
inline constexpr int not_found = 404;
inline constexpr int method_not_allowed = 405;
inline constexpr int not_acceptable = 406;
inline constexpr int request_timeout = 408;
inline constexpr int conflict = 409;
inline constexpr int gone = 410;
inline constexpr int length_required = 411;
inline constexpr int precondition_failed = 412;
inline constexpr int content_too_large = 413;
inline constexpr int uri_too_long = 414;
inline constexpr int unsupported_media_type = 415;
inline constexpr int range_not_satisfiable = 416;
inline constexpr int expectation_failed = 417;
inline constexpr int unprocessable_content = 422;
inline constexpr int upgrade_required = 426;
inline constexpr int too_many_requests = 429;
inline constexpr int request_header_fields_too_large = 431;
inline constexpr int internal_server_error = 500;
inline constexpr int not_implemented = 501;
inline constexpr int bad_gateway = 502;
inline constexpr int service_unavailable = 503;
inline constexpr int gateway_timeout = 504;
inline constexpr int http_version_not_supported = 505;
}  // namespace status

[[nodiscard]] constexpr bool is_informational(int code) noexcept {
  return code >= 100 && code < 200;
}
[[nodiscard]] constexpr bool is_success(int code) noexcept { return code >= 200 && code < 300; }
[[nodiscard]] constexpr bool is_redirection(int code) noexcept { return code >= 300 && code < 400; }
[[nodiscard]] constexpr bool is_client_error(int code) noexcept {
  return code >= 400 && code < 500;
}
[[nodiscard]] constexpr bool is_server_error(int code) noexcept {
  return code >= 500 && code < 600;
}

/// A parsed Content-Type (RFC 9110 section 8.3.1): views into the text it was parsed from.
class media_type {
 public:
  /// nullopt unless `text` is "type/subtype" and well-formed parameters.
  [[nodiscard]] static std::optional<media_type> parse(std::string_view text) noexcept;

  [[nodiscard]] std::string_view type() const noexcept { return type_; }
  [[nodiscard]] std::string_view subtype() const noexcept { return subtype_; }
  /// Equal but for case: `is("text", "html")`.
  [[nodiscard]] bool is(std::string_view type, std::string_view subtype) const noexcept;
  /// application/json, or any type with the suffix "+json".
  [[nodiscard]] bool is_json() const noexcept;
  /// The value of a parameter, without quotes and escapes; nullopt if there is none of that name.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;

 private:
  media_type() noexcept = default;

  std::string_view type_;
  std::string_view subtype_;
  std::string_view parameters_;  // behind the first ";"
};

/// Values of Content-Type that are met everywhere.
namespace content_type {
inline constexpr std::string_view json = "application/json";
inline constexpr std::string_view text = "text/plain; charset=utf-8";
inline constexpr std::string_view html = "text/html; charset=utf-8";
inline constexpr std::string_view form = "application/x-www-form-urlencoded";
inline constexpr std::string_view octets = "application/octet-stream";
}  // namespace content_type

}  // namespace eddy::http
