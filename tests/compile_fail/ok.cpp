// The control: what the other files do wrong, done right. Compiles.
#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/loop.hpp>

eddy::task<int> answer() { co_return 42; }

eddy::task<void> uses() {
  auto kept = answer();
  const int value = co_await std::move(kept);
  auto [a, b] = co_await eddy::gather(answer(), eddy::sleep(std::chrono::seconds(1)));
  auto handle = eddy::spawn([](int) -> eddy::task<void> { co_return; }, value + a);
  co_await handle;
  eddy::post([] {});
}
