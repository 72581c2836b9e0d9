// Addresses and endpoints as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/runtime/socket_address.hpp>

namespace eddy::net {

/// An IPv4, IPv6 or Unix socket address; a value.
using address = runtime::socket_address;

/// A host, by name or number, and a port.
struct endpoint {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// Reads "host:port", "127.0.0.1:80", "[::1]:80"; without a port, `default_port` counts. An IPv6 address without
/// brackets is taken whole, as a host. ":80" has an empty host. Throws invalid_input for anything else.
[[nodiscard]] endpoint parse_endpoint(std::string_view text, std::uint16_t default_port = 0);

/// "host:port", with brackets around an IPv6 address.
[[nodiscard]] std::string to_string(const endpoint& where);

}  // namespace eddy::net
