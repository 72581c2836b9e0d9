// Which addresses belong to the public internet. A program that fetches URLs which strangers wrote must not let them
// reach its own network.
#pragma once

#include <eddy/net/address.hpp>

namespace eddy::scrape {

/// False for loopback, private, shared (RFC 6598), link-local, multicast, documentation and reserved addresses (IANA's
/// special-purpose registries, RFC 6890), for IPv6 forms that carry such an IPv4 address (mapped, NAT64, 6to4), and for
/// whatever is no IP address. The port does not matter.
[[nodiscard]] bool is_public_address(const net::address& address) noexcept;

}  // namespace eddy::scrape
