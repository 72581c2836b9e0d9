#include <eddy/coro/race.hpp>

#include <algorithm>

namespace eddy::coro {

void race_set::child_ended(task_state& child) noexcept {
  if (child.status() == task_status::cancelled) {
    if (scope_.inside(child.cancellation().get())) note_cancelled(child.cancellation());
  } else if (winner_ == nobody) {
    winner_ = static_cast<std::size_t>(std::ranges::find(members_, &child) - members_.begin());
    scope_.cancel(cancel_reason::requested, "another member of the race finished first",
                  child.spawned_at());
  }
  wake_joiner_if_empty();
}

std::size_t race_set::winner() {
  if (winner_ == nobody) {
    rethrow();
    throw_error(errc::task_cancelled, "race");
  }
  members_[winner_]->rethrow_unless_succeeded();
  return winner_;
}

void report_unread_slot(std::size_t index, const std::exception_ptr& failure) {
  auto* loop = scheduler::current();
  if (loop == nullptr) return;
  const auto* task = loop->current_task();
  loop->report({"member " + std::to_string(index) + " of a race " +
                    (failure ? "failed" : "gave a value") + " and nobody looked at it",
                failure,
                task != nullptr ? task->name() : std::string(),
                {}});
}

}  // namespace eddy::coro
