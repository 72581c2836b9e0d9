#include <eddy/coro/handle.hpp>

namespace eddy {

std::vector<any_task_handle> all_tasks() {
  auto& tasks = coro::scheduler::require().tasks();
  std::vector<any_task_handle> handles;
  for (auto* task = tasks.front(); task != nullptr; task = tasks.next(*task))
    handles.emplace_back(*task);
  return handles;
}

}  // namespace eddy
