#include <eddy/coro/group.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>

namespace eddy {
namespace coro {

task_set::task_set(std::string_view kind, on_failure policy)
    : kind_(kind), policy_(policy), host_task_(&scheduler::require().require_task()) {
  host_ = host_task_;
  host_task_->enter(scope_);
}

task_set::~task_set() { check(closed_, "a group was left without having been joined"); }

void task_set::wake_joiner_if_empty() noexcept {
  if (live_ == 0 && joiner_ != nullptr) std::exchange(joiner_, nullptr)->complete();
}

void task_set::add_failure(std::exception_ptr failure) noexcept {
  // The same object may arrive twice: from a child, and from the body that awaited the child's handle.
  if (std::ranges::find(failures_, failure) != failures_.end()) return;
  failures_.push_back(std::move(failure));
}

void task_set::note_cancelled(const cancel_info_ptr& info) {
  if (info.get() == scope_.own()) return;
  const auto same = [&](const cancel_info_ptr& known) { return known.get() == info.get(); };
  if (std::ranges::none_of(foreign_cancellations_, same)) foreign_cancellations_.push_back(info);
}

void task_set::child_ended(task_state& child) noexcept {
  if (child.status() == task_status::failed) {
    add_failure(child.observe_failure());
    if (policy_ == on_failure::cancel_others)
      scope_.cancel(cancel_reason::sibling_failed, {}, child.spawned_at());
  } else if (child.status() == task_status::cancelled &&
             scope_.inside(child.cancellation().get())) {
    note_cancelled(child.cancellation());
  }
  wake_joiner_if_empty();
}

void task_set::host_failed(std::exception_ptr thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const cancelled& stop) {
    if (scope_.inside(stop.info().get())) {
      note_cancelled(stop.info());
      return;
    }
    thrown = std::make_exception_ptr(error(errc::stray_cancelled, std::string(kind_)));
  } catch (...) {
  }
  host_failure_ = thrown;
  add_failure(std::move(thrown));
  scope_.cancel(cancel_reason::sibling_failed, {}, host_task_->spawned_at());
}

void task_set::close() noexcept {
  closed_ = true;
  scope_node* around = scope_.parent();
  host_task_->leave(scope_);
  // Of several foreign cancellations the outermost goes on: the last one met on the way out.
  cancel_info_ptr outermost;
  for (; around != nullptr && !foreign_cancellations_.empty(); around = around->parent()) {
    for (const auto& info : foreign_cancellations_) {
      if (around->own() == info.get()) outermost = info;
    }
  }
  foreign_cancellations_.clear();
  if (outermost) foreign_cancellations_.push_back(std::move(outermost));
}

void task_set::rethrow() {
  if (!failures_.empty()) std::rethrow_exception(combine_failures(std::move(failures_)));
  if (!foreign_cancellations_.empty()) throw cancelled(foreign_cancellations_.front());
}

void task_set::forget() noexcept {
  host_failure_ = nullptr;
  failures_.clear();
  foreign_cancellations_.clear();
}

void task_set::rethrow_host_failure() {
  if (host_failure_) std::rethrow_exception(host_failure_);
}

void task_set::rethrow_cancelled() {
  if (foreign_cancellations_.empty()) return;
  for (const auto& failure : failures_) {
    host_task_->loop().report(
        {"a failure was given up by a cancellation", failure, host_task_->name(), {}});
  }
  throw cancelled(foreign_cancellations_.front());
}

pending_start::pending_start(task_group& group) : task_set("start"), group_(group) {
  group_.hold();
}

pending_start::~pending_start() { group_.unhold(); }

void pending_start::hand_over() noexcept {
  handed_over_ = true;
  child_->move_to(group_);
}

// --- group_lease ---

class group_lease::place {
 public:
  task_group group;
};

/// Per thread. Oldest first; whoever is pushed out is used for the next group.
class group_lease::ended_groups {
 public:
  ended_groups() = default;
  ended_groups(const ended_groups&) = delete;
  ended_groups& operator=(const ended_groups&) = delete;
  ~ended_groups() {
    for (place* each : kept_) delete each;
    for (place* each : spare_) delete each;
  }

  place* make() {
    if (spare_.empty()) return new place;
    place* reused = spare_.back();
    std::destroy_at(reused);
    // The constructor does not throw; were it to, the program would end in a destructor of what is not there.
    new (reused) place;
    spare_.pop_back();
    return reused;
  }
  void keep(place* ended) noexcept {
    place* pushed_out = std::exchange(kept_[oldest_], ended);
    oldest_ = (oldest_ + 1) % kept_.size();
    if (pushed_out == nullptr) return;
    if (spare_.size() < spare_.capacity()) {
      spare_.push_back(pushed_out);
    } else {
      delete pushed_out;
    }
  }
  static ended_groups& of_this_thread() {
    static thread_local ended_groups instance;
    return instance;
  }

 private:
  std::array<place*, 16> kept_{};
  std::size_t oldest_ = 0;
  std::vector<place*> spare_ = [] {
    std::vector<place*> room;
    room.reserve(64);
    return room;
  }();
};

group_lease::group_lease() : place_(ended_groups::of_this_thread().make()) {}

group_lease::~group_lease() {
  check(place_->group.closed(), "a group was left without having been joined");
  place_->group.forget();
  ended_groups::of_this_thread().keep(place_);
}

task_group& group_lease::group() const noexcept { return place_->group; }

}  // namespace coro

bool task_group::cancel(cancel_reason reason, std::string text, std::source_location where) {
  return scope().cancel(reason, std::move(text), where);
}

void task_group::hold() {
  check(!closed(), "started a task in a group that has ended");
  ++live_;
}

void task_group::unhold() noexcept {
  --live_;
  wake_joiner_if_empty();
}

coro::task_owner& task_group::spawn_owner() {
  check(!closed(), "spawned into a group that has ended");
  return *this;
}

}  // namespace eddy
