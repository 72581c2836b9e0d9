#include <eddy/scrape/public_address.hpp>

#include <gtest/gtest.h>

namespace eddy::scrape {
namespace {

TEST(public_address, leaves_out_what_is_no_part_of_the_internet) {
  for (const char* const host : {"0.0.0.0",
                                 "10.1.2.3",
                                 "100.64.0.1",
                                 "127.0.0.1",
                                 "127.255.255.255",
                                 "169.254.169.254",
                                 "172.16.0.1",
                                 "172.31.255.255",
                                 "192.0.2.1",
                                 "192.168.1.1",
                                 "198.18.0.1",
                                 "224.0.0.1",
                                 "255.255.255.255",
                                 "::",
                                 "::1",
                                 "::ffff:127.0.0.1",
                                 "::ffff:10.0.0.1",
                                 "64:ff9b::a00:1",
                                 "2002:a00:1::1",
                                 "fc00::1",
                                 "fd12::1",
                                 "fe80::1",
                                 "ff02::1",
                                 "2001:db8::1",
                                 "2001::1",
                                 "3fff::1"}) {
    EXPECT_FALSE(is_public_address(*net::address::numeric(host, 80))) << host;
  }
  for (const char* const host :
       {"1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "192.167.255.255", "193.0.0.1",
        "223.255.255.255", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
        "2002:808:808::1"}) {
    EXPECT_TRUE(is_public_address(*net::address::numeric(host, 80))) << host;
  }
  EXPECT_FALSE(is_public_address(net::address()));
  EXPECT_FALSE(is_public_address(net::address::unix_path("x")));
}

}  // namespace
}  // namespace eddy::scrape
