#include <eddy/http/client_error.hpp>

#include <utility>

namespace eddy::http {

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

}  // namespace eddy::http
