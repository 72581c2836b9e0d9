#include <eddy/tls/context.hpp>

#include "context_core.hpp"

#include <utility>

#include <openssl/rand.h>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>

namespace eddy::tls {
namespace detail {

context_core::context_core(options how)
    : is_server_(std::holds_alternative<server_options>(how)), options_(std::move(how)) {
  if (RAND_bytes(keys_.data(), static_cast<int>(keys_.size())) != 1) throw std::bad_alloc();
  current_ = make(options_);
}

std::shared_ptr<const setup> context_core::current() const {
  const std::lock_guard held(mutex_);
  return current_;
}

void context_core::reload() {
  std::unique_lock held(mutex_);
  options how = options_;
  held.unlock();
  reload(std::move(how));
}

void context_core::reload(options how) {
  std::shared_ptr<const setup> made = make(how);  // reads files: not under the lock
  const std::lock_guard held(mutex_);
  options_ = std::move(how);
  current_.swap(made);
}

std::shared_ptr<const setup> context_core::make(const options& how) const {
  if (const auto* server = std::get_if<server_options>(&how)) {
    return std::make_shared<const setup>(*server, keys_);
  }
  return std::make_shared<const setup>(std::get<client_options>(how));
}

}  // namespace detail

context context::server(server_options options) {
  return context(std::make_shared<detail::context_core>(std::move(options)));
}

context context::client(client_options options) {
  return context(std::make_shared<detail::context_core>(std::move(options)));
}

void context::reload() const { core().reload(); }

void context::reload(server_options options) const {
  if (!core().is_server()) throw_invalid_input("a server's options for a client's TLS context");
  core().reload(std::move(options));
}

void context::reload(client_options options) const {
  if (core().is_server()) throw_invalid_input("a client's options for a server's TLS context");
  core().reload(std::move(options));
}

bool context::is_server() const noexcept { return core_ != nullptr && core_->is_server(); }

detail::context_core& context::core() const {
  check(core_ != nullptr, "an empty tls::context was used");
  return *core_;
}

}  // namespace eddy::tls
