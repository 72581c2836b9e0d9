// context: what the TLS connections of a server or a client have in common.
//
//   auto server = eddy::tls::context::server({.certificates = {own}, .alpn = {"h2", "http/1.1"}});
//   auto client = eddy::tls::context::client();
//   ...
//   server.reload();  // the certificate files were renewed
//
// TLS 1.2 and 1.3 only, with forward secrecy and authenticated encryption only (ECDHE with AES-GCM or
// ChaCha20-Poly1305); no compression, no renegotiation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <eddy/tls/credentials.hpp>

namespace eddy::tls {

namespace detail {
class context_core;
}

enum class version : std::uint8_t { tls_1_2, tls_1_3 };

/// Whether a server asks its clients for certificates.
enum class client_certificates : std::uint8_t {
  none,      ///< does not ask
  optional,  ///< asks; a client without one is served, one with a wrong one is not
  required,  ///< only clients with one that server_options::client_authorities signed are served
};

/// How a server's connections are made.
struct server_options {
  /// At least one. Which is shown depends on the host that the client names (SNI): exact names before wildcards; the
  /// first is for all other clients.
  std::vector<credentials> certificates = {};
  /// Protocols that may follow (ALPN, RFC 7301), best first: "h2", "http/1.1". The server's order counts. A client that
  /// names only others is refused; with none here, the client's list is ignored.
  std::vector<std::string> alpn = {};
  client_certificates clients = client_certificates::none;
  trust client_authorities = trust::nobody();  ///< for `optional` and `required`
  version lowest = version::tls_1_2;
  version highest = version::tls_1_3;
  /// Whether clients may resume: TLS 1.3 tickets, TLS 1.2 tickets. The keys are the context's: they are shared by all
  /// loops and survive reload().
  bool resumption = true;
};

/// How a client's connections are made.
struct client_options {
  /// Who may have signed a server's certificate. The host name is checked as well (RFC 6125, RFC 9525).
  trust authorities = trust::system();
  /// SHA-256 fingerprints of certificates, as in certificate::fingerprint (colons and upper case are fine). If any are
  /// given, exactly these are accepted, whoever signed them and whatever their names and dates.
  std::vector<std::string> pinned = {};
  /// Protocols offered (ALPN), best first.
  std::vector<std::string> alpn = {};
  /// Shown to servers that ask; empty, or one.
  std::vector<credentials> certificates = {};
  version lowest = version::tls_1_2;
  version highest = version::tls_1_3;
  std::size_t session_cache =
      1000;  ///< servers whose last session is kept for resumption; zero: none
};

/// A handle, cheap to copy; all copies are one context. Thread-safe: made once, used by all loops. A default-made one
/// is empty: using it stops the program.
///
/// Making and reloading read files and check everything; they throw tls_error with errc::bad_credentials, naming the
/// file, or invalid_input for wrong options. Certificates are judged by the loop's calendar.
class context {
 public:
  context() noexcept = default;

  [[nodiscard]] static context server(server_options options);
  [[nodiscard]] static context client(client_options options = client_options());

  /// Reads the files again that the options name. Handshakes that begin later use what is new; connections there are
  /// stay as they are. If anything is wrong, it throws and nothing has changed. Callable from any thread; it reads
  /// files, so on a loop rather in to_thread.
  void reload() const;
  /// The same with other options; a server's context takes server_options, a client's client_options.
  void reload(server_options options) const;
  void reload(client_options options) const;

  [[nodiscard]] explicit operator bool() const noexcept { return core_ != nullptr; }
  /// Whether this is a server's; false when empty.
  [[nodiscard]] bool is_server() const noexcept;

 private:
  friend class stream;
  explicit context(std::shared_ptr<detail::context_core> core) noexcept : core_(std::move(core)) {}
  [[nodiscard]] detail::context_core& core() const;

  std::shared_ptr<detail::context_core> core_;
};

}  // namespace eddy::tls
