// POST /api/v1/process-batch: a list of URLs in, what became of each out.
#pragma once

#include "options.hpp"

#include <eddy/coro/task.hpp>
#include <eddy/http/request.hpp>
#include <eddy/http/response.hpp>

namespace service {

/// Bytes of a body; enough for 10,000 URLs of usual length.
inline constexpr std::size_t largest_batch_body = 8 << 20;

/// `how` configures the microservice of each loop.
[[nodiscard]] eddy::task<eddy::http::response> process_batch(eddy::http::request& request,
                                                             const options& how);

}  // namespace service
