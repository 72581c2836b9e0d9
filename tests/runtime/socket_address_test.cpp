#include <eddy/runtime/socket_address.hpp>

#include <cstddef>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <eddy/base/error.hpp>

using eddy::runtime::socket_address;

TEST(socket_address, is_empty_until_assigned) {
  const socket_address none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.family(), AF_UNSPEC);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.host(), "");
  EXPECT_EQ(none.to_string(), "");
  EXPECT_EQ(none, socket_address());
  EXPECT_NE(none, socket_address::loopback_v4(0));
}

TEST(socket_address, reads_numeric_ipv4) {
  const auto address = socket_address::numeric("192.0.2.17", 8080);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family(), AF_INET);
  EXPECT_TRUE(address->is_ip());
  EXPECT_EQ(address->host(), "192.0.2.17");
  EXPECT_EQ(address->port(), 8080);
  EXPECT_EQ(address->to_string(), "192.0.2.17:8080");
  EXPECT_EQ(address->size(), sizeof(sockaddr_in));
}

TEST(socket_address, reads_numeric_ipv6_and_prints_the_short_form) {
  const auto address = socket_address::numeric("2001:DB8:0:0:0:0:0:1", 443);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family(), AF_INET6);
  EXPECT_EQ(address->host(), "2001:db8::1");
  EXPECT_EQ(address->to_string(), "[2001:db8::1]:443");
}

TEST(socket_address, reads_a_zone_by_name_or_number) {
  const auto by_name = socket_address::numeric("fe80::1%lo", 1);
  const auto by_number = socket_address::numeric("fe80::1%1", 1);
  ASSERT_TRUE(by_name && by_number);
  EXPECT_EQ(*by_name, *by_number);
  EXPECT_EQ(by_number->host(), "fe80::1%lo");
  EXPECT_NE(*by_name, *socket_address::numeric("fe80::1", 1));
}

TEST(socket_address, refuses_what_is_not_numeric) {
  for (const char* text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4%lo",
        "::1%no-such-if", "::1%", "[::1]", "::g", " 1.2.3.4", "1.2.3.4 "}) {
    EXPECT_FALSE(socket_address::numeric(text, 80)) << text;
  }
  EXPECT_FALSE(socket_address::numeric(std::string_view("1.2.3.4\0x", 9), 80));
}

TEST(socket_address, names_loopback_and_any) {
  EXPECT_EQ(socket_address::loopback_v4(7).to_string(), "127.0.0.1:7");
  EXPECT_EQ(socket_address::loopback_v6(7).to_string(), "[::1]:7");
  EXPECT_EQ(socket_address::any_v4(7).to_string(), "0.0.0.0:7");
  EXPECT_EQ(socket_address::any_v6(7).to_string(), "[::]:7");
}

TEST(socket_address, changes_the_port_of_ip_addresses_only) {
  auto four = socket_address::loopback_v4(1);
  four.set_port(65535);
  EXPECT_EQ(four, socket_address::loopback_v4(65535));
  auto six = socket_address::loopback_v6(1);
  six.set_port(2);
  EXPECT_EQ(six, socket_address::loopback_v6(2));
  auto path = socket_address::unix_path("/run/x");
  path.set_port(80);
  EXPECT_EQ(path, socket_address::unix_path("/run/x"));
  EXPECT_EQ(path.port(), 0);
}

TEST(socket_address, holds_unix_paths) {
  const auto address = socket_address::unix_path("/run/service.sock");
  EXPECT_TRUE(address.is_unix());
  EXPECT_FALSE(address.is_ip());
  EXPECT_EQ(address.host(), "/run/service.sock");
  EXPECT_EQ(address.to_string(), "unix:/run/service.sock");
  EXPECT_NE(address, socket_address::unix_path("/run/other.sock"));
}

TEST(socket_address, holds_abstract_unix_names) {
  const auto address = socket_address::unix_path("@name");
  EXPECT_EQ(address.size(), offsetof(sockaddr_un, sun_path) + 5);
  EXPECT_EQ(address.to_string(), "unix:@name");
  EXPECT_EQ(reinterpret_cast<const sockaddr_un*>(address.data())->sun_path[0], '\0');
}

TEST(socket_address, reads_the_address_of_an_unnamed_unix_socket) {
  sockaddr_un unnamed{};
  unnamed.sun_family = AF_UNIX;
  const socket_address address(reinterpret_cast<const sockaddr*>(&unnamed), sizeof(sa_family_t));
  EXPECT_TRUE(address.is_unix());
  EXPECT_EQ(address.host(), "");
  EXPECT_EQ(address.to_string(), "unix:");
}

TEST(socket_address, refuses_unix_paths_that_do_not_fit) {
  EXPECT_EQ(socket_address::unix_path(std::string(107, 'x')).host().size(), 107u);
  EXPECT_EQ(socket_address::unix_path('@' + std::string(107, 'x')).host().size(), 108u);
  for (const auto& path : {std::string(), std::string(108, 'x'), '@' + std::string(108, 'x'),
                           std::string("a\0b", 3)}) {
    try {
      static_cast<void>(socket_address::unix_path(path));
      ADD_FAILURE() << path.size();
    } catch (const eddy::error& e) {
      EXPECT_EQ(e, eddy::errc::invalid_input);
    }
  }
}

TEST(socket_address, compares_what_the_kernel_compares) {
  EXPECT_EQ(socket_address::loopback_v4(1), socket_address::loopback_v4(1));
  EXPECT_NE(socket_address::loopback_v4(1), socket_address::loopback_v4(2));
  EXPECT_NE(socket_address::loopback_v4(1), socket_address::any_v4(1));
  EXPECT_NE(socket_address::loopback_v4(1), socket_address::loopback_v6(1));
  auto flow = socket_address::loopback_v6(1);
  reinterpret_cast<sockaddr_in6*>(flow.data())->sin6_flowinfo = 5;
  EXPECT_EQ(flow, socket_address::loopback_v6(1));
}
