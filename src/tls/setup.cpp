#include "setup.hpp"

#include "pem.hpp"

#include <algorithm>
#include <cctype>

#include <eddy/base/error.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/tls/error.hpp>

namespace eddy::tls::detail {
namespace {

// Forward secrecy and authenticated encryption only; the fastest first.
constexpr const char* ciphers_of_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_of_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";

void require(bool done, const char* what) {
  if (!done) throw_bad_credentials(what, "OpenSSL refuses it");
}

int number_of(version which) noexcept {
  return which == version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

ssl_ctx_ptr new_context(const SSL_METHOD* method, version lowest, version highest) {
  if (lowest > highest) throw_invalid_input("TLS versions: the lowest is above the highest");
  ssl_ctx_ptr made = not_null(ssl_ctx_ptr(SSL_CTX_new(method)));
  SSL_CTX& context = *made;
  SSL_CTX_set_min_proto_version(&context, number_of(lowest));
  SSL_CTX_set_max_proto_version(&context, number_of(highest));
  SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS);
  require(SSL_CTX_set_cipher_list(&context, ciphers_of_1_2) == 1, "cipher list");
  require(SSL_CTX_set_ciphersuites(&context, ciphers_of_1_3) == 1, "cipher suites");
  require(SSL_CTX_set1_groups_list(&context, groups) == 1, "groups");
  return made;
}

void use(SSL_CTX& context, const loaded_credentials& own) {
  require(SSL_CTX_use_certificate(&context, own.chain.front().get()) == 1, "certificate");
  require(SSL_CTX_use_PrivateKey(&context, own.key.get()) == 1, "key");
  for (std::size_t i = 1; i < own.chain.size(); ++i) {
    require(SSL_CTX_add1_chain_cert(&context, own.chain[i].get()) == 1, "certificate chain");
  }
}

/// Makes `context` believe `whom`; gives the certificates, if they were named.
std::vector<x509_ptr> believe(SSL_CTX& context, const trust& whom) {
  if (whom.from == trust::source::nobody) return {};
  if (whom.from == trust::source::system) {
    require(SSL_CTX_set_default_verify_paths(&context) == 1, "the system's authorities");
    return {};
  }
  const bool is_file = whom.from == trust::source::file;
  const std::string what = is_file ? "authorities " + whom.value : "authorities";
  std::vector<x509_ptr> authorities = load_certificates(whom.value, is_file, what);
  X509_STORE* const store = SSL_CTX_get_cert_store(&context);
  for (const x509_ptr& one : authorities) {
    require(X509_STORE_add_cert(store, one.get()) == 1, "authorities");
  }
  // Whatever was named is an anchor, also an intermediate or a server's own certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return authorities;
}

/// A ticket is good only where the same authorities vouch for clients: they are part of the session's context.
void name_sessions(SSL_CTX& context, const std::vector<x509_ptr>& authorities) {
  std::string text = "eddy";
  for (const x509_ptr& one : authorities) text += fingerprint_of(*one);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  require(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1,
          "session context");
  require(SSL_CTX_set_session_id_context(&context, digest.data(), size) == 1, "session context");
}

void ask_clients(SSL_CTX& context, const server_options& options) {
  int mode = SSL_VERIFY_NONE;
  std::vector<x509_ptr> authorities;
  if (options.clients != client_certificates::none) {
    if (options.client_authorities.from == trust::source::nobody) {
      throw_invalid_input("client certificates without authorities to check them");
    }
    mode = SSL_VERIFY_PEER;
    if (options.clients == client_certificates::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    authorities = believe(context, options.client_authorities);
    for (const x509_ptr& one : authorities) SSL_CTX_add_client_CA(&context, one.get());
  }
  SSL_CTX_set_verify(&context, mode, nullptr);
  name_sessions(context, authorities);
}

void allow_resumption(SSL_CTX& context, bool allowed, ticket_keys keys) {
  // Tickets only: nothing has to be kept here.
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  if (allowed) {
    require(SSL_CTX_set_tlsext_ticket_keys(&context, keys.data(), keys.size()) == 1, "ticket keys");
  } else {
    SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(&context, 0);
  }
}

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](unsigned char c) {
    return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c);
  });
  return made;
}

}  // namespace

