// expect: return_value
#include <memory>

#include <eddy/coro/task.hpp>

eddy::task<int> returns() { co_return std::make_unique<int>(1); }
