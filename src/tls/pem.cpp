#include "pem.hpp"

#include <array>
#include <cctype>
#include <ctime>
#include <utility>

#include <arpa/inet.h>
#include <openssl/pem.h>

#include <eddy/base/error.hpp>
#include <eddy/tls/error.hpp>

namespace eddy::tls::detail {
namespace {

bio_ptr open(const std::string& source, bool is_file, const std::string& what) {
  ERR_clear_error();
  bio_ptr from(is_file ? BIO_new_file(source.c_str(), "r")
                       : BIO_new_mem_buf(source.data(), static_cast<int>(source.size())));
  if (from == nullptr) throw_bad_credentials(what, "cannot be opened");
  return from;
}

/// Gives the key's password; an empty one makes OpenSSL fail instead of asking at the terminal.
int give_password(char* out, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.empty() || text.size() > static_cast<std::size_t>(size)) return -1;
  text.copy(out, text.size());
  return static_cast<int>(text.size());
}

std::string text_of(X509_NAME* name) {
  const bio_ptr out = not_null(bio_ptr(BIO_new(BIO_s_mem())));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* begin = nullptr;
  const long size = BIO_get_mem_data(out.get(), &begin);
  return {begin, static_cast<std::size_t>(size)};
}

std::string hex(std::span<const unsigned char> bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
  std::tm at{};
  if (ASN1_TIME_to_tm(time, &at) != 1) return {};
  using namespace std::chrono;
  return sys_days(year(at.tm_year + 1900) / (at.tm_mon + 1) / at.tm_mday) + hours(at.tm_hour) +
         minutes(at.tm_min) + seconds(at.tm_sec);
}

std::string address_text(const ASN1_OCTET_STRING& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.length == 4 ? AF_INET : AF_INET6;
  if (bytes.length != 4 && bytes.length != 16) return {};
  return inet_ntop(family, bytes.data, text.data(), text.size()) != nullptr ? text.data() : "";
}

}  // namespace

void throw_bad_credentials(const std::string& what, const std::string& otherwise) {
  throw tls_error(errc::bad_credentials, what, {}, take_reason(otherwise));
}

std::vector<x509_ptr> load_certificates(const std::string& source, bool is_file,
                                        const std::string& what) {
  const bio_ptr from = open(source, is_file, what);
  std::vector<x509_ptr> read;
  while (X509* one = PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr)) {
    read.emplace_back(one);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (read.empty() || !at_end) throw_bad_credentials(what, "no certificate in it");
  ERR_clear_error();
  return read;
}

loaded_credentials load(const credentials& from) {
  const auto name = [&from](const char* kind, const std::string& file) {
    return from.are_files ? kind + (" " + file) : std::string(kind);
  };
  loaded_credentials loaded;
  loaded.chain = load_certificates(from.chain, from.are_files, name("certificate", from.chain));
  const std::string what = name("key", from.key);
  const bio_ptr key = open(from.key, from.are_files, what);
  auto* password = const_cast<std::string*>(&from.password);
  loaded.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, give_password, password));
  if (loaded.key == nullptr) throw_bad_credentials(what, "no key in it");
  if (X509_check_private_key(loaded.chain.front().get(), loaded.key.get()) != 1) {
    throw_bad_credentials(what, "it is not the certificate's");
  }
  return loaded;
}

std::string fingerprint_of(X509& from) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(&from, EVP_sha256(), digest.data(), &size) != 1) throw std::bad_alloc();
  return hex(std::span(digest).first(size));
}

std::vector<std::string> names_of(X509& from) {
  std::vector<std::string> names;
  const names_ptr list(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&from, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const GENERAL_NAME& one = *sk_GENERAL_NAME_value(list.get(), i);
    if (one.type == GEN_DNS) {
      const ASN1_IA5STRING& name = *one.d.dNSName;
      names.emplace_back(reinterpret_cast<const char*>(name.data),
                         static_cast<std::size_t>(name.length));
    } else if (one.type == GEN_IPADD) {
      names.push_back(address_text(*one.d.iPAddress));
    }
  }
  return names;
}

certificate describe(X509& from) {
  certificate made;
  made.subject = text_of(X509_get_subject_name(&from));
  made.issuer = text_of(X509_get_issuer_name(&from));
  const ASN1_INTEGER& serial = *X509_get0_serialNumber(&from);
  made.serial = hex(std::span(serial.data, static_cast<std::size_t>(serial.length)));
  made.names = names_of(from);
  made.fingerprint = fingerprint_of(from);
  made.not_before = time_of(X509_get0_notBefore(&from));
  made.not_after = time_of(X509_get0_notAfter(&from));
  return made;
}

std::string normal_fingerprint(std::string_view text) {
  std::string normal;
  for (const char c : text) {
    if (c == ':' || c == ' ') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
      throw_invalid_input("a fingerprint has other characters than hexadecimal digits");
    }
    normal += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (normal.size() != 64) throw_invalid_input("a SHA-256 fingerprint has 64 hexadecimal digits");
  return normal;
}

}  // namespace eddy::tls::detail
