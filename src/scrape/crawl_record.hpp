// Results as JSON.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/scrape/crawl_result.hpp>

namespace eddy::scrape::detail {

/// What a store needs of a line: whose end it tells, and what was found there.
struct crawl_record {
  std::string url;
  std::vector<crawl_entry> found;
};

/// Nothing for a line that no store wrote.
[[nodiscard]] std::optional<crawl_record> parse_record(std::string_view line);

/// Texts as a JSON array; pairs as an object, the first of equal names counting.
[[nodiscard]] std::string links_to_json(const std::vector<html_link>& links);
[[nodiscard]] std::string meta_to_json(
    const std::vector<std::pair<std::string, std::string>>& meta);

}  // namespace eddy::scrape::detail
