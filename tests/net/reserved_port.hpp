// A port for listeners that come and go.
#pragma once

#include <cstdint>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <eddy/net/address.hpp>

namespace eddy::net::testing {

/// A socket bound to a port of its own on loopback, and shared: keeps the port for listeners with reuse_port.
class reserved_port {
 public:
  reserved_port() {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    EXPECT_EQ(::bind(fd_, at_.data(), at_.size()), 0);
    socklen_t size = address::capacity;
    EXPECT_EQ(::getsockname(fd_, at_.data(), &size), 0);
  }
  reserved_port(const reserved_port&) = delete;
  reserved_port& operator=(const reserved_port&) = delete;
  ~reserved_port() { ::close(fd_); }

  [[nodiscard]] const address& at() const noexcept { return at_; }
  [[nodiscard]] std::uint16_t number() const noexcept { return at_.port(); }
  [[nodiscard]] int socket() const noexcept { return fd_; }

 private:
  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address at_ = address::loopback_v4(0);
};

}  // namespace eddy::net::testing
