// expect: an operation is awaited where it is made, or after std::move
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task.hpp>

eddy::task<void> lvalue() {
  auto nap = eddy::sleep(std::chrono::seconds(1));
  co_await nap;
}
