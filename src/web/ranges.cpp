#include "ranges.hpp"

#include <algorithm>
#include <charconv>

#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web::detail {
namespace {

/// Digits only; nullopt for anything else. Too large a number counts as the largest.
std::optional<std::uint64_t> number(std::string_view text) noexcept {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() ? value : UINT64_MAX;
}

enum class parsed : std::uint8_t { malformed, unsatisfiable, satisfiable };

parsed parse_one(std::string_view text, std::uint64_t size, byte_range& range) noexcept {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return parsed::malformed;
  const std::string_view begin = text.substr(0, dash);
  const std::string_view end = text.substr(dash + 1);
  if (begin.empty()) {
    const auto suffix = number(end);
    if (!suffix) return parsed::malformed;
    // The last bytes of nothing are all of it, which no Content-Range can say.
    if (size == 0 && *suffix > 0) return parsed::malformed;
    range.size = std::min(*suffix, size);
    range.first = size - range.size;
    return range.size == 0 ? parsed::unsatisfiable : parsed::satisfiable;
  }
  const auto first = number(begin);
  const auto last = end.empty() ? std::optional(UINT64_MAX) : number(end);
  if (!first || !last || *last < *first) return parsed::malformed;
  if (*first >= size) return parsed::unsatisfiable;
  range.first = *first;
  range.size = std::min(*last, size - 1) - *first + 1;
  return parsed::satisfiable;
}

bool overlap(std::vector<byte_range> ranges) {
  std::ranges::sort(ranges, {}, &byte_range::first);
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].first + ranges[i - 1].size) return true;
  }
  return false;
}

}  // namespace

std::optional<std::vector<byte_range>> parse_ranges(std::string_view field, std::uint64_t size,
                                                    std::size_t most) {
  constexpr std::string_view unit = "bytes=";
  if (!wire::http1::equals_ignoring_case(field.substr(0, unit.size()), unit)) return std::nullopt;
  std::vector<byte_range> ranges;
  std::size_t asked = 0;
  wire::http1::list_elements all(field.substr(unit.size()));
  for (auto one = all.next(); !one.empty(); one = all.next()) {
    if (++asked > most) return std::nullopt;
    byte_range range;
    const parsed kind = parse_one(one, size, range);
    if (kind == parsed::malformed) return std::nullopt;
    if (kind == parsed::satisfiable) ranges.push_back(range);
  }
  if (asked == 0 || overlap(ranges)) return std::nullopt;
  return ranges;
}

std::string content_range(const byte_range& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" +
         std::to_string(range.first + range.size - 1) + "/" + std::to_string(size);
}

}  // namespace eddy::web::detail
