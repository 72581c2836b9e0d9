#include <eddy/net/network.hpp>

#include <gtest/gtest.h>

namespace eddy::net {
namespace {

bool holds(const char* range, const char* one) {
  return network::parse(range).value().contains(address::numeric(one, 80).value());
}

TEST(network, holds_the_addresses_of_its_prefix) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(holds("192.0.2.77/28", "192.0.2.64"));
  EXPECT_FALSE(holds("192.0.2.77/28", "192.0.2.80"));
  EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(holds("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(holds("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("::/0", "8.8.8.8"));
  EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
}

TEST(network, is_read_strictly) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "host/8", "::/129"}) {
    EXPECT_FALSE(network::parse(text).has_value()) << text;
  }
  EXPECT_FALSE(network().contains(address::loopback_v4(1)));
  EXPECT_FALSE(network::parse("::/0")->contains(address::unix_path("/run/x")));
}

}  // namespace
}  // namespace eddy::net
