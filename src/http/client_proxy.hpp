// Proxies of a client: which one a URL goes through, and how to get through it.
#pragma once

#include "client_url.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <eddy/coro/task.hpp>
#include <eddy/http/client_options.hpp>
#include <eddy/net/tcp.hpp>

namespace eddy::http::detail {

struct proxy_address {
  enum class kind : std::uint8_t { http, socks5 };

  kind speaks = kind::http;
  std::string host;
  std::uint16_t port = 0;
  std::string user;  // empty: no credentials
  std::string password;

  /// "http://[user:password@]host[:port]" or "socks5://...", also "socks5h://" and a bare "host:port". Throws error
  /// (errc::invalid_input, errc::unsupported).
  [[nodiscard]] static proxy_address parse(std::string_view text);
  /// The value of Proxy-Authorization; empty without credentials.
  [[nodiscard]] std::string authorization() const;
};

/// The proxies of a client.
class proxy_settings {
 public:
  /// Throws what proxy_address::parse throws.
  explicit proxy_settings(const client_options& options);
  /// Null: none.
  [[nodiscard]] const proxy_address* choose(const client_url& to) const;

 private:
  std::optional<proxy_address> http_;
  std::optional<proxy_address> https_;
  std::string exceptions_;
};

/// Whether `list` (no_proxy) excepts the host: names and those below them, addresses, networks as "10.0.0.0/8", each
/// perhaps with a port, separated by commas; "*" is all.
[[nodiscard]] bool is_excepted(std::string_view list, const client_url& to);

/// Asks for a way to the origin of `to` with CONNECT (RFC 9110, section 9.3.6). Throws error.
task<void> open_tunnel(net::tcp_stream& stream, const proxy_address& proxy, const client_url& to);

/// The same of a SOCKS5 proxy (RFC 1928, RFC 1929), which resolves the name.
task<void> open_socks5(net::tcp_stream& stream, const proxy_address& proxy, const client_url& to);

}  // namespace eddy::http::detail
