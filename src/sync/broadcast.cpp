#include <eddy/sync/broadcast.hpp>

#include <string>

namespace eddy {

lagged_error::lagged_error(std::uint64_t missed)
    : error(errc::lagged, "broadcast.receive, " + std::to_string(missed) + " items missed"),
      missed_(missed) {}

}  // namespace eddy
