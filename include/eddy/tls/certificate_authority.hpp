// Certificates made on the spot, for development and tests.
//
//   eddy::tls::certificate_authority ca;
//   auto server = eddy::tls::context::server({.certificates = {ca.issue({"localhost"})}});
//   auto client = eddy::tls::context::client({.authorities = ca.trusted()});
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <eddy/tls/credentials.hpp>

namespace eddy::tls {

/// What an issued certificate says; all fields have defaults.
struct issue_options {
  std::string common_name = {};  ///< empty: the first name
  std::chrono::sys_days not_before = std::chrono::January / 1 / 2020;
  std::chrono::sys_days not_after = std::chrono::December / 31 / 2049;
};

/// A private authority with an ECDSA key (P-256) that it made for itself. Keys come from OpenSSL's generator, not from
/// the loop's seed. Neither copyable nor movable; callable on any thread, one at a time.
class certificate_authority {
 public:
  explicit certificate_authority(std::string name = "eddy test authority");
  certificate_authority(const certificate_authority&) = delete;
  certificate_authority& operator=(const certificate_authority&) = delete;
  ~certificate_authority();

  /// A new key with a certificate for `names`: host names, also with "*.", and IP addresses. Usable by servers and by
  /// clients. A wrong name throws invalid_input.
  [[nodiscard]] credentials issue(const std::vector<std::string>& names,
                                  const issue_options& options = issue_options()) const;
  /// The authority's own certificate, PEM.
  [[nodiscard]] const std::string& pem() const noexcept { return pem_; }
  [[nodiscard]] trust trusted() const { return trust::pem(pem_); }

 private:
  struct secret;
  std::unique_ptr<secret> secret_;
  std::string pem_;
};

/// A certificate for `names` that nobody vouches for but itself; clients have to pin it, or to trust its chain's text.
[[nodiscard]] credentials self_signed(const std::vector<std::string>& names,
                                      const issue_options& options = issue_options());

/// SHA-256 of the first certificate of `own`, as in client_options::pinned. Throws tls_error.
[[nodiscard]] std::string fingerprint_of(const credentials& own);

}  // namespace eddy::tls
