// expect: no matching function
#include <eddy/coro/handle.hpp>

void spawns() {
  eddy::spawn([] { return 42; });
}
