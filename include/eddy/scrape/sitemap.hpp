// Sitemaps (sitemaps.org, protocol 0.9): lists of a site's pages, and indexes of such lists. Pure.
//
//   const auto map = eddy::scrape::parse_sitemap(body);
//   if (map && !map->is_index) for (const auto& page : map->entries) ...
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::scrape {

struct sitemap_limits {
  std::size_t max_entries = 50'000;   ///< the protocol's own limit; what follows is not read
  std::size_t max_size = 50U << 20U;  ///< bytes, uncompressed; what follows is not read
};

struct sitemap_entry {
  std::string url;            ///< as written, entities decoded; not checked
  std::string last_modified;  ///< as written; empty: not said
};

struct sitemap {
  bool is_index = false;  ///< the entries are sitemaps
  std::vector<sitemap_entry> entries;
};

/// Reads XML, or plain text with one URL in each line (the protocol's other form); gzip is unpacked. Nothing for what
/// is neither: XML with another root element, text without a URL, bytes that do not unpack. XML that is broken gives
/// the entries before the fault. Entities other than XML's own are not expanded. Usable on any thread.
[[nodiscard]] std::optional<sitemap> parse_sitemap(std::string_view bytes,
                                                   const sitemap_limits& limits = {});

}  // namespace eddy::scrape
