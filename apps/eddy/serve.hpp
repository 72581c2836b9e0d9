// eddy serve
#pragma once

#include "options.hpp"

#include <eddy/coro/task.hpp>

namespace command {

/// Serves until it is cancelled.
eddy::task<int> serve(serve_options options);

}  // namespace command
