#include <eddy/coro/gather.hpp>

namespace eddy::coro {

void require_value(task_state& member) { member.rethrow_unless_succeeded(); }

}  // namespace eddy::coro
