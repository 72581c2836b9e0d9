// A callable that wants an lvalue cannot get it from the copies that spawn keeps: only std::ref passes one.
// expect: no matching function
#include <eddy/coro/handle.hpp>

eddy::task<void> counts(int& to) {
  ++to;
  co_return;
}

void spawns() {
  int count = 0;
  eddy::spawn(counts, count);
}
