#include <eddy/net/address.hpp>

#include <gtest/gtest.h>

#include <eddy/base/error.hpp>

namespace eddy::net {
namespace {

TEST(parse_endpoint, reads_names_and_numbers) {
  EXPECT_EQ(parse_endpoint("example.org:80"), (endpoint{"example.org", 80}));
  EXPECT_EQ(parse_endpoint("127.0.0.1:8000"), (endpoint{"127.0.0.1", 8000}));
  EXPECT_EQ(parse_endpoint("[::1]:443"), (endpoint{"::1", 443}));
  EXPECT_EQ(parse_endpoint(":80"), (endpoint{"", 80}));
}

TEST(parse_endpoint, takes_the_default_port_where_none_is_given) {
  EXPECT_EQ(parse_endpoint("example.org", 443), (endpoint{"example.org", 443}));
  EXPECT_EQ(parse_endpoint("[::1]", 443), (endpoint{"::1", 443}));
  EXPECT_EQ(parse_endpoint("fe80::1", 443), (endpoint{"fe80::1", 443}));
}

TEST(parse_endpoint, refuses_what_is_no_endpoint) {
  for (const char* text : {"", "host:", "host:http", "host:65536", "host:-1", "host: 80", "[::1",
                           "[::1]80", "[::1]:"}) {
    try {
      static_cast<void>(parse_endpoint(text));
      ADD_FAILURE() << "accepted \"" << text << '"';
    } catch (const error& thrown) {
      EXPECT_EQ(thrown, condition::invalid_input) << text;
    }
  }
}

TEST(endpoint_text, puts_brackets_around_ipv6) {
  EXPECT_EQ(to_string(endpoint{"example.org", 80}), "example.org:80");
  EXPECT_EQ(to_string(endpoint{"::1", 80}), "[::1]:80");
}

}  // namespace
}  // namespace eddy::net
