#include <eddy/sync/unfinished_items.hpp>

#include <string>

namespace eddy::sync::detail {

void unfinished_items::release_joiners() noexcept {
  while (join_operation* joiner = joiners_.pop_front()) joiner->complete();
}

coro::wait_info unfinished_items::join_operation::describe() const {
  return {"queue.join", items_, nullptr, std::to_string(items_->count_) + " items unfinished"};
}

}  // namespace eddy::sync::detail
