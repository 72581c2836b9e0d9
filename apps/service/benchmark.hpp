// GET /api/v1/async-benchmark: many tasks that sleep at once, and how long that really took.
#pragma once

#include <eddy/coro/task.hpp>
#include <eddy/http/request.hpp>
#include <eddy/http/response.hpp>

namespace service {

[[nodiscard]] eddy::task<eddy::http::response> async_benchmark(eddy::http::request& request);

}  // namespace service
