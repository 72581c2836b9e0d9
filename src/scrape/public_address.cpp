#include <eddy/scrape/public_address.hpp>

#include <array>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>

namespace eddy::scrape {
namespace {

struct v4_range {
  std::uint32_t begin;
  unsigned bits;
};
constexpr std::array not_public_v4{
    v4_range{0x00000000, 8},   // this network
    v4_range{0x0A000000, 8},   // private
    v4_range{0x64400000, 10},  // shared address space
    v4_range{0x7F000000, 8},   // loopback
    v4_range{0xA9FE0000, 16},  // link-local
    v4_range{0xAC100000, 12},  // private
    v4_range{0xC0000000, 24},  // IETF protocol assignments
    v4_range{0xC0000200, 24},  // documentation
    v4_range{0xC0586300, 24},  // 6to4 relays
    v4_range{0xC0A80000, 16},  // private
    v4_range{0xC6120000, 15},  // benchmarks
    v4_range{0xC6336400, 24},  // documentation
    v4_range{0xCB007100, 24},  // documentation
    v4_range{0xE0000000, 3},   // multicast, reserved, broadcast
};

bool is_public_v4(std::uint32_t address) noexcept {
  for (const v4_range& range : not_public_v4) {
    if ((address ^ range.begin) >> (32 - range.bits) == 0) return false;
  }
  return true;
}

using v6_bytes = std::array<std::uint8_t, 16>;

struct v6_prefix {
  v6_bytes bytes;
  std::size_t bits;
};

bool has_prefix(const v6_bytes& address, const v6_prefix& prefix) noexcept {
  for (std::size_t bit = 0; bit < prefix.bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((address[bit / 8] ^ prefix.bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::uint32_t v4_at(const v6_bytes& address, std::size_t offset) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | address[offset + i];
  return value;
}

bool is_public_v6(const v6_bytes& address) noexcept {
  constexpr v6_prefix mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96};
  constexpr v6_prefix nat64{{0x00, 0x64, 0xFF, 0x9B}, 96};
  constexpr v6_prefix six_to_four{{0x20, 0x02}, 16};
  if (has_prefix(address, mapped) || has_prefix(address, nat64)) {
    return is_public_v4(v4_at(address, 12));
  }
  if (has_prefix(address, six_to_four)) return is_public_v4(v4_at(address, 2));
  // Global unicast is 2000::/3; of it, these are not public.
  constexpr v6_prefix global{{0x20}, 3};
  constexpr v6_prefix protocols{{0x20, 0x01}, 23};  // Teredo, ORCHID and others
  constexpr v6_prefix documentation{{0x20, 0x01, 0x0D, 0xB8}, 32};
  constexpr v6_prefix more_documentation{{0x3F, 0xFF}, 20};
  return has_prefix(address, global) && !has_prefix(address, protocols) &&
         !has_prefix(address, documentation) && !has_prefix(address, more_documentation);
}

}  // namespace

bool is_public_address(const net::address& address) noexcept {
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address.data(), sizeof v4);
    return is_public_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address.data(), sizeof v6);
    v6_bytes bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return is_public_v6(bytes);
  }
  return false;
}

}  // namespace eddy::scrape
