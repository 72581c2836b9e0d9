// expect: no matching function
#include <eddy/runtime/loop.hpp>

void posts() {
  eddy::post([]() -> eddy::task<void> { co_return; });
}