setup::setup(const server_options& options, const ticket_keys& keys)
    : protocols_(protocol_list(options.alpn)), sessions_(0) {
  if (options.certificates.empty()) throw_invalid_input("a TLS server without a certificate");
  for (const credentials& one : options.certificates) {
    const loaded_credentials own = load(one);
    SSL_CTX& context =
        *contexts_.emplace_back(new_context(TLS_server_method(), options.lowest, options.highest));
    use(context, own);
    ask_clients(context, options);
    allow_resumption(context, options.resumption, keys);
    SSL_CTX_set_tlsext_servername_callback(&context, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(&context, this);
    if (!protocols_.empty()) SSL_CTX_set_alpn_select_cb(&context, choose_protocol, this);
    const auto hosts = one.hosts.empty() ? names_of(*own.chain.front()) : one.hosts;
    for (const std::string& host : hosts) hosts_.emplace(lower(host), &context);
  }
}

setup::setup(const client_options& options)
    : protocols_(protocol_list(options.alpn)), sessions_(options.session_cache) {
  if (options.certificates.size() > 1) throw_invalid_input("more than one client certificate");
  for (const std::string& one : options.pinned) pinned_.push_back(normal_fingerprint(one));
  SSL_CTX& context =
      *contexts_.emplace_back(new_context(TLS_client_method(), options.lowest, options.highest));
  if (!options.certificates.empty()) use(context, load(options.certificates.front()));
  const bool believes = options.authorities.from != trust::source::nobody;
  SSL_CTX_set_verify(&context, believes || !pinned_.empty() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     nullptr);
  if (pinned_.empty()) {
    believe(context, options.authorities);
  } else {
    SSL_CTX_set_cert_verify_callback(&context, check_pin, this);
  }
  if (!protocols_.empty()) {
    const auto size = static_cast<unsigned int>(protocols_.size());
    require(SSL_CTX_set_alpn_protos(&context, protocols_.data(), size) == 0, "protocols");
  }
  SSL_CTX_set_session_cache_mode(&context,
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(&context, keep_session);
}

ssl_ptr setup::make_ssl(session_keeper* keeper) const {
  ssl_ptr made = not_null(ssl_ptr(SSL_new(contexts_.front().get())));
  SSL_set_app_data(made.get(), keeper);
  const auto calendar = coro::scheduler::require().time_source().calendar();
  X509_VERIFY_PARAM_set_time(SSL_get0_param(made.get()),
                             std::chrono::system_clock::to_time_t(calendar));
  return made;
}

void setup::aim_at(SSL& ssl, const std::string& server) const {
  std::string host = server;
  if (host.ends_with('.')) host.pop_back();  // the root's dot is in no certificate (RFC 6066, 3)
  X509_VERIFY_PARAM* const checks = SSL_get0_param(&ssl);
  // Refuses everything but numeric addresses.
  if (X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) != 1) {
    ERR_clear_error();
    const bool named = !host.empty() && SSL_set_tlsext_host_name(&ssl, host.c_str()) == 1 &&
                       SSL_set1_host(&ssl, host.c_str()) == 1;
    if (!named) throw_invalid_input("a TLS connection to the host '" + host + "'");
    X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  }
  if (const ssl_session_ptr kept = sessions_.take(server)) SSL_set_session(&ssl, kept.get());
}

SSL_CTX* setup::find(std::string_view host) const {
  if (const auto exact = hosts_.find(host); exact != hosts_.end()) return exact->second;
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto wildcard = hosts_.find("*" + std::string(host.substr(dot)));
  return wildcard != hosts_.end() ? wildcard->second : nullptr;
}

void setup::append_protocol(std::vector<unsigned char>& list, std::string_view name) {
  if (name.empty() || name.size() > 255) throw_invalid_input("an ALPN protocol's name");
  list.push_back(static_cast<unsigned char>(name.size()));
  list.insert(list.end(), name.begin(), name.end());
}

int setup::choose_certificate(SSL* ssl, int*, void* self) noexcept {
  const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* const found = static_cast<const setup*>(self)->find(lower(host));
  if (found != nullptr) SSL_set_SSL_CTX(ssl, found);
  return SSL_TLSEXT_ERR_OK;
}

// The place where clients have their keeper.
void setup::choose_from(SSL& ssl, const std::vector<unsigned char>& protocols) noexcept {
  SSL_set_app_data(&ssl, const_cast<std::vector<unsigned char>*>(&protocols));
}

int setup::choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                           const unsigned char* offered, unsigned int offered_size,
                           void* self) noexcept {
  const auto* special = static_cast<const std::vector<unsigned char>*>(SSL_get_app_data(ssl));
  const auto& own = special != nullptr ? *special : static_cast<const setup*>(self)->protocols_;
  const int chosen =
      SSL_select_next_proto(const_cast<unsigned char**>(out), out_size, own.data(),
                            static_cast<unsigned int>(own.size()), offered, offered_size);
  return chosen == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int setup::check_pin(X509_STORE_CTX* chain, void* self) noexcept {
  X509* const leaf = X509_STORE_CTX_get0_cert(chain);
  const auto& pinned = static_cast<const setup*>(self)->pinned_;
  if (leaf != nullptr && std::ranges::find(pinned, fingerprint_of(*leaf)) != pinned.end()) {
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

int setup::keep_session(SSL* ssl, SSL_SESSION* made) noexcept {
  const auto* keeper = static_cast<const session_keeper*>(SSL_get_app_data(ssl));
  if (keeper == nullptr || SSL_SESSION_is_resumable(made) != 1) return 0;
  keeper->cache->put(keeper->server, ssl_session_ptr(made));
  return 1;  // the reference is the cache's now
}

}  // namespace eddy::tls::detail
