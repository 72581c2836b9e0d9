#include <eddy/tls/error.hpp>

#include <utility>

namespace eddy::tls {
namespace {

class tls_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy.tls"; }

  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::unknown_authority: return "the certificate is not from a trusted authority";
      case errc::certificate_expired: return "the certificate has expired";
      case errc::certificate_not_yet_valid: return "the certificate is not yet valid";
      case errc::wrong_host: return "the certificate is for another host";
      case errc::wrong_fingerprint: return "the certificate is not one of those pinned";
      case errc::certificate_revoked: return "the certificate was revoked";
      case errc::certificate_rejected: return "the certificate was rejected";
      case errc::certificate_missing: return "the peer showed no certificate";
      case errc::no_common_version: return "no common version of TLS";
      case errc::no_common_cipher: return "no common cipher";
      case errc::no_common_protocol: return "no common application protocol";
      case errc::not_tls: return "the peer does not speak TLS";
      case errc::alert_received: return "the peer gave up";
      case errc::protocol_error: return "the peer broke the TLS protocol";
      case errc::peer_closed: return "the peer closed the connection during the handshake";
      case errc::truncated: return "the connection ended without the peer's goodbye";
      case errc::timed_out: return "the handshake took too long";
      case errc::bad_credentials: return "the certificate or key cannot be used";
    }
    return "unknown TLS error " + std::to_string(code);
  }

  [[nodiscard]] condition condition_for(int code) const noexcept override {
    switch (static_cast<errc>(code)) {
      case errc::peer_closed:
      case errc::truncated: return condition::disconnected;
      case errc::timed_out: return condition::timed_out;
      case errc::bad_credentials: return condition::invalid_input;
      default: return condition::failed;
    }
  }
};

}  // namespace

const std::error_category& category() noexcept {
  static const tls_category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

tls_error::tls_error(errc code, std::string operation, std::string peer, std::string detail,
                     std::optional<std::uint8_t> alert)
    : error(make_error_code(code), std::move(operation), std::move(peer)),
      detail_(std::move(detail)),
      text_(error::what()),
      alert_(alert) {
  if (!detail_.empty()) text_ += " (" + detail_ + ")";
}

}  // namespace eddy::tls
