#include "churn.hpp"

#include "server.hpp"

#include <thread>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/offload.hpp>

namespace soak {

namespace {

eddy::task<void> wait(eddy::duration time) { co_await eddy::sleep(time); }

std::uint64_t block_and_sum(std::string_view bytes) {
  std::this_thread::sleep_for(milliseconds(2));
  return checksum(bytes);
}

}  // namespace

eddy::task<void> sleep_or_not(world& w) {
  co_await eddy::move_on_after(w.time(milliseconds(1000)), wait(w.time(milliseconds(1000))));
  w.sum.timers += 2;
}

eddy::task<void> spawn_some(world& w) {
  auto body = [&w](eddy::task_group& group) -> eddy::task<void> {
    const std::uint64_t count = 1 + w.random.below(100);
    for (std::uint64_t i = 0; i < count; ++i) group.spawn(wait(w.time(milliseconds(5))));
    w.sum.tasks += count;
    if (!w.chance(30)) co_return;
    co_await eddy::sleep(w.time(milliseconds(3)));
    group.cancel();
  };
  co_await eddy::with_group(body);
}

eddy::task<void> call(world& w) {
  const std::string_view bytes = w.text.piece(w.place(), w.size(largest_body));
  const auto abandoned = co_await eddy::move_on_after(
      w.time(milliseconds(4)), eddy::to_thread(eddy::abandon_on_cancel, block_and_sum, bytes));
  const auto made = co_await eddy::to_cpu_thread(checksum, bytes);
  if (abandoned && *abandoned != made) tell_failure(w.sum, "call", "another sum");
  if (!abandoned) ++w.sum.cancelled;
  w.sum.calls += 2;
}

}  // namespace soak
