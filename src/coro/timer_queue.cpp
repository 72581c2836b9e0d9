#include <eddy/coro/timer_queue.hpp>

#include <algorithm>
#include <utility>

namespace eddy::coro {
namespace {
constexpr std::size_t arity = 4;
constexpr std::size_t sweep_minimum =
    64;  // below this many holes sweeping costs more than it frees
constexpr std::size_t kept_capacity = 4096;  // of entries, however few timers are left
}  // namespace

std::uint32_t timer_queue::take_slot() {
  if (free_slots_ != timer::idle) {
    return std::exchange(free_slots_, slot_at(free_slots_).next_free);
  }
  if (slots_ == blocks_.size() * slots_per_block) {
    check(slots_ < timer::idle - slots_per_block, "too many timers");
    blocks_.push_back(std::make_unique<slot[]>(slots_per_block));
  }
  return slots_++;
}

void timer_queue::free_slot(std::uint32_t index) noexcept {
  slot_at(index).next_free = free_slots_;
  free_slots_ = index;
}

void timer_queue::sift_up(std::size_t at, entry e) noexcept {
  while (at > 0) {
    const std::size_t above = (at - 1) / arity;
    if (!e.before(heap_[above])) break;
    heap_[at] = heap_[above];
    at = above;
  }
  heap_[at] = e;
}

void timer_queue::sift_down(std::size_t at, entry e) noexcept {
  const std::size_t count = heap_.size();
  for (;;) {
    const std::size_t first = arity * at + 1;
    if (first >= count) break;
    const std::size_t end = std::min(first + arity, count);
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(e)) break;
    heap_[at] = heap_[least];
    at = least;
  }
  heap_[at] = e;
}

void timer_queue::add(timer& t, time_point deadline) {
  debug_check(!t.armed(), "a timer was armed twice");
  heap_.emplace_back();
  try {
    t.slot_ = take_slot();
  } catch (...) {
    heap_.pop_back();
    throw;
  }
  slot_at(t.slot_).owner = &t;
  ++live_;
  sift_up(heap_.size() - 1, {deadline.time_since_epoch().count(), sequence_++, t.slot_});
}

void timer_queue::remove(timer& t) noexcept {
  if (!t.armed()) return;
  slot_at(t.slot_).owner = nullptr;
  t.slot_ = timer::idle;
  --live_;
  const std::size_t holes = heap_.size() - live_;
  if (holes > sweep_minimum && holes > live_) sweep();
}

void timer_queue::sweep() noexcept {
  std::erase_if(heap_, [this](const entry& e) {
    const bool hole = is_hole(e);
    if (hole) free_slot(e.slot);
    return hole;
  });
  // Bottom-up heapify: linear, so amortised O(1) over the removals that made the holes.
  for (std::size_t i = heap_.size() / arity + 1; i-- > 0;) {
    if (i < heap_.size()) sift_down(i, heap_[i]);
  }
  if (heap_.empty()) {
    start_afresh();
  } else if (heap_.capacity() > kept_capacity && heap_.size() < heap_.capacity() / 8) {
    heap_.shrink_to_fit();
  }
}

void timer_queue::pop() noexcept {
  free_slot(heap_.front().slot);
  const entry last = heap_.back();
  heap_.pop_back();
  if (heap_.empty()) {
    start_afresh();
  } else {
    sift_down(0, last);
  }
}

void timer_queue::start_afresh() noexcept {
  slots_ = 0;
  free_slots_ = timer::idle;
  if (heap_.capacity() <= kept_capacity) return;
  heap_ = std::vector<entry>();
  blocks_ = std::vector<std::unique_ptr<slot[]>>();
}

void timer_queue::drop_holes_on_top() noexcept {
  while (!heap_.empty() && is_hole(heap_.front())) pop();
}

time_point timer_queue::next_deadline() noexcept {
  drop_holes_on_top();
  return heap_.empty() ? never : time_point(duration(heap_.front().deadline));
}

std::size_t timer_queue::expire(time_point now) noexcept {
  std::size_t count = 0;
  while (next_deadline() <= now && !heap_.empty()) {
    timer& due = *slot_at(heap_.front().slot).owner;
    pop();
    due.slot_ = timer::idle;
    --live_;
    due.expired();
    ++count;
  }
  return count;
}

}  // namespace eddy::coro
