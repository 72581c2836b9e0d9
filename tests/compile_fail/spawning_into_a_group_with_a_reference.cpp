// As spawning_with_a_reference, for a group: its task may outlive the caller's block, if not the group's.
// expect: no matching (member )?function
#include <eddy/coro/group.hpp>

eddy::task<void> counts(int& to) {
  ++to;
  co_return;
}

eddy::task<void> spawns() {
  int count = 0;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(counts, count);
    co_return;
  });
}
