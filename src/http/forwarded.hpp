// Whom a request comes from, when trusted proxies stand between: X-Forwarded-For and -Proto, Forwarded (RFC 7239).
#pragma once

#include <optional>
#include <string_view>

#include <eddy/http/message.hpp>
#include <eddy/http/server_options.hpp>

namespace eddy::http::detail {

/// What proxies have told; empty where they told nothing that can be believed.
struct forwarded_client {
  std::optional<net::address> address;
  std::string_view scheme;  ///< static
};

/// Reads the chain from its near end: each trusted proxy names the one before it, and the first that is not trusted is
/// the client. `nearest` is who has connected. A name that is no address ends the chain.
[[nodiscard]] forwarded_client find_client(const server_options& options, const field_table& fields,
                                           const net::address& nearest);

[[nodiscard]] bool is_trusted(const server_options& options, const net::address& one) noexcept;

}  // namespace eddy::http::detail
