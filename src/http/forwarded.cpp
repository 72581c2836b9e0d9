#include "forwarded.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <eddy/wire/http1_fields.hpp>

namespace eddy::http::detail {
namespace {

constexpr std::size_t most_hops = 32;  // of a chain that is looked at

std::string_view trimmed(std::string_view text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view unquoted(std::string_view text) noexcept {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
std::optional<net::address> address_in(std::string_view text) {
  text = unquoted(text);
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return net::address::numeric(text.substr(1, end - 1), 0);
  }
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return net::address::numeric(text, 0);
}

std::string_view scheme_in(std::string_view text) noexcept {
  text = unquoted(text);
  if (wire::http1::equals_ignoring_case(text, "https")) return "https";
  if (wire::http1::equals_ignoring_case(text, "http")) return "http";
  return {};
}

// All elements of all fields of that name, nearest first.
std::vector<std::string_view> hops(const field_table& fields, std::string_view name) {
  std::vector<std::string_view> all;
  for (const field_view field : fields) {
    if (!wire::http1::equals_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    for (;;) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      all.push_back(trimmed(rest.substr(0, end)));
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
  }
  std::ranges::reverse(all);
  if (all.size() > most_hops) all.resize(most_hops);
  return all;
}

// The value of a parameter of a Forwarded element: for=..;proto=..
std::string_view parameter(std::string_view element, std::string_view name) noexcept {
  while (!element.empty()) {
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view pair = trimmed(element.substr(0, end));
    element.remove_prefix(std::min(end + 1, element.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (wire::http1::equals_ignoring_case(pair.substr(0, equals), name)) {
      return pair.substr(equals + 1);
    }
  }
  return {};
}

}  // namespace

bool is_trusted(const server_options& options, const net::address& one) noexcept {
  return std::ranges::any_of(options.trusted_proxies,
                             [&one](const net::network& range) { return range.contains(one); });
}

forwarded_client find_client(const server_options& options, const field_table& fields,
                             const net::address& nearest) {
  forwarded_client found;
  if (!is_trusted(options, nearest)) return found;
  const bool standard = options.proxy_fields == forwarding::forwarded;
  for (const std::string_view hop : hops(fields, standard ? "forwarded" : "x-forwarded-for")) {
    const auto named = address_in(standard ? parameter(hop, "for") : hop);
    if (standard) {
      const std::string_view scheme = scheme_in(parameter(hop, "proto"));
      if (!scheme.empty()) found.scheme = scheme;
    }
    if (!named) break;
    found.address = named;
    if (!is_trusted(options, *named)) break;
  }
  if (standard) return found;
  const auto schemes = hops(fields, "x-forwarded-proto");
  if (!schemes.empty()) found.scheme = scheme_in(schemes.front());
  return found;
}

}  // namespace eddy::http::detail
