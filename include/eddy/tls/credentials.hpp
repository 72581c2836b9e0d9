// What one side shows, and whom it believes: certificates with their keys, and trusted authorities.
//
//   auto own = eddy::tls::credentials::files("/etc/ssl/example.org.pem", "/etc/ssl/private/example.org.key");
//   auto test = eddy::tls::self_signed({"localhost", "127.0.0.1"});
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace eddy::tls {

/// A certificate chain with its private key, as PEM text or as the files it stands in. A value; holds no more than it
/// was given: files are read, and everything is checked, when a context is made or reloaded.
struct credentials {
  /// Files: the chain, leaf first, and the key. Read again by each context::reload().
  [[nodiscard]] static credentials files(std::string chain, std::string key);
  /// PEM texts of the same.
  [[nodiscard]] static credentials pem(std::string chain, std::string key);

  std::string chain;
  std::string key;
  bool are_files = false;     ///< chain and key are the names of files
  std::string password = {};  ///< of the key, if it is encrypted
  /// The host names a server shows them for, "*.example.org" included. Empty: those in the certificate.
  std::vector<std::string> hosts = {};
};

/// Whose signatures are believed.
struct trust {
  enum class source : std::uint8_t { system, file, text, nobody };

  /// The authorities that the system trusts (SSL_CERT_FILE and SSL_CERT_DIR count).
  [[nodiscard]] static trust system();
  /// A file of PEM certificates; read again by each context::reload().
  [[nodiscard]] static trust file(std::string path);
  /// PEM certificates as text.
  [[nodiscard]] static trust pem(std::string text);
  /// Nobody's: no certificate is asked for, or, for a client, every one is accepted from anybody. Then a connection is
  /// encrypted, but with whom is unknown.
  [[nodiscard]] static trust nobody();

  source from = source::system;
  std::string value = {};  ///< the path or the text
};

}  // namespace eddy::tls
