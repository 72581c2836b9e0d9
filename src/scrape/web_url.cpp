#include <eddy/scrape/web_url.hpp>

#include "ascii.hpp"

#include <algorithm>
#include <charconv>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <eddy/wire/uri.hpp>

namespace eddy::scrape {
namespace {

namespace urls = boost::urls;

/// Repairs what browsers repair, and cuts the fragment off.
std::string repair(std::string_view reference) {
  std::string plain;
  for (const char c : detail::trim(reference, detail::controls_and_space)) {
    if (c == '#') break;
    if (c == '\t' || c == '\n' || c == '\r') continue;
    plain += c;
  }
  std::replace(plain.begin(),
               plain.begin() + static_cast<std::ptrdiff_t>(std::min(plain.find('?'), plain.size())),
               '\\', '/');
  return wire::escape_stray(plain);
}

/// Escapes in one form: upper case, and none where the character can stand for itself whatever the scheme.
std::string normalized_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto c = static_cast<char>(wire::escaped_byte(text, i));
    if (detail::is_unreserved(c)) {
      out += c;
    } else {
      wire::append_escape(out, c);
    }
    i += 2;
  }
  return out;
}

bool is_usable(const urls::url& url) {
  const bool web = url.scheme_id() == urls::scheme::http || url.scheme_id() == urls::scheme::https;
  if (!web || !url.has_authority() || url.has_userinfo()) return false;
  // Boost takes "[::1]x" for a host and a path.
  if (!url.encoded_path().empty() && !url.is_path_absolute()) return false;
  const urls::string_view host = url.encoded_host();
  return !host.empty() && host.find('%') == urls::string_view::npos &&
         url.host_type() != urls::host_type::ipvfuture;
}

/// Removes a port that says nothing; false for one that cannot be.
bool settle_port(urls::url& url) {
  if (!url.has_port()) return true;
  const std::string digits(url.port());
  std::uint16_t port = 0;
  if (!digits.empty()) {
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (read.ec != std::errc() || port == 0) return false;
  }
  const std::uint16_t usual = url.scheme_id() == urls::scheme::https ? 443 : 80;
  if (digits.empty() || port == usual) {
    url.remove_port();
  } else {
    url.set_port_number(port);  // without leading zeros
  }
  return true;
}

}  // namespace

std::optional<web_url> web_url::read(const web_url* base, std::string_view reference) {
  if (reference.size() > 2 * max_size) return std::nullopt;
  const std::string repaired = repair(reference);
  // Not Boost's own way, which decodes "%2F".
  const std::string whole =
      base == nullptr ? repaired : wire::resolve_reference(base->text_, repaired);
  const auto parsed = urls::parse_uri_reference(whole);
  if (!parsed) return std::nullopt;
  urls::url url(*parsed);
  url.remove_fragment();
  url.normalize_scheme();
  if (!is_usable(url) || !settle_port(url)) return std::nullopt;

  web_url made;
  made.text_ = std::string(url.scheme()) + "://";
  made.host_begin_ = made.text_.size();
  made.text_ += detail::lower(url.encoded_host());
  made.host_end_ = made.text_.size();
  if (url.has_port()) made.text_ += ":" + std::string(url.port());
  made.target_begin_ = made.text_.size();
  const std::string path = wire::remove_dot_segments(normalized_escapes(url.encoded_path()));
  made.text_ += path.empty() ? "/" : path;
  if (url.has_query()) made.text_ += "?" + normalized_escapes(url.encoded_query());
  if (made.text_.size() > max_size) return std::nullopt;
  return made;
}

std::optional<web_url> web_url::parse(std::string_view text) { return read(nullptr, text); }

std::optional<web_url> web_url::resolve(std::string_view reference) const {
  return read(this, reference);
}

std::string_view web_url::path() const noexcept {
  const std::string_view all = target();
  return all.substr(0, std::min(all.find('?'), all.size()));
}

}  // namespace eddy::scrape
