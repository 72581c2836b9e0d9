#include <eddy/runtime/socket_address.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <eddy/base/error.hpp>

namespace eddy::runtime {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

template <class Address>
Address read_as(const socket_address& from) noexcept {
  Address address;
  std::memcpy(&address, from.data(), sizeof(address));
  return address;
}

template <class Address>
socket_address made_from(const Address& address) noexcept {
  return {reinterpret_cast<const sockaddr*>(&address), sizeof(address)};
}

sockaddr_in v4(in_addr host, std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr = host;
  return address;
}

sockaddr_in6 v6(const in6_addr& host, std::uint16_t port) noexcept {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = host;
  return address;
}

// A zone is an interface's name or number.
std::optional<std::uint32_t> zone_index(const std::string& zone) {
  std::uint32_t index = 0;
  const char* end = zone.data() + zone.size();
  if (auto [stop, failed] = std::from_chars(zone.data(), end, index);
      failed == std::errc() && stop == end) {
    return index;
  }
  index = if_nametoindex(zone.c_str());
  return index == 0 ? std::nullopt : std::optional(index);
}

std::string zone_name(std::uint32_t index) {
  char name[IF_NAMESIZE];
  return if_indextoname(index, name) != nullptr ? name : std::to_string(index);
}

// The bytes of a Unix address; abstract names begin with a zero byte, paths have lost their terminator.
std::string_view unix_bytes(const socket_address& address) noexcept {
  if (address.size() <= path_offset) return {};
  const auto* text = reinterpret_cast<const char*>(address.data()) + path_offset;
  const std::size_t size = address.size() - path_offset;
  return text[0] == '\0' ? std::string_view(text, size)
                         : std::string_view(text, ::strnlen(text, size));
}

}  // namespace

socket_address::socket_address(const sockaddr* address, socklen_t size) noexcept
    : size_(std::min(size, capacity)) {
  std::memcpy(&storage_, address, size_);
}

std::optional<socket_address> socket_address::numeric(std::string_view host, std::uint16_t port) {
  const std::size_t percent = host.find('%');
  const std::string text(host.substr(0, percent));
  if (text.find('\0') != std::string::npos) return std::nullopt;
  in_addr four;
  if (percent == host.npos && inet_pton(AF_INET, text.c_str(), &four) == 1)
    return made_from(v4(four, port));
  in6_addr six;
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1) return std::nullopt;
  sockaddr_in6 address = v6(six, port);
  if (percent != host.npos) {
    const auto index = zone_index(std::string(host.substr(percent + 1)));
    if (!index) return std::nullopt;
    address.sin6_scope_id = *index;
  }
  return made_from(address);
}

socket_address socket_address::loopback_v4(std::uint16_t port) noexcept {
  return made_from(v4({htonl(INADDR_LOOPBACK)}, port));
}

socket_address socket_address::loopback_v6(std::uint16_t port) noexcept {
  return made_from(v6(in6addr_loopback, port));
}

socket_address socket_address::any_v4(std::uint16_t port) noexcept {
  return made_from(v4({htonl(INADDR_ANY)}, port));
}

socket_address socket_address::any_v6(std::uint16_t port) noexcept {
  return made_from(v6(in6addr_any, port));
}

socket_address socket_address::unix_path(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = path.starts_with('@');
  // A path ends with a zero byte, an abstract name with its length.
  const std::size_t bytes = path.size() + (abstract ? 0 : 1);
  if (path.empty() || bytes > sizeof(address.sun_path))
    throw_invalid_input("length of a Unix socket's path");
  if (!abstract && path.find('\0') != path.npos)
    throw_invalid_input("zero byte in a Unix socket's path");
  std::memcpy(address.sun_path, path.data(), path.size());
  if (abstract) address.sun_path[0] = '\0';
  return {reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(path_offset + bytes)};
}

std::uint16_t socket_address::port() const noexcept {
  switch (family()) {
    case AF_INET: return ntohs(read_as<sockaddr_in>(*this).sin_port);
    case AF_INET6: return ntohs(read_as<sockaddr_in6>(*this).sin6_port);
    default: return 0;
  }
}

void socket_address::set_port(std::uint16_t port) noexcept {
  if (!is_ip()) return;
  // Both families have the port in the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  const std::uint16_t wire = htons(port);
  std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port), &wire,
              sizeof(wire));
}

std::string socket_address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET: {
      const auto address = read_as<sockaddr_in>(*this);
      return inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
    }
    case AF_INET6: {
      const auto address = read_as<sockaddr_in6>(*this);
      std::string host = inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof(text));
      if (address.sin6_scope_id != 0) host += '%' + zone_name(address.sin6_scope_id);
      return host;
    }
    case AF_UNIX: {
      std::string path(unix_bytes(*this));
      if (path.starts_with('\0')) path[0] = '@';
      return path;
    }
    default: return {};
  }
}

std::string socket_address::to_string() const {
  switch (family()) {
    case AF_INET: return host() + ':' + std::to_string(port());
    case AF_INET6: return '[' + host() + "]:" + std::to_string(port());
    case AF_UNIX: return "unix:" + host();
    default: return {};
  }
}

bool operator==(const socket_address& a, const socket_address& b) noexcept {
  if (a.family() != b.family()) return false;
  switch (a.family()) {
    case AF_UNSPEC: return true;
    case AF_INET:
      return a.port() == b.port() &&
             read_as<sockaddr_in>(a).sin_addr.s_addr == read_as<sockaddr_in>(b).sin_addr.s_addr;
    case AF_INET6: {
      const auto left = read_as<sockaddr_in6>(a);
      const auto right = read_as<sockaddr_in6>(b);
      return left.sin6_port == right.sin6_port && left.sin6_scope_id == right.sin6_scope_id &&
             std::memcmp(&left.sin6_addr, &right.sin6_addr, sizeof(in6_addr)) == 0;
    }
    case AF_UNIX: return unix_bytes(a) == unix_bytes(b);
    default: return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
  }
}

}  // namespace eddy::runtime
