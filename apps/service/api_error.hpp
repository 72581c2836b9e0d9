// Answers to requests that cannot be served, beyond what the server itself answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <eddy/http/response.hpp>

namespace service {

/// 400 for a query parameter: {"error":{"status":400,"message":..,"parameter":..}}.
[[nodiscard]] eddy::http::response bad_parameter(std::string_view name, const std::string& message);

/// 422 for a body of the wrong shape: {"error":{"status":422,"message":..,"index":..,"field":..}}, as far as there is
/// such a place.
[[nodiscard]] eddy::http::response bad_shape(const std::string& message,
                                             std::optional<std::size_t> index = {},
                                             std::string_view field = {});

}  // namespace service
