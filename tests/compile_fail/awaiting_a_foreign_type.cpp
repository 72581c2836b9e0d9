// expect: this cannot be awaited
#include <coroutine>

#include <eddy/coro/task.hpp>

eddy::task<void> foreign() { co_await std::suspend_never(); }
