// expect: no matching function
#include <eddy/coro/gather.hpp>

eddy::task<void> gathers() { co_await eddy::gather(42); }
