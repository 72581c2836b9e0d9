#include <eddy/sync/event.hpp>

namespace eddy {

coro::wait_info event::wait_operation::describe() const { return {"event.wait", event_}; }

}  // namespace eddy
