// The URL of a client's request, taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eddy::http::detail {

/// An absolute http or https URL; see parse.
struct client_url {
  std::string text;  // the whole, without a fragment
  std::string host;  // lower case, an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string authority;  // what Host says: host[:port], without the default port
  std::string origin;     // scheme://host:port
  std::string target;     // path and query, encoded
  bool secure = false;    // https

  /// Throws error: errc::invalid_input for whatever is not "http[s]://host[:port][/path][?query]", with the reason as
  /// its operation.
  [[nodiscard]] static client_url parse(std::string_view text);
  /// The same by the whole grammar, which parse() leaves out for URLs that are as plain as most are.
  [[nodiscard]] static client_url parse_any(std::string_view text);
  /// What a reference (of a Location field, or relative to a base URL) means here. Throws the same.
  [[nodiscard]] client_url resolve(std::string_view reference) const;

  [[nodiscard]] std::string_view scheme() const noexcept { return secure ? "https" : "http"; }
  /// host:port
  [[nodiscard]] std::string_view where() const noexcept {
    return std::string_view(origin).substr(scheme().size() + 3);
  }
  [[nodiscard]] std::string_view path() const noexcept {
    return std::string_view(target).substr(0, target.find('?'));
  }

  friend bool operator==(const client_url&, const client_url&) = default;
};

}  // namespace eddy::http::detail
