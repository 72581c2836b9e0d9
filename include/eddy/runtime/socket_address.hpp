// Addresses of sockets: IPv4, IPv6 and Unix paths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

namespace eddy::runtime {

/// A value; empty until assigned. Not bound to a loop.
class socket_address {
 public:
  socket_address() noexcept = default;
  /// From the kernel's form.
  socket_address(const sockaddr* address, socklen_t size) noexcept;

  /// A numeric address ("127.0.0.1", "::1", "fe80::1%eth0") and a port; nullopt when it is not one.
  [[nodiscard]] static std::optional<socket_address> numeric(std::string_view host,
                                                             std::uint16_t port);
  [[nodiscard]] static socket_address loopback_v4(std::uint16_t port) noexcept;
  [[nodiscard]] static socket_address loopback_v6(std::uint16_t port) noexcept;
  [[nodiscard]] static socket_address any_v4(std::uint16_t port) noexcept;
  [[nodiscard]] static socket_address any_v6(std::uint16_t port) noexcept;
  /// A Unix socket's path; one that starts with '@' is in the abstract namespace. Too long a path throws invalid_input.
  [[nodiscard]] static socket_address unix_path(std::string_view path);

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] int family() const noexcept { return empty() ? AF_UNSPEC : storage_.ss_family; }
  [[nodiscard]] bool is_ip() const noexcept { return family() == AF_INET || family() == AF_INET6; }
  [[nodiscard]] bool is_unix() const noexcept { return family() == AF_UNIX; }
  /// Zero for Unix addresses.
  [[nodiscard]] std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  /// The address without its port; the path of a Unix socket.
  [[nodiscard]] std::string host() const;
  /// "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock".
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] const sockaddr* data() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  [[nodiscard]] sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  /// After the kernel has written through data().
  void resize(socklen_t size) noexcept { size_ = size; }
  static constexpr socklen_t capacity = sizeof(sockaddr_storage);

  friend bool operator==(const socket_address& a, const socket_address& b) noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace eddy::runtime
