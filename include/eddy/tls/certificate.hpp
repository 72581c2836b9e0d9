// A certificate as a peer showed it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace eddy::tls {

/// A value with what programs ask for; all texts are UTF-8 or ASCII.
struct certificate {
  std::string subject;             ///< "CN=example.org,O=Example" (RFC 2253)
  std::string issuer;              ///< the same of whoever signed it
  std::string serial;              ///< hexadecimal
  std::vector<std::string> names;  ///< its host names and IP addresses (subjectAltName)
  std::string fingerprint;         ///< SHA-256 of the whole, 64 lower-case hexadecimal digits
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
};

}  // namespace eddy::tls
