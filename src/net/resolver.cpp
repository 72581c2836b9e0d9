#include <eddy/net/resolver.hpp>

#include <eddy/base/error.hpp>
#include <eddy/net/dns_resolver.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net {
namespace {

/// The resolver of one loop.
class resolver_place {
 public:
  explicit resolver_place(runtime::loop& on) noexcept : on_(&on) {}

  [[nodiscard]] resolver& get() {
    if (!resolver_) resolver_ = std::make_unique<dns_resolver>(*on_);
    return *resolver_;
  }
  void set(std::unique_ptr<resolver> replacement) noexcept { resolver_ = std::move(replacement); }

 private:
  runtime::loop* on_;
  std::unique_ptr<resolver> resolver_;
};

bool wanted(const address& found, address_family family) noexcept {
  if (family == address_family::any) return true;
  return found.family() == (family == address_family::v4 ? AF_INET : AF_INET6);
}

}  // namespace

task<std::vector<address>> resolve(std::string host, std::uint16_t port, resolve_options options) {
  if (host.empty()) throw_invalid_input("an empty host name");
  if (const auto numeric = address::numeric(host, port)) {
    if (!wanted(*numeric, options.family)) throw error(errc::host_not_found, "resolve", host);
    co_return std::vector<address>(1, *numeric);
  }
  resolver& asked = runtime::loop::current().service<resolver_place>().get();
  co_return co_await asked.resolve(std::move(host), port, options);
}

void set_resolver(runtime::loop& on, std::unique_ptr<resolver> replacement) {
  on.service<resolver_place>().set(std::move(replacement));
}

}  // namespace eddy::net
