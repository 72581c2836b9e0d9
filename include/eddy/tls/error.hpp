// Why a TLS connection failed.
//
//   eddy::error
//   └── eddy::tls::tls_error   a code of tls::errc, the library's reason as text, and the alert if there was one
//
// What the stream below fails with (a reset, closed by another task) passes as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include <eddy/base/error.hpp>

namespace eddy::tls {

/// After each code: the condition it compares equal to, where that is not `failed`.
enum class errc : std::uint8_t {
  // the peer's certificate, as judged by this side
  unknown_authority =
      1,  ///< not signed by an authority that is trusted here (self-signed, unknown CA)
  certificate_expired,        ///< it, or one above it, is over
  certificate_not_yet_valid,  ///< it, or one above it, has not begun
  wrong_host,                 ///< it is for other names or addresses than the one asked for
  wrong_fingerprint,          ///< it is not one of those pinned
  certificate_revoked,        ///< its authority took it back
  certificate_rejected,  ///< anything else that is wrong with it: purpose, signature, weak key, chain too long
  certificate_missing,  ///< the peer had to show one and did not

  // nothing in common
  no_common_version,   ///< of TLS
  no_common_cipher,    ///< or group, or signature algorithm
  no_common_protocol,  ///< of those above TLS (ALPN)

  // the peer's behaviour
  not_tls,         ///< what arrived is not TLS: the peer speaks plain text
  alert_received,  ///< the peer gave up; tls_error::alert() says why
  protocol_error,  ///< the peer broke the protocol, or its bytes were changed on the way
  peer_closed,     ///< the connection ended during the handshake; condition::disconnected
  truncated,  ///< the connection ended without the peer's goodbye: data may be missing; disconnected
  timed_out,  ///< the handshake took longer than its limit; condition::timed_out

  // this side's configuration
  bad_credentials,  ///< a certificate or key cannot be read, or they do not match; condition::invalid_input
};

[[nodiscard]] const std::error_category& category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;

/// A failure of TLS itself. A value, usable on any thread.
class tls_error final : public error {
 public:
  /// `operation` is what failed ("tls connect"), `detail` the reason in words.
  tls_error(errc code, std::string operation, std::string peer, std::string detail,
            std::optional<std::uint8_t> alert = std::nullopt);

  /// "tls connect example.org (192.0.2.1:443): the certificate is over: certificate has expired".
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  /// The reason as the TLS library gives it; may be empty.
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  /// The number of the alert that the peer sent (RFC 8446, 6), if one came.
  [[nodiscard]] std::optional<std::uint8_t> alert() const noexcept { return alert_; }

 private:
  std::string detail_;
  std::string text_;
  std::optional<std::uint8_t> alert_;
};

}  // namespace eddy::tls

template <>
struct std::is_error_code_enum<eddy::tls::errc> : std::true_type {};
