// Any bytes as a robots.txt, and their last line as a target. Then the same bytes as a sitemap.
#include "fuzz_check.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <eddy/scrape/robots.hpp>
#include <eddy/scrape/sitemap.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace scrape = eddy::scrape;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.rfind('\n');
  const std::string_view target = line == std::string_view::npos ? text : text.substr(line + 1);

  const auto rules = scrape::robots_rules::parse(text, "fuzzbot/1.0");
  const bool allowed = rules.allows(target);
  eddy::fuzz::expect(rules.allows("/robots.txt"), "robots.txt itself is forbidden");
  eddy::fuzz::expect(rules.sitemaps().size() <= 100, "more sitemaps than the limit");
  eddy::fuzz::expect(rules.crawl_delay().value_or(eddy::duration::zero()) >= eddy::duration::zero(),
                     "a negative delay");
  // A comment at the end changes nothing.
  const auto again = scrape::robots_rules::parse(std::string(text) + "\n# end", "FUZZBOT");
  const bool whole = size + 6 <= scrape::robots_rules::max_size;
  eddy::fuzz::expect(!whole || again.allows(target) == allowed, "a comment changes the rules");

  scrape::sitemap_limits limits;
  limits.max_entries = 100;
  limits.max_size = 1 << 20;
  const auto map = scrape::parse_sitemap(text, limits);
  if (!map) return 0;
  eddy::fuzz::expect(map->entries.size() <= limits.max_entries, "more entries than the limit");
  for (const auto& entry : map->entries)
    eddy::fuzz::expect(!entry.url.empty(), "an entry without a URL");
  return 0;
}
