#include "failure.hpp"

#include <optional>
#include <utility>

namespace eddy::tls::detail {
namespace {

errc errc_of_verification(long result) noexcept {
  switch (result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return errc::unknown_authority;
    case X509_V_ERR_CERT_HAS_EXPIRED: return errc::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return errc::certificate_not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return errc::wrong_host;
    case X509_V_ERR_APPLICATION_VERIFICATION: return errc::wrong_fingerprint;
    case X509_V_ERR_CERT_REVOKED: return errc::certificate_revoked;
    default: return errc::certificate_rejected;
  }
}

errc errc_of_reason(int reason) noexcept {
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return errc::certificate_missing;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_WRONG_SSL_VERSION: return errc::no_common_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM: return errc::no_common_cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL: return errc::no_common_protocol;
    default: return errc::protocol_error;
  }
}

/// OpenSSL gives a received alert as a reason of its own.
std::optional<std::uint8_t> alert_of(int reason) noexcept {
  if (reason < SSL_AD_REASON_OFFSET || reason > SSL_AD_REASON_OFFSET + 255) return std::nullopt;
  return static_cast<std::uint8_t>(reason - SSL_AD_REASON_OFFSET);
}

errc errc_of_alert(std::uint8_t alert) noexcept {
  switch (alert) {
    case SSL_AD_PROTOCOL_VERSION: return errc::no_common_version;
    case SSL_AD_NO_APPLICATION_PROTOCOL: return errc::no_common_protocol;
    default: return errc::alert_received;
  }
}

}  // namespace

std::string take_reason(const std::string& otherwise) {
  const unsigned long oldest = ERR_peek_error();
  const char* text = oldest != 0 ? ERR_reason_error_string(oldest) : nullptr;
  std::string reason = text != nullptr ? text : otherwise;
  ERR_clear_error();
  return reason;
}

tls_error failure_of(const SSL& ssl, std::string operation, std::string peer) {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  std::string text = take_reason("internal error");
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long result = SSL_get_verify_result(&ssl);
    return {errc_of_verification(result), std::move(operation), std::move(peer),
            X509_verify_cert_error_string(result)};
  }
  const auto alert = alert_of(reason);
  const errc code = alert ? errc_of_alert(*alert) : errc_of_reason(reason);
  return {code, std::move(operation), std::move(peer), std::move(text), alert};
}

}  // namespace eddy::tls::detail
