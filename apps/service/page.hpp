// GET /: what a browser sees.
#pragma once

#include <string_view>

namespace service {

/// A whole HTML document without references to anything outside.
[[nodiscard]] std::string_view page() noexcept;

}  // namespace service
