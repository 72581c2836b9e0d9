#include "client_proxy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <vector>

#include <arpa/inet.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <eddy/base/error.hpp>
#include <eddy/http/client_error.hpp>
#include <eddy/http/message.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/net/address.hpp>
#include <eddy/wire/http1_response_parser.hpp>
#include <eddy/wire/http1_syntax.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {
namespace {

namespace http1 = wire::http1;
namespace urls = boost::urls;

[[noreturn]] void refuse(errc code, std::string_view why) { throw error(code, std::string(why)); }

std::string base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    }
    const std::size_t bytes = std::min<std::size_t>(3, text.size() - i);
    for (std::size_t k = 0; k < 4; ++k) {
      made += k <= bytes ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return made;
}

/// The bytes of a numeric address; empty for a name.
std::vector<std::uint8_t> bytes_of_address(std::string_view host) {
  const std::string text(host);
  std::vector<std::uint8_t> bytes(16);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(4);
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes;
  return {};
}

bool is_in_network(std::string_view network, std::string_view host) {
  const std::size_t slash = network.find('/');
  const auto base = bytes_of_address(network.substr(0, slash));
  const auto bytes = bytes_of_address(host);
  if (base.empty() || base.size() != bytes.size()) return false;
  std::size_t bits = base.size() * 8;
  if (slash != std::string_view::npos) {
    const std::string_view digits = network.substr(slash + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool whole = read.ptr == digits.data() + digits.size();
    if (read.ec != std::errc() || !whole || bits > base.size() * 8) return false;
  }
  for (std::size_t i = 0; i < bits; ++i) {
    const int shift = 7 - static_cast<int>(i % 8);
    if ((base[i / 8] >> shift & 1) != (bytes[i / 8] >> shift & 1)) return false;
  }
  return true;
}

/// Takes the port off "name:port" or "[address]:port", and the brackets; an IPv6 address without them has none.
std::string_view take_port(std::string_view& entry) {
  std::size_t end = entry.find(':');
  if (entry.starts_with('[')) {
    const std::size_t bracket = entry.find(']');
    end = bracket == std::string_view::npos ? bracket : bracket + 1;
  } else if (end != entry.rfind(':')) {
    return {};
  }
  const std::string_view rest = entry.substr(std::min(end, entry.size()));
  entry = entry.substr(0, end);
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  return rest.starts_with(':') ? rest.substr(1) : rest;
}

bool excepts(std::string_view entry, const client_url& to) {
  if (entry == "*") return true;
  const std::string_view port = take_port(entry);
  if (!port.empty() && port != std::to_string(to.port)) return false;
  if (!bytes_of_address(to.host).empty()) return is_in_network(entry, to.host);
  while (entry.starts_with('*')) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || entry.size() > to.host.size()) return false;
  const std::string_view tail = std::string_view(to.host).substr(to.host.size() - entry.size());
  if (!http1::equals_ignoring_case(tail, entry)) return false;
  return tail.size() == to.host.size() || to.host[to.host.size() - entry.size() - 1] == '.';
}

std::string environment(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

std::optional<proxy_address> from_environment(std::initializer_list<const char*> names) {
  const std::string value = environment(names);
  if (value.empty()) return std::nullopt;
  return proxy_address::parse(value);
}

task<void> read_exactly(net::tcp_stream& stream, std::span<std::byte> into) {
  while (!into.empty()) {
    const std::size_t got = co_await stream.read_some(into);
    if (got == 0) throw error(std::make_error_code(std::errc::connection_reset), "proxy");
    into = into.subspan(got);
  }
}

[[noreturn]] void proxy_said(std::string_view what) {
  throw error(request_errc::proxy_refused, "the proxy said " + std::string(what));
}

std::string_view socks5_reason(std::byte code) noexcept {
  constexpr std::array<std::string_view, 9> reasons{"success",
                                                    "general failure",
                                                    "not allowed",
                                                    "network unreachable",
                                                    "host unreachable",
                                                    "connection refused",
                                                    "expired",
                                                    "command not supported",
                                                    "address type not supported"};
  const auto index = static_cast<std::size_t>(code);
  return index < reasons.size() ? reasons[index] : "something unknown";
}

task<void> authenticate_socks5(net::tcp_stream& stream, const proxy_address& proxy) {
  if (proxy.user.size() > 255 || proxy.password.size() > 255) {
    refuse(errc::invalid_input, "the proxy's credentials are too long for SOCKS5");
  }
  std::string request("\x01");
  request += static_cast<char>(proxy.user.size());
  request += proxy.user;
  request += static_cast<char>(proxy.password.size());
  request += proxy.password;
  co_await stream.write_all(request);
  std::array<std::byte, 2> answer{};
  co_await read_exactly(stream, answer);
  if (answer[1] != std::byte{0}) proxy_said("that the credentials are wrong");
}

/// Version, command, and the target as SOCKS5 writes it.
std::string socks5_request(const client_url& to) {
  std::string request("\x05\x01\x00", 3);
  const auto address = bytes_of_address(to.host);
  if (address.empty()) {
    if (to.host.size() > 255) refuse(errc::invalid_input, "the host's name is too long");
    request += '\x03';
    request += static_cast<char>(to.host.size());
    request += to.host;
  } else {
    request += address.size() == 4 ? '\x01' : '\x04';
    request.append(address.begin(), address.end());
  }
  request += static_cast<char>(to.port >> 8);
  request += static_cast<char>(to.port & 0xFF);
  return request;
}

}  // namespace

