// From an answer to a result: decoding, parsing, and which links are to be followed.
#pragma once

#include "page_fetcher.hpp"

#include <vector>

#include <eddy/scrape/crawler.hpp>
#include <eddy/scrape/web_url.hpp>

namespace eddy::scrape::detail {

/// A URL that a result leads to.
struct lead {
  web_url url;
  crawl_entry entry;
};

/// A result and where it leads: links, a redirect's target, a sitemap's pages.
struct page_reading {
  crawl_result result;
  std::vector<lead> leads;
};

/// Pure; on a large page it takes long enough to belong on a thread.
[[nodiscard]] page_reading read_page(crawl_entry entry, const web_url& url, fetched got,
                                     std::uint32_t attempts, const crawl_options& options);

}  // namespace eddy::scrape::detail
