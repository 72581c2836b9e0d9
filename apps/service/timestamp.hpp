// Calendar time as the API writes it.
#pragma once

#include <string>

namespace service {

/// Now, in UTC, as ISO 8601 with milliseconds: "2026-01-31T12:34:56.789Z". From the running loop's calendar.
[[nodiscard]] std::string timestamp();

}  // namespace service
