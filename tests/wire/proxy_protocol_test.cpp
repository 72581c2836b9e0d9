#include <eddy/wire/proxy_protocol.hpp>

#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace eddy::wire {
namespace {

using namespace std::string_view_literals;

const std::string signature("\r\n\r\n\0\r\nQUIT\n"sv);
const std::string tcp4_addresses("\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"sv);

std::string version_2(std::string_view command_and_family, std::string_view rest) {
  std::string text = signature;
  text += command_and_family;
  text += static_cast<char>(rest.size() >> 8U);
  text += static_cast<char>(rest.size() & 0xffU);
  text += rest;
  return text;
}

// However the bytes are cut: nothing, until all are there.
proxy_header parsed(const std::string& header) {
  for (std::size_t cut = 0; cut < header.size(); ++cut) {
    const auto part = parse_proxy_header(std::string_view(header).substr(0, cut));
    EXPECT_EQ(part ? part->size : 1, 0u) << cut;
  }
  const auto whole = parse_proxy_header(header + "GET / HTTP/1.1\r\n");
  EXPECT_TRUE(whole.has_value());
  if (!whole) return {};
  EXPECT_EQ(whole->size, header.size());
  return *whole;
}

proxy_errc refused(std::string_view bytes) {
  const auto read = parse_proxy_header(bytes);
  return read ? proxy_errc::none : read.error();
}

TEST(proxy_protocol, reads_version_1) {
  proxy_header header = parsed("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n");
  EXPECT_FALSE(header.local);
  EXPECT_EQ(header.source, "192.0.2.1");
  EXPECT_EQ(header.source_port, 56324);
  header = parsed("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n");
  EXPECT_EQ(header.source, "2001:db8::1");
  header = parsed("PROXY UNKNOWN whatever stands here\r\n");
  EXPECT_TRUE(header.local);
  header = parsed("PROXY UNKNOWN\r\n");
  EXPECT_TRUE(header.local);
}

TEST(proxy_protocol, reads_version_2) {
  proxy_header header = parsed(version_2("\x21\x11", tcp4_addresses));
  EXPECT_FALSE(header.local);
  EXPECT_EQ(header.source, "192.0.2.1");
  EXPECT_EQ(header.source_port, 56324);
  header = parsed(version_2("\x21\x11", tcp4_addresses + "\x04\x00\x01x"));  // an extension
  EXPECT_EQ(header.source, "192.0.2.1");
  const std::string v6 = "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x01";
  header = parsed(version_2("\x21\x21", v6 + v6 + "\x12\x34\x56\x78"));
  EXPECT_EQ(header.source, "2001:db8:0:0:0:0:0:1");
  EXPECT_EQ(header.source_port, 0x1234);
  header = parsed(version_2("\x20\x11"sv, tcp4_addresses));
  EXPECT_TRUE(header.local);  // the proxy's own health check
  header = parsed(version_2("\x21\x00"sv, ""));
  EXPECT_TRUE(header.local);
  header = parsed(version_2("\x21\x31", std::string(216, 'x')));  // of a Unix socket
  EXPECT_TRUE(header.local);
}

TEST(proxy_protocol, refuses_everything_else) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n"), proxy_errc::not_proxy);
  EXPECT_EQ(refused("\r\n\r\nX"), proxy_errc::not_proxy);
  EXPECT_EQ(refused("PROXX"), proxy_errc::not_proxy);
  for (const char* line : {
           "PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n",
           "PROXY TCP4 192.0.2.256 198.51.100.2 56324 443\r\n",
           "PROXY TCP4 192.0.2 198.51.100.2 56324 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 056 443\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n",
           "PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n",
           "PROXY TCP6 192.0.2.1 198.51.100.2 56324 443\r\n",
           "PROXY TCP4 2001:db8::1 2001:db8::2 56324 443\r\n",
           "PROXY UDP4 192.0.2.1 198.51.100.2 56324 443\r\n",
           "PROXY \r\n",
       }) {
    EXPECT_EQ(refused(line), proxy_errc::malformed) << line;
  }
  EXPECT_EQ(refused("PROXY UNKNOWN " + std::string(200, 'x')), proxy_errc::malformed);
  EXPECT_EQ(refused(version_2("\x11\x11", tcp4_addresses)), proxy_errc::malformed);
  EXPECT_EQ(refused(version_2("\x22\x11", tcp4_addresses)), proxy_errc::malformed);
  EXPECT_EQ(refused(version_2("\x21\x11", "short")), proxy_errc::malformed);
  EXPECT_EQ(refused(version_2("\x21\x11", std::string(521, 'x'))), proxy_errc::too_long);
}

TEST(proxy_protocol, stands_any_bytes) {
  std::minstd_rand random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = round % 2 == 0 ? version_2("\x21\x11", tcp4_addresses)
                                       : "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
    for (int i = 0; i < 3; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto read = parse_proxy_header(bytes);
    if (!read) continue;
    EXPECT_LE(read->size, bytes.size());
  }
}

}  // namespace
}  // namespace eddy::wire
