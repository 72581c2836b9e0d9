#include <eddy/wire/http1_error.hpp>

#include <string>

#include <eddy/base/error.hpp>

namespace eddy::wire::http1 {
namespace {

const char* describe(errc code) noexcept {
  switch (code) {
    case errc::bad_request_line: return "malformed request line";
    case errc::bad_status_line: return "malformed status line";
    case errc::bad_method: return "malformed method";
    case errc::bad_target: return "malformed or unsafe request target";
    case errc::bad_version: return "malformed protocol version";
    case errc::bad_line_end: return "bare CR or LF";
    case errc::bad_field_name: return "malformed field name";
    case errc::bad_field_value: return "control character in a field value";
    case errc::obsolete_fold: return "folded field line";
    case errc::missing_host: return "Host is missing";
    case errc::bad_host: return "malformed, empty or repeated Host";
    case errc::bad_content_length: return "malformed or repeated Content-Length";
    case errc::bad_transfer_encoding: return "malformed or misplaced Transfer-Encoding";
    case errc::framing_conflict: return "both Content-Length and Transfer-Encoding";
    case errc::unknown_expectation: return "unknown expectation";
    case errc::unsupported_transfer_encoding: return "unsupported transfer coding";
    case errc::unsupported_version: return "unsupported protocol version";
    case errc::bad_chunk_size: return "malformed chunk size";
    case errc::bad_chunk_extension: return "malformed chunk extension";
    case errc::bad_chunk_end: return "chunk data not followed by CRLF";
    case errc::forbidden_trailer: return "field not allowed in trailers";
    case errc::incomplete_message: return "connection closed inside a message";
    case errc::unexpected_data: return "bytes after the end of a response";
    case errc::target_too_long: return "request target too long";
    case errc::head_too_large: return "head too large";
    case errc::too_many_fields: return "too many fields";
    case errc::chunk_extension_too_long: return "chunk extensions too long";
    case errc::trailers_too_large: return "trailers too large";
    case errc::invalid_output: return "text that cannot be written as HTTP";
    case errc::framing_field: return "framing field given by the caller";
    case errc::body_not_allowed: return "this message may not have such a body";
  }
  return "unknown HTTP/1.1 error";
}

class http1_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy.http1"; }
  [[nodiscard]] std::string message(int code) const override {
    return describe(static_cast<errc>(code));
  }
  [[nodiscard]] condition condition_for(int code) const noexcept override {
    switch (static_cast<errc>(code)) {
      case errc::unsupported_transfer_encoding:
      case errc::unsupported_version:
      case errc::unknown_expectation: return condition::unsupported;
      case errc::incomplete_message: return condition::disconnected;
      case errc::invalid_output:
      case errc::framing_field:
      case errc::body_not_allowed: return condition::invalid_input;
      default: return condition::failed;
    }
  }
};

}  // namespace

int suggested_status(errc code) noexcept {
  switch (code) {
    case errc::unknown_expectation: return 417;
    case errc::unsupported_transfer_encoding: return 501;
    case errc::unsupported_version: return 505;
    case errc::target_too_long: return 414;
    case errc::head_too_large:
    case errc::too_many_fields:
    case errc::trailers_too_large: return 431;
    case errc::invalid_output:
    case errc::framing_field:
    case errc::body_not_allowed: return 500;
    default: return 400;
  }
}

const std::error_category& category() noexcept {
  static const http1_category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

}  // namespace eddy::wire::http1
