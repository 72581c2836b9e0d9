#include "client_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <eddy/base/error.hpp>
#include <eddy/net/address.hpp>
#include <eddy/wire/http1_target.hpp>
#include <eddy/wire/uri.hpp>

namespace eddy::http::detail {
namespace {

namespace urls = boost::urls;

[[noreturn]] void refuse(std::string_view why) {
  throw error(errc::invalid_input, std::string(why));
}

/// URLs are ASCII (RFC 3986, section 2): says what to do with other text, which is what people type.
void refuse_other_letters(std::string_view text) {
  const auto other = std::ranges::find_if(text, [](char c) { return (c & 0x80) != 0; });
  if (other == text.end()) return;
  const std::string_view before = text.substr(0, static_cast<std::size_t>(other - text.begin()));
  const std::size_t slashes = before.find("//");
  const bool in_host = slashes != std::string_view::npos &&
                       before.find_first_of("/?#", slashes + 2) == std::string_view::npos;
  refuse(in_host ? "the host of the URL is not ASCII: write it in punycode (xn--...)"
                 : "the URL is not ASCII: percent-encode its other characters");
}

void require_http(const urls::url_view_base& url) {
  if (url.scheme_id() != urls::scheme::http && url.scheme_id() != urls::scheme::https) {
    refuse("the scheme of the URL is neither http nor https");
  }
  if (!url.has_authority() || url.encoded_host().empty()) refuse("the URL has no host");
  // Boost takes "[::1]x", and "1.2.3.4x", for a host and a path.
  if (!url.encoded_path().empty() && !url.is_path_absolute()) {
    refuse("the host of the URL is not a valid name");
  }
  // Decoded, it could be read as another host.
  if (url.encoded_host().find('%') != urls::string_view::npos) {
    refuse("the host of the URL has escapes: write it plainly");
  }
  if (url.has_userinfo()) refuse("the URL has credentials in it: use an Authorization field");
}

/// An empty port, as in "http://host:/", is the default one (RFC 3986 section 3.2.3).
std::uint16_t port_of(const urls::url_view_base& url, std::uint16_t default_port) {
  const std::string digits(url.port());
  if (digits.empty()) return default_port;
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (read.ec != std::errc() || port == 0) refuse("the port of the URL is not in 1 to 65535");
  return port;
}

/// Boost would decode what it should not ("%2F"), and keep the ".." that lead above the root.
void remove_dot_segments(urls::url& url) {
  const std::string_view path(url.encoded_path().data(), url.encoded_path().size());
  const std::string clean = wire::remove_dot_segments(path);
  if (clean == path) return;
  std::string whole =
      std::string(url.scheme()) + "://" + std::string(url.encoded_authority()) + clean;
  if (url.has_query()) whole += "?" + std::string(url.encoded_query());
  url = urls::parse_uri(whole).value();
}

client_url take_apart(urls::url url) {
  require_http(url);
  client_url parts;
  url.remove_fragment();
  url.normalize_scheme();
  url.normalize_authority();
  remove_dot_segments(url);
  if (url.host_type() == urls::host_type::ipvfuture)
    refuse("the host of the URL is of no known kind");

  parts.host = url.host_address();
  parts.secure = url.scheme_id() == urls::scheme::https;
  const std::uint16_t default_port = parts.secure ? 443 : 80;
  parts.port = port_of(url, default_port);
  parts.authority = std::string(url.encoded_host());
  if (parts.port != default_port) parts.authority += ":" + std::to_string(parts.port);
  if (!wire::http1::is_authority(parts.authority)) {
    refuse("the host of the URL is not a valid name");
  }
  net::endpoint where;
  where.host = parts.host;
  where.port = parts.port;
  parts.origin.append(parts.scheme()).append("://").append(net::to_string(where));
  parts.target = url.encoded_path().empty() ? "/" : std::string(url.encoded_path());
  if (url.has_query()) parts.target += "?" + std::string(url.encoded_query());
  parts.text = url.buffer();
  return parts;
}

// --- plain URLs ---

constexpr std::array<bool, 256> plain_letters = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-._~!$&'()*+,;=:@/?")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

/// Of a path with a query: whether it is what the grammar allows, and stays as it is. Not all that do are found.
bool is_plain_target(std::string_view target) noexcept {
  if (!target.empty() && target[0] != '/' && target[0] != '?') return false;
  char before = '\0';
  for (const char c : target) {
    if (!plain_letters[static_cast<unsigned char>(c)] || (before == '/' && c == '.')) return false;
    before = c;
  }
  return true;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }

/// A name that no grammar takes for an address, or an IPv4 address as it is always written.
bool is_plain_host(std::string_view host) {
  if (host.empty()) return false;
  return is_lower(host[0]) || (is_digit(host[0]) && net::address::numeric(host, 0).has_value());
}

/// nullopt for what is not in 1 to 65535, or is written with leading zeros.
std::optional<std::uint16_t> plain_port(std::string_view digits) noexcept {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, port);
  if (read.ec != std::errc() || read.ptr != end || digits[0] == '0') return std::nullopt;
  return port;
}

/// nullopt: `text` is to be read by the whole grammar.
std::optional<client_url> take_apart_plain(std::string_view text) {
  const bool secure = text.starts_with("https://");
  if (!secure && !text.starts_with("http://")) return std::nullopt;
  const std::size_t host_begin = secure ? 8 : 7;
  std::size_t host_end = host_begin;
  while (host_end < text.size() && (is_lower(text[host_end]) || is_digit(text[host_end]) ||
                                    text[host_end] == '.' || text[host_end] == '-')) {
    ++host_end;
  }
  const std::string_view host = text.substr(host_begin, host_end - host_begin);
  const bool has_port = host_end < text.size() && text[host_end] == ':';
  const std::size_t target_begin =
      has_port ? std::min(text.find_first_of("/?", host_end), text.size()) : host_end;
  const std::string_view target = text.substr(target_begin);
  if (!is_plain_host(host) || !is_plain_target(target)) return std::nullopt;

  const std::uint16_t default_port = secure ? 443 : 80;
  std::optional<std::uint16_t> port = default_port;
  if (has_port) port = plain_port(text.substr(host_end + 1, target_begin - host_end - 1));
  if (!port) return std::nullopt;
  const std::string_view where = text.substr(host_begin, target_begin - host_begin);
  client_url parts{.text = std::string(text),
                   .host = std::string(host),
                   .port = *port,
                   .authority = std::string(*port == default_port ? host : where),
                   .origin = std::string(text.substr(0, target_begin)),
                   .target = {},
                   .secure = secure};
  if (!has_port) parts.origin += secure ? ":443" : ":80";
  if (!target.starts_with('/')) parts.target = '/';
  parts.target += target;
  return parts;
}

}  // namespace

client_url client_url::parse(std::string_view text) {
  if (auto plain = take_apart_plain(text)) return std::move(*plain);
  return parse_any(text);
}

client_url client_url::parse_any(std::string_view text) {
  refuse_other_letters(text);
  const auto parsed = urls::parse_uri(urls::string_view(text.data(), text.size()));
  if (!parsed) refuse("not an absolute URL (" + parsed.error().message() + ")");
  return take_apart(urls::url(*parsed));
}

client_url client_url::resolve(std::string_view reference) const {
  refuse_other_letters(reference);
  const auto parsed =
      urls::parse_uri_reference(urls::string_view(reference.data(), reference.size()));
  if (!parsed) refuse("not a URL (" + parsed.error().message() + ")");
  return parse(wire::resolve_reference(text, reference));
}

}  // namespace eddy::http::detail
