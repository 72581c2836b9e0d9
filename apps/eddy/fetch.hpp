// eddy fetch
#pragma once

#include "options.hpp"

#include <eddy/coro/task.hpp>

namespace command {

/// Fetches; gives the exit code: 0 when every URL was answered with a status of success, else 1.
eddy::task<int> fetch(fetch_options options);

}  // namespace command
