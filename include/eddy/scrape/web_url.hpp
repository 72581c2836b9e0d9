// web_url: a URL as a crawler needs it: absolute, http or https, normalised, so that equal texts mean equal pages.
//
//   const auto base = eddy::scrape::web_url::parse("http://Example.org:80/a/../b?x#top");   // http://example.org/b?x
//   const auto next = base->resolve("../c d");                                              // http://example.org/c%20d
//
// Taken apart by Boost.URL (RFC 3986), after what browsers repair as well (WHATWG URL, section 4.4): white space around
// and line ends inside are dropped, a backslash is a slash, and characters that need it are percent-encoded as UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::scrape {

/// A value, usable on any thread. Normalised (RFC 3986 section 6.2): lower-case scheme and host, no default port, no
/// dot segments, unreserved characters not encoded, "/" for an empty path; no fragment.
class web_url {
 public:
  static constexpr std::size_t max_size = 4096;  ///< bytes of its text; longer ones are refused

  /// Nothing for what is no absolute http or https URL, has no host, credentials, a host that is not ASCII (names are
  /// not put into punycode), a port outside 1 to 65535, or is too long.
  [[nodiscard]] static std::optional<web_url> parse(std::string_view text);

  /// What a reference (a link's href, a Location) on this page means. Nothing as for parse.
  [[nodiscard]] std::optional<web_url> resolve(std::string_view reference) const;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool is_https() const noexcept { return text_[4] == 's'; }
  /// "http://host[:port]", without the default port.
  [[nodiscard]] std::string_view origin() const noexcept { return view(0, target_begin_); }
  /// Lower case; an IPv6 address has brackets.
  [[nodiscard]] std::string_view host() const noexcept { return view(host_begin_, host_end_); }
  /// Path and query, encoded; begins with "/".
  [[nodiscard]] std::string_view target() const noexcept {
    return view(target_begin_, text_.size());
  }
  /// The path alone.
  [[nodiscard]] std::string_view path() const noexcept;

  friend bool operator==(const web_url& a, const web_url& b) noexcept { return a.text_ == b.text_; }

 private:
  web_url() = default;
  [[nodiscard]] std::string_view view(std::size_t begin, std::size_t end) const noexcept {
    return std::string_view(text_).substr(begin, end - begin);
  }
  [[nodiscard]] static std::optional<web_url> read(const web_url* base, std::string_view reference);

  std::string text_;
  std::size_t host_begin_ = 0;
  std::size_t host_end_ = 0;
  std::size_t target_begin_ = 0;
};

}  // namespace eddy::scrape
