// The URL of a client's request, taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/url/url.hpp>

namespace eddy::http::detail {

/// An absolute http URL; see parse.
struct client_url {
  boost::urls::url url;  // without a fragment
  std::string host;      // lower case, an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string authority;  // what Host says: host[:port], without the default port
  std::string origin;     // host:port
  std::string target;     // path and query, encoded

  /// Throws error: errc::unsupported for https, errc::invalid_input for whatever else is not
  /// "http://host[:port][/path][?query]", with the reason as its operation.
  [[nodiscard]] static client_url parse(std::string_view text);
  /// What a Location field means here. Throws the same.
  [[nodiscard]] client_url resolve(std::string_view location) const;

  [[nodiscard]] std::string text() const { return std::string(url.buffer()); }
};

}  // namespace eddy::http::detail
