// network: a range of IP addresses, as "10.0.0.0/8".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <eddy/net/address.hpp>

namespace eddy::net {

/// A value; empty until assigned: it then contains nothing. IPv4 addresses and their IPv6 form (::ffff:a.b.c.d) are the
/// same.
class network {
 public:
  network() noexcept = default;
  /// "192.0.2.0/24", "2001:db8::/32", or one address; bits behind the prefix are ignored. nullopt for anything else.
  [[nodiscard]] static std::optional<network> parse(std::string_view text);

  [[nodiscard]] bool contains(const address& one) const noexcept;

 private:
  std::array<std::uint8_t, 16> prefix_{};
  unsigned bits_ = 129;  // of the IPv6 form; 129: empty
};

}  // namespace eddy::net
