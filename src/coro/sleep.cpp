#include <eddy/coro/sleep.hpp>

#include <eddy/coro/scheduler.hpp>

namespace eddy::coro {

wait_info sleep_operation::describe() const { return {"sleep"}; }

void sleep_operation::enqueue() {
  const time_point now = loop().now();
  if (relative_) {
    until_ = after(now, length_);
    relative_ = false;
  }
  immediate_ = until_ <= now;
  loop().timers().add(*this, until_);
}

void sleep_operation::expired() noexcept {
  if (immediate_) loop().keep_behind(*task());
  complete();
}

void sleep_operation::withdraw() noexcept {
  loop().timers().remove(*this);
  withdrawn();
}

wait_info yield_operation::describe() const { return {"yield"}; }

}  // namespace eddy::coro
