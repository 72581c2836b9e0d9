#include <eddy/http/http2_error.hpp>

#include <string>

#include <eddy/base/error.hpp>

namespace eddy::http {
namespace {

class category_type final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy.http2"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<http2_errc>(code)) {
      case http2_errc::protocol_error: return "HTTP/2 protocol error";
      case http2_errc::internal_error: return "HTTP/2 internal error";
      case http2_errc::flow_control_error: return "HTTP/2 flow control error";
      case http2_errc::settings_timeout: return "HTTP/2 settings not acknowledged in time";
      case http2_errc::stream_closed: return "HTTP/2 frame for a closed stream";
      case http2_errc::frame_size_error: return "HTTP/2 frame of a wrong size";
      case http2_errc::refused_stream: return "HTTP/2 stream refused";
      case http2_errc::cancel: return "HTTP/2 stream cancelled";
      case http2_errc::compression_error: return "HTTP/2 header compression error";
      case http2_errc::connect_error: return "HTTP/2 tunnel broken";
      case http2_errc::enhance_your_calm: return "HTTP/2 peer does too much of something";
      case http2_errc::inadequate_security: return "HTTP/2 inadequate security";
      case http2_errc::http_1_1_required: return "HTTP/1.1 required";
      case http2_errc::no_error: return "HTTP/2 stream or connection ended";
      case http2_errc::unknown: break;
    }
    return "HTTP/2 unknown error";
  }
  [[nodiscard]] condition condition_for(int code) const noexcept override {
    switch (static_cast<http2_errc>(code)) {
      case http2_errc::enhance_your_calm: return condition::overloaded;
      case http2_errc::http_1_1_required: return condition::unsupported;
      case http2_errc::no_error:
      case http2_errc::refused_stream:
      case http2_errc::cancel: return condition::disconnected;
      default: return condition::failed;
    }
  }
};

}  // namespace

http2_errc http2_errc_from(std::uint32_t code) noexcept {
  if (code == 0) return http2_errc::no_error;
  if (code > static_cast<std::uint32_t>(http2_errc::http_1_1_required)) return http2_errc::unknown;
  return static_cast<http2_errc>(code);
}

const std::error_category& http2_category() noexcept {
  static const category_type category;
  return category;
}

std::error_code make_error_code(http2_errc code) noexcept {
  return {static_cast<int>(code), http2_category()};
}

}  // namespace eddy::http
