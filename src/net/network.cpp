#include <eddy/net/network.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <netinet/in.h>

namespace eddy::net {
namespace {

using octets = std::array<std::uint8_t, 16>;

// The IPv6 form of an IP address.
octets octets_of(const address& ip) noexcept {
  octets made{};
  if (ip.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(ip.data());
    std::memcpy(made.data(), &v6->sin6_addr, made.size());
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(ip.data());
    made[10] = made[11] = 0xff;
    std::memcpy(made.data() + 12, &v4->sin_addr, 4);
  }
  return made;
}

}  // namespace

std::optional<network> network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = address::numeric(text.substr(0, slash), 0);
  if (!base) return std::nullopt;
  const bool v4 = base->family() == AF_INET;
  const unsigned most = v4 ? 32 : 128;
  unsigned bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto read = std::from_chars(number.data(), number.data() + number.size(), bits);
    const bool whole = read.ec == std::errc() && read.ptr == number.data() + number.size();
    if (!whole || bits > most) return std::nullopt;
  }
  network made;
  made.prefix_ = octets_of(*base);
  made.bits_ = v4 ? 96 + bits : bits;
  return made;
}

bool network::contains(const address& one) const noexcept {
  if (bits_ > 128 || !one.is_ip()) return false;
  const octets other = octets_of(one);
  const std::size_t whole = bits_ / 8;
  if (!std::equal(other.begin(), other.begin() + whole, prefix_.begin())) return false;
  const unsigned rest = bits_ % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (8 - rest) & 0xffU;
  return ((other[whole] ^ prefix_[whole]) & mask) == 0;
}

}  // namespace eddy::net
