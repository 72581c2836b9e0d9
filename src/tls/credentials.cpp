#include <eddy/tls/credentials.hpp>

#include <utility>

namespace eddy::tls {

credentials credentials::files(std::string chain, std::string key) {
  credentials made = pem(std::move(chain), std::move(key));
  made.are_files = true;
  return made;
}

credentials credentials::pem(std::string chain, std::string key) {
  credentials made;
  made.chain = std::move(chain);
  made.key = std::move(key);
  return made;
}

trust trust::system() { return {source::system, {}}; }
trust trust::file(std::string path) { return {source::file, std::move(path)}; }
trust trust::pem(std::string text) { return {source::text, std::move(text)}; }
trust trust::nobody() { return {source::nobody, {}}; }

}  // namespace eddy::tls
