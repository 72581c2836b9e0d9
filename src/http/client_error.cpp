#include <eddy/http/client_error.hpp>

#include <utility>

#include <eddy/http/message.hpp>

namespace eddy::http {
namespace {

class request_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http request"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<request_errc>(code)) {
      case request_errc::insecure_redirect: return "a redirect from https to http";
      case request_errc::redirect_refused: return "the redirect was refused";
      case request_errc::address_refused: return "the address is not allowed";
      case request_errc::body_not_repeatable: return "the body cannot be sent a second time";
      case request_errc::proxy_refused: return "the proxy refused to connect";
      case request_errc::not_processed: return "the server did not process the request";
    }
    return "unknown";
  }
  [[nodiscard]] condition condition_for(int code) const noexcept override {
    switch (static_cast<request_errc>(code)) {
      case request_errc::proxy_refused: return condition::failed;
      case request_errc::not_processed: return condition::disconnected;
      default: return condition::invalid_input;
    }
  }
};

class status_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http status"; }
  [[nodiscard]] std::string message(int code) const override {
    return std::to_string(code) + " " + std::string(reason_phrase(code));
  }
  [[nodiscard]] condition condition_for(int code) const noexcept override {
    switch (code) {
      case status::request_timeout:
      case status::gateway_timeout: return condition::timed_out;
      case status::too_many_requests:
      case status::service_unavailable: return condition::overloaded;
      case status::not_implemented:
      case status::http_version_not_supported: return condition::unsupported;
      default: return is_client_error(code) ? condition::invalid_input : condition::failed;
    }
  }
};

std::error_code status_code(int status) noexcept {
  static const status_category category;
  return {status, category};
}

}  // namespace

std::error_code make_error_code(request_errc code) noexcept {
  static const request_category category;
  return {static_cast<int>(code), category};
}

std::string_view to_string(request_phase phase) noexcept {
  switch (phase) {
    case request_phase::preparing: return "preparing";
    case request_phase::queued: return "waiting for a connection";
    case request_phase::connecting: return "connecting";
    case request_phase::sending: return "sending the request";
    case request_phase::waiting: return "waiting for the response";
    case request_phase::reading: return "reading the body";
  }
  return "unknown phase";
}

request_error::request_error(std::error_code cause, request_phase phase, const std::string& verb,
                             std::string url, std::string peer, std::string_view detail)
    : error(cause, verb + " " + url, std::move(peer)),
      phase_(phase),
      url_(std::move(url)),
      text_(operation() + ": " + std::string(to_string(phase))) {
  if (!error::peer().empty()) text_ += " (" + error::peer() + ")";
  text_ += ": ";
  text_ += detail.empty() ? cause.message() : std::string(detail);
}

status_error::status_error(int status, const std::string& verb, const std::string& url)
    : error(status_code(status), verb + " " + url), text_(operation() + ": " + code().message()) {}

}  // namespace eddy::http
