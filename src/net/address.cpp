#include <eddy/net/address.hpp>

#include <algorithm>
#include <charconv>

#include <eddy/base/error.hpp>

namespace eddy::net {
namespace {

std::uint16_t parse_port(std::string_view digits, std::string_view whole) {
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, failure] = std::from_chars(digits.data(), end, port);
  if (failure != std::errc() || stop != end || digits.empty()) {
    throw_invalid_input("no port in \"" + std::string(whole) + "\"");
  }
  return port;
}

}  // namespace

endpoint parse_endpoint(std::string_view text, std::uint16_t default_port) {
  endpoint where;
  where.port = default_port;
  if (text.empty()) throw_invalid_input("an empty endpoint");
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos)
      throw_invalid_input("no ] in \"" + std::string(text) + "\"");
    where.host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') {
      throw_invalid_input("what follows ] in \"" + std::string(text) + "\"");
    }
    if (!rest.empty()) where.port = parse_port(rest.substr(1), text);
    return where;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    where.host = text;
    return where;
  }
  where.host = text.substr(0, colon);
  where.port = parse_port(text.substr(colon + 1), text);
  return where;
}

std::string to_string(const endpoint& where) {
  const bool bracketed = where.host.find(':') != std::string::npos;
  std::string text = bracketed ? "[" + where.host + "]" : where.host;
  return text + ":" + std::to_string(where.port);
}

}  // namespace eddy::net