proxy_address proxy_address::parse(std::string_view text) {
  const std::string whole = text.find("://") == std::string_view::npos
                                ? "http://" + std::string(text)
                                : std::string(text);
  const auto parsed = urls::parse_uri(whole);
  if (!parsed || !parsed->has_authority() || parsed->encoded_host().empty()) {
    refuse(errc::invalid_input, "the proxy is not a URL");
  }
  proxy_address made;
  const std::string scheme(parsed->scheme());
  if (scheme == "socks5" || scheme == "socks5h") {
    made.speaks = kind::socks5;
    made.port = 1080;
  } else if (scheme == "http") {
    made.port = 80;
  } else {
    refuse(errc::unsupported, "proxies of the kind " + scheme);
  }
  made.host = parsed->host_address();
  if (parsed->has_port() && !parsed->port().empty()) made.port = parsed->port_number();
  if (made.port == 0) refuse(errc::invalid_input, "the proxy's port is not in 1 to 65535");
  made.user = parsed->user();
  made.password = parsed->password();
  return made;
}

std::string proxy_address::authorization() const {
  if (user.empty()) return {};
  return "Basic " + base64(user + ":" + password);
}

// --- the choice ---

proxy_settings::proxy_settings(const client_options& options) : exceptions_(options.no_proxy) {
  if (options.proxy_from_environment) {
    // Upper-case HTTP_PROXY is not looked at: in a CGI program a client's Proxy field would set it.
    http_ = from_environment({"http_proxy", "all_proxy", "ALL_PROXY"});
    https_ = from_environment({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
    if (exceptions_.empty()) exceptions_ = environment({"no_proxy", "NO_PROXY"});
  }
  if (!options.proxy.empty()) http_ = https_ = proxy_address::parse(options.proxy);
}

const proxy_address* proxy_settings::choose(const client_url& to) const {
  const auto& chosen = to.secure ? https_ : http_;
  return chosen && !is_excepted(exceptions_, to) ? &*chosen : nullptr;
}

bool is_excepted(std::string_view list, const client_url& to) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view entry = http1::trim(list.substr(0, end));
    if (!entry.empty() && excepts(entry, to)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

task<void> open_tunnel(net::tcp_stream& stream, const proxy_address& proxy, const client_url& to) {
  const std::string target(to.where());
  http::fields fields;
  fields.set("Host", target);
  if (const std::string secret = proxy.authorization(); !secret.empty()) {
    fields.set("Proxy-Authorization", secret);
  }
  http1::request_line line;
  line.method = "CONNECT";
  line.target = target;
  std::string text;
  const auto written = http1::write_request_head(text, line, fields, http1::body_size::none());
  if (!written) throw error(written.error(), "proxy");
  co_await stream.write_all(text);

  http1::response_parser parser;
  http1::response_head head;
  std::string unread;
  std::array<std::byte, 2048> room{};
  for (;;) {
    const auto size = parser.parse(unread, method::connect, head);
    if (!size) throw error(size.error(), "the proxy's response");
    if (*size > 0 && !head.is_interim()) {
      // The server speaks after the client: more bytes here could only be the proxy's.
      if (is_success(head.status()) && *size < unread.size()) {
        throw error(http1::errc::unexpected_data, "the proxy's response");
      }
      break;
    }
    unread.erase(0, *size);
    const std::size_t got = co_await stream.read_some(room);
    if (got == 0) throw error(http1::errc::incomplete_message, "the proxy's response");
    unread += io::text_of(std::span(room).first(got));
  }
  if (!is_success(head.status())) {
    proxy_said(std::to_string(head.status()) + " " + std::string(reason_phrase(head.status())));
  }
}

task<void> open_socks5(net::tcp_stream& stream, const proxy_address& proxy, const client_url& to) {
  const bool has_secret = !proxy.user.empty();
  const std::string_view greeting =
      has_secret ? std::string_view("\x05\x02\x00\x02", 4) : std::string_view("\x05\x01\x00", 3);
  co_await stream.write_all(greeting);
  std::array<std::byte, 2> chosen{};
  co_await read_exactly(stream, chosen);
  if (chosen[0] != std::byte{5}) proxy_said("something that is not SOCKS5");
  if (chosen[1] == std::byte{2} && has_secret) {
    co_await authenticate_socks5(stream, proxy);
  } else if (chosen[1] != std::byte{0}) {
    proxy_said("that it wants other credentials");
  }

  const std::string request = socks5_request(to);
  co_await stream.write_all(request);
  std::array<std::byte, 4> answer{};
  co_await read_exactly(stream, answer);
  if (answer[1] != std::byte{0}) proxy_said(socks5_reason(answer[1]));
  std::size_t rest = answer[3] == std::byte{4} ? 16 : 4;
  if (answer[3] == std::byte{3}) {
    std::array<std::byte, 1> size{};
    co_await read_exactly(stream, size);
    rest = static_cast<std::size_t>(size[0]);
  }
  std::array<std::byte, 257> bound{};
  co_await read_exactly(stream, std::span(bound).first(rest + 2));
}

}  // namespace eddy::http::detail
