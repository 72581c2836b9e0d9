// expect: deleted|implicitly-deleted
#include <eddy/coro/task.hpp>

eddy::task<int> answer() { co_return 42; }

void copies() {
  auto one = answer();
  auto other = one;
  static_cast<void>(other);
}
