// Dates in fields (RFC 9110 section 5.6.7). Pure: the time comes from the caller.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace eddy::wire::http1 {

/// "Sun, 06 Nov 1994 08:49:37 GMT", not terminated.
using date_text = std::array<char, 29>;

/// IMF-fixdate. A time outside the years 0 to 9999 is moved to the nearest end.
[[nodiscard]] date_text format_date(std::chrono::sys_seconds time) noexcept;

/// Reads all three forms a recipient has to accept: IMF-fixdate, and the obsolete forms of RFC 850
/// and asctime. `now` decides the century of RFC 850's two digits: the latest year that is not more
/// than 50 years ahead. nullopt for anything else, a wrong day name or an impossible date included;
/// a leap second is read as the second before it.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_date(
    std::string_view text, std::chrono::sys_seconds now) noexcept;

}  // namespace eddy::wire::http1
