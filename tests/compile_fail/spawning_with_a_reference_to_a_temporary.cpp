// std::ref is the only way to pass a reference, and it takes nothing that is gone behind the expression.
// expect: deleted function
#include <functional>

#include <eddy/coro/handle.hpp>

eddy::task<void> shows(const int& what) {
  static_cast<void>(what);
  co_return;
}

void spawns() { eddy::spawn(shows, std::ref(static_cast<const int&&>(7))); }
