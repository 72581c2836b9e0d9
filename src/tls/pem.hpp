// Credentials and authorities as OpenSSL's objects, and what stands in a certificate.
#pragma once

#include "openssl.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <eddy/tls/certificate.hpp>
#include <eddy/tls/credentials.hpp>

namespace eddy::tls::detail {

/// A chain, leaf first, with the leaf's key.
struct loaded_credentials {
  std::vector<x509_ptr> chain;
  key_ptr key;
};

/// Reads files, if they are files. Throws tls_error with errc::bad_credentials.
[[nodiscard]] loaded_credentials load(const credentials& from);
/// All certificates of a PEM text or file; at least one. `what` names them in the error.
[[nodiscard]] std::vector<x509_ptr> load_certificates(const std::string& source, bool is_file,
                                                      const std::string& what);

/// SHA-256 as lower-case hexadecimal digits.
[[nodiscard]] std::string fingerprint_of(X509& from);
/// Its host names and IP addresses.
[[nodiscard]] std::vector<std::string> names_of(X509& from);
[[nodiscard]] certificate describe(X509& from);
/// Lower case, without colons and blanks; throws invalid_input unless it is 64 hexadecimal digits.
[[nodiscard]] std::string normal_fingerprint(std::string_view text);

[[noreturn]] void throw_bad_credentials(const std::string& what, const std::string& otherwise);

}  // namespace eddy::tls::detail
