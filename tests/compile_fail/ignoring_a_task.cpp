// expect: a task does nothing until it is awaited
#include <eddy/coro/task.hpp>

eddy::task<int> answer() { co_return 42; }

void forgets() { answer(); }
