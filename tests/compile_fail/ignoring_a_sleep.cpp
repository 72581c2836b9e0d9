// expect: nodiscard
#include <eddy/coro/sleep.hpp>

void forgets() { eddy::sleep(std::chrono::seconds(1)); }
