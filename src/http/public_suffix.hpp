// Public suffixes: names below which anybody can register, such as "com" and "co.uk".
#pragma once

#include <string>

namespace eddy::http::detail {

/// `name` is in lower case. Without libpsl in the build: whether it is a single label.
[[nodiscard]] bool is_public_suffix(const std::string& name);

}  // namespace eddy::http::detail
