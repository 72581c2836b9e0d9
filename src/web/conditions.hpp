// Validators and conditional requests (RFC 9110 sections 8.8 and 13).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/http/message.hpp>

namespace eddy::web::detail {

struct validators {
  std::string etag;  ///< with its quotes, and W/ if it is weak
  std::chrono::sys_seconds modified{};
};

enum class outcome : std::uint8_t { proceed, not_modified, failed };

/// What the conditions of a GET or HEAD say of what has these validators, in the order of section 13.2.2.
[[nodiscard]] outcome evaluate(const http::field_table& fields, const validators& current,
                               std::chrono::sys_seconds now);

/// Whether a Range counts: no If-Range, or one that names what is current, by a strong comparison.
[[nodiscard]] bool range_counts(const http::field_table& fields, const validators& current,
                                std::chrono::sys_seconds now);

}  // namespace eddy::web::detail
