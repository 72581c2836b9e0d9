// The PROXY protocol, versions 1 and 2: what a load balancer says about a connection before its first byte.
//
// Bytes in, one header out; no I/O. A receiver reads it on every connection of a port or on none: a client that could
// choose would choose its own address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace eddy::wire {

enum class proxy_errc : std::uint8_t {
  none,
  not_proxy,  ///< the bytes are no PROXY header
  malformed,  ///< they begin as one
  too_long,   ///< longer than any header should be
};

/// One connection, as the proxy that has accepted it describes it.
struct proxy_header {
  std::size_t size = 0;  ///< of the header; 0: more bytes are needed
  bool local =
      true;  ///< the proxy speaks for itself (LOCAL), or does not know (UNKNOWN, other families)
  std::string source;  ///< a numeric address, of the client; empty when local
  std::uint16_t source_port = 0;
};

/// The longest header that is accepted: 16 bytes, addresses, and whatever extensions fit.
inline constexpr std::size_t largest_proxy_header = 536;

/// `bytes` starts with the first byte of the connection. Extensions (TLV) are skipped, their checksum is not checked.
[[nodiscard]] std::expected<proxy_header, proxy_errc> parse_proxy_header(std::string_view bytes);

}  // namespace eddy::wire
