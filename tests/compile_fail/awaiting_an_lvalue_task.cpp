// expect: a task has to be awaited as an rvalue
#include <eddy/coro/task.hpp>

eddy::task<int> answer() { co_return 42; }

eddy::task<int> twice() {
  auto kept = answer();
  co_return co_await kept;
}
