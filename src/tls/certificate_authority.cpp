#include <eddy/tls/certificate_authority.hpp>

#include "pem.hpp"

#include <array>
#include <ctime>
#include <utility>

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <eddy/base/error.hpp>

namespace eddy::tls {
namespace {

using namespace detail;

void require(int done) {
  if (done <= 0) throw_bad_credentials("certificate", "it could not be made");
}

std::string text_of(const bio_ptr& from) {
  char* begin = nullptr;
  const long size = BIO_get_mem_data(from.get(), &begin);
  return {begin, static_cast<std::size_t>(size)};
}

std::string pem_of(X509& from) {
  const bio_ptr out = not_null(bio_ptr(BIO_new(BIO_s_mem())));
  require(PEM_write_bio_X509(out.get(), &from));
  return text_of(out);
}

std::string pem_of(EVP_PKEY& from) {
  const bio_ptr out = not_null(bio_ptr(BIO_new(BIO_s_mem())));
  require(PEM_write_bio_PrivateKey(out.get(), &from, nullptr, nullptr, 0, nullptr, nullptr));
  return text_of(out);
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

/// "DNS:localhost,IP:127.0.0.1". The names go into OpenSSL's configuration syntax, so nothing else may be in them.
std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const bool plain = !name.empty() && name.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789.-_*:") == std::string::npos;
    const bool address = is_address(name);
    if (!plain || (!address && name.find(':') != std::string::npos)) {
      throw_invalid_input("a certificate for the name '" + name + "'");
    }
    text += text.empty() ? "" : ",";
    text += (address ? "IP:" : "DNS:") + name;
  }
  return text;
}

void add_extension(X509& to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, &to, nullptr, nullptr, 0);
  const extension_ptr made(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (made == nullptr) throw_bad_credentials("certificate", "an extension could not be made");
  require(X509_add_ext(&to, made.get(), -1));
}

void set_time(ASN1_TIME* to, std::chrono::sys_days day) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(day);
  if (ASN1_TIME_set(to, seconds) == nullptr) throw std::bad_alloc();
}

/// A certificate for a new key, unsigned.
struct draft {
  x509_ptr certificate = not_null(x509_ptr(X509_new()));
  key_ptr key = not_null(key_ptr(EVP_EC_gen("P-256")));

  draft(const std::string& common_name, const issue_options& options) {
    X509& made = *certificate;
    require(X509_set_version(&made, X509_VERSION_3));
    std::array<unsigned char, 16> serial{};
    require(RAND_bytes(serial.data(), static_cast<int>(serial.size())));
    serial[0] = static_cast<unsigned char>((serial[0] & 0x3fU) | 0x40U);  // positive, no zero first
    ASN1_STRING_set(X509_get_serialNumber(&made), serial.data(), static_cast<int>(serial.size()));
    set_time(X509_getm_notBefore(&made), options.not_before);
    set_time(X509_getm_notAfter(&made), options.not_after);
    require(X509_set_pubkey(&made, key.get()));
    const auto* name = reinterpret_cast<const unsigned char*>(common_name.data());
    require(X509_NAME_add_entry_by_txt(X509_get_subject_name(&made), "CN", MBSTRING_UTF8, name,
                                       static_cast<int>(common_name.size()), -1, 0));
  }
};

void sign(X509& what, X509& issuer, EVP_PKEY& key) {
  require(X509_set_issuer_name(&what, X509_get_subject_name(&issuer)));
  add_extension(what, &issuer, NID_subject_key_identifier, "hash");
  require(X509_sign(&what, &key, EVP_sha256()));
}

credentials issue_by(const std::vector<std::string>& names, const issue_options& options,
                     X509* issuer, EVP_PKEY* issuer_key) {
  if (names.empty()) throw_invalid_input("a certificate without names");
  const std::string alternatives = alternative_names(names);
  // A common name has at most 64 characters; clients look at the alternative names only.
  const std::string& common = options.common_name.empty() ? names.front() : options.common_name;
  const draft made(common.substr(0, 64), options);
  X509& certificate = *made.certificate;
  X509& by = issuer != nullptr ? *issuer : certificate;
  add_extension(certificate, &by, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, &by, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate, &by, NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(certificate, &by, NID_subject_alt_name, alternatives);
  sign(certificate, by, issuer_key != nullptr ? *issuer_key : *made.key);
  return credentials::pem(pem_of(certificate), pem_of(*made.key));
}

}  // namespace

struct certificate_authority::secret {
  x509_ptr certificate;
  key_ptr key;
};

certificate_authority::certificate_authority(std::string name) {
  draft made(name.substr(0, 64), issue_options());
  X509& own = *made.certificate;
  add_extension(own, &own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, &own, NID_key_usage, "critical,keyCertSign,cRLSign");
  sign(own, own, *made.key);
  pem_ = pem_of(own);
  secret_ = std::make_unique<secret>(std::move(made.certificate), std::move(made.key));
}

certificate_authority::~certificate_authority() = default;

credentials certificate_authority::issue(const std::vector<std::string>& names,
                                         const issue_options& options) const {
  return issue_by(names, options, secret_->certificate.get(), secret_->key.get());
}

credentials self_signed(const std::vector<std::string>& names, const issue_options& options) {
  return issue_by(names, options, nullptr, nullptr);
}

std::string fingerprint_of(const credentials& own) {
  return fingerprint_of(*load_certificates(own.chain, own.are_files, "certificate").front());
}

}  // namespace eddy::tls
