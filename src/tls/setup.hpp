// What the options of a context were made into. Immutable; shared with the connections that were made with it, so that
// a reload leaves them alone.
#pragma once

#include "openssl.hpp"
#include "session_cache.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/tls/context.hpp>

namespace eddy::tls::detail {

/// What session tickets are encrypted with: name, HMAC key, AES key (OpenSSL's layout).
using ticket_keys = std::array<unsigned char, 80>;

class setup {
 public:
  setup(const server_options& options, const ticket_keys& keys);
  explicit setup(const client_options& options);
  setup(const setup&) = delete;
  setup& operator=(const setup&) = delete;

  /// A new connection. `keeper` (a client's; null for a server) must outlive it.
  [[nodiscard]] ssl_ptr make_ssl(session_keeper* keeper) const;
  /// Names the server, has its certificate checked for that name, and offers a session to resume.
  void aim_at(SSL& ssl, const std::string& server) const;
  /// A server's connection chooses from `protocols`, which must outlive it.
  static void choose_from(SSL& ssl, const std::vector<unsigned char>& protocols) noexcept;
  [[nodiscard]] session_cache& sessions() const noexcept { return sessions_; }

  /// The list of protocols as it goes over the wire; throws invalid_input.
  template <class Names>
  [[nodiscard]] static std::vector<unsigned char> protocol_list(const Names& names);

 private:
  [[nodiscard]] SSL_CTX* find(std::string_view host) const;
  static void append_protocol(std::vector<unsigned char>& list, std::string_view name);
  static int choose_certificate(SSL* ssl, int* alert, void* self) noexcept;
  static int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                             const unsigned char* offered, unsigned int offered_size,
                             void* self) noexcept;
  static int check_pin(X509_STORE_CTX* chain, void* self) noexcept;
  static int keep_session(SSL* ssl, SSL_SESSION* made) noexcept;

  std::vector<ssl_ctx_ptr> contexts_;                   // one per certificate; never empty
  std::map<std::string, SSL_CTX*, std::less<>> hosts_;  // also "*.example.org"
  std::vector<unsigned char> protocols_;
  std::vector<std::string> pinned_;
  mutable session_cache sessions_;
};

template <class Names>
std::vector<unsigned char> setup::protocol_list(const Names& names) {
  std::vector<unsigned char> list;
  for (const auto& name : names) append_protocol(list, name);
  return list;
}

}  // namespace eddy::tls::detail
