// What a crawl has to fetch, and what became of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/scrape/html.hpp>

namespace eddy::scrape {

/// A URL that was found, and how.
struct crawl_entry {
  std::string url;  ///< as web_url writes it
  std::uint32_t depth =
      0;  ///< links followed from a start URL; 0: it is one, or stands in a sitemap
  std::uint32_t redirects = 0;  ///< of those, redirects in a row that led here
  bool sitemap = false;         ///< named as a sitemap
};

/// How fetching a URL ended.
enum class crawl_outcome : std::uint8_t {
  page,        ///< a status of success
  redirect,    ///< to `location`, which is fetched as a page of its own
  http_error,  ///< any other status
  excluded,    ///< robots.txt forbids it; not requested
  failed,      ///< no usable response: see `error`
};

[[nodiscard]] std::string_view to_string(crawl_outcome outcome) noexcept;
/// The outcome of that name; `failed` for an unknown one.
[[nodiscard]] crawl_outcome crawl_outcome_of(std::string_view name) noexcept;

/// One URL's end. A value.
struct crawl_result {
  crawl_entry entry;
  crawl_outcome outcome = crawl_outcome::failed;
  int status = 0;            ///< 0: no response
  std::string error;         ///< why it failed, in words; empty if it did not
  std::string content_type;  ///< as the server said
  std::string encoding;      ///< the text's, as detect_encoding found it
  std::string location;   ///< of a redirect, absolute; empty when it leads to no http or https URL
  std::size_t bytes = 0;  ///< of the body, as far as it was read
  std::uint32_t attempts = 0;
  duration elapsed{};  ///< of the last attempt
  html_page page;      ///< of HTML; of plain text only `text`
  std::string body;    ///< as received, if crawl_options::keep_body
};

}  // namespace eddy::scrape
