// HTML to what a crawler or an index wants: title, links, text, metadata. Parsed by gumbo, as browsers do (HTML5).
//
//   const auto url = eddy::scrape::web_url::parse("https://example.org/a/");
//   const eddy::scrape::html_page page = eddy::scrape::parse_html(text, *url);
//   for (const auto& link : page.links) std::puts(link.url.c_str());
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/scrape/web_url.hpp>

namespace eddy::scrape {

/// Bounds, against pages made to exhaust whoever reads them.
struct html_limits {
  std::size_t max_depth =
      1000;  ///< open elements; what is nested deeper, and all behind it, is not read
  std::size_t max_memory =
      128U << 20U;                   ///< bytes of the parser's tree; more is errc::limit_exceeded
  std::size_t max_links = 10'000;    ///< further ones are dropped
  std::size_t max_text = 4U << 20U;  ///< bytes; what follows is dropped
  std::size_t max_meta = 200;        ///< entries; further ones are dropped
};

struct html_link {
  std::string url;        ///< absolute, normalised, http or https
  bool nofollow = false;  ///< every link to it has rel=nofollow
};

struct html_page {
  std::string title;  ///< of <title>, in one line
  /// What a reader sees, in document order: white space folded but in <pre>, blocks on lines of their own, cells of a
  /// row with a tab between; without scripts, styles, templates and what has the attribute `hidden`.
  std::string text;
  /// <a>, <area>, <frame>, <iframe>, <link rel=next|prev>, a <meta> refresh: resolved against <base>, without
  /// duplicates, in document order.
  std::vector<html_link> links;
  /// <meta>: name, property or http-equiv in lower case, and content, in document order.
  std::vector<std::pair<std::string, std::string>> meta;
  std::string canonical;  ///< <link rel=canonical>, absolute; empty: none
  std::string language;   ///< <html lang>
  bool noindex = false;   ///< <meta name=robots>: noindex or none
  bool nofollow = false;  ///< <meta name=robots>: nofollow or none

  /// The content of the first <meta> of that name (lower case); empty if there is none.
  [[nodiscard]] std::string_view meta_value(std::string_view name) const noexcept;
};

/// `utf8` is the page's text (see encoding.hpp), `url` where it came from. Any text is a page. Pure, usable on any
/// thread; takes some milliseconds per 100 KB, so large pages belong on a thread (to_cpu_thread). Throws
/// errc::limit_exceeded for max_memory only.
[[nodiscard]] html_page parse_html(std::string_view utf8, const web_url& url,
                                   const html_limits& limits = {});

/// What the words of a robots rule ("noindex, nofollow") say: those of <meta name=robots> and X-Robots-Tag.
struct robots_words {
  bool noindex = false;
  bool nofollow = false;
};
[[nodiscard]] robots_words parse_robots_words(std::string_view text) noexcept;

}  // namespace eddy::scrape
