// eddy crawl
#pragma once

#include "options.hpp"

#include <eddy/coro/task.hpp>

namespace command {

/// Crawls; gives the exit code.
eddy::task<int> crawl(crawl_options options);

}  // namespace command
