#include <eddy/coro/timer_queue.hpp>

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

namespace eddy::coro {
namespace {
constexpr std::size_t arity = 4;
constexpr std::size_t sweep_minimum =
    64;  // below this many holes sweeping costs more than it frees
constexpr std::size_t kept_entries =
    4096;  // up to here they are neither given back nor put in order
}  // namespace

void timer_queue::add_slot() {
  const std::size_t number = entries_.size();
  if (number == blocks_.size() * slots_per_block) {
    check(number < timer::idle - slots_per_block, "too many timers");
    blocks_.push_back(std::make_unique<timer*[]>(slots_per_block));
  }
  entries_.push_back({.deadline = 0, .sequence = 0, .slot = static_cast<std::uint32_t>(number)});
}

void timer_queue::sift_up(std::size_t at, entry e) noexcept {
  while (at > 0) {
    const std::size_t above = (at - 1) / arity;
    if (!e.before(entries_[above])) break;
    entries_[at] = entries_[above];
    at = above;
  }
  entries_[at] = e;
}

void timer_queue::sift_down(std::size_t at, entry e) noexcept {
  const std::size_t count = in_heap_;
  for (;;) {
    const std::size_t first = arity * at + 1;
    if (first >= count) break;
    const std::size_t end = std::min(first + arity, count);
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (entries_[child].before(entries_[least])) least = child;
    }
    if (!entries_[least].before(e)) break;
    entries_[at] = entries_[least];
    at = least;
  }
  entries_[at] = e;
}

void timer_queue::add(timer& t, time_point deadline) {
  debug_check(!t.armed(), "a timer was armed twice");
  if (in_heap_ == entries_.size()) add_slot();
  t.slot_ = entries_[in_heap_].slot;
  owner_of(t.slot_) = &t;
  ++live_;
  sift_up(in_heap_++, {deadline.time_since_epoch().count(), sequence_++, t.slot_});
}

void timer_queue::remove(timer& t) noexcept {
  if (!t.armed()) return;
  owner_of(t.slot_) = nullptr;
  t.slot_ = timer::idle;
  --live_;
  const std::size_t holes = in_heap_ - live_;
  if (holes > sweep_minimum && holes > live_) sweep();
}

void timer_queue::sweep() noexcept {
  drop_holes();
  // Bottom-up heapify: linear, so amortised O(1) over the removals that made the holes.
  for (std::size_t i = in_heap_ / arity + 1; i-- > 0;) {
    if (i < in_heap_) sift_down(i, entries_[i]);
  }
  if (in_heap_ == 0) {
    start_afresh();
  } else if (entries_.size() > kept_entries) {
    if (in_heap_ < entries_.size() / 8)
      renumber();
    else
      order_free_slots();
  }
}

void timer_queue::drop_holes() noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < in_heap_; ++i) {
    if (is_hole(entries_[i])) continue;
    if (i != kept) std::swap(entries_[i], entries_[kept]);
    ++kept;
  }
  in_heap_ = kept;
}

// Slots that are taken in turn then lie side by side, and so do those of timers that are disarmed in the order in which
// they were armed.
void timer_queue::order_free_slots() noexcept {
  std::size_t next = in_heap_;
  for (std::uint32_t slot = 0; next < entries_.size(); ++slot) {
    entries_[next].slot = slot;
    next += owner_of(slot) == nullptr ? 1U : 0U;
  }
}

// Gives the timers that are left the first slots, so that the memory of the others can go. The owners wait meanwhile in
// entries of free slots, of which there are more.
void timer_queue::renumber() noexcept {
  const auto owners = std::span(entries_).subspan(in_heap_);
  for (std::size_t i = 0; i < in_heap_; ++i)
    owners[i].deadline = std::bit_cast<std::int64_t>(owner_of(entries_[i].slot));
  for (std::size_t i = 0; i < in_heap_; ++i) {
    auto* owner = std::bit_cast<timer*>(owners[i].deadline);
    owner->slot_ = entries_[i].slot = static_cast<std::uint32_t>(i);
    owner_of(owner->slot_) = owner;
  }
  entries_.resize(in_heap_);
  entries_.shrink_to_fit();
  blocks_.resize(in_heap_ / slots_per_block + 1);
}

void timer_queue::pop() noexcept {
  entry& last = entries_[--in_heap_];
  const entry moved = std::exchange(last, entries_.front());
  owner_of(last.slot) = nullptr;
  if (in_heap_ == 0) {
    start_afresh();
  } else {
    sift_down(0, moved);
  }
}

void timer_queue::start_afresh() noexcept {
  if (entries_.size() <= kept_entries) return;
  entries_ = std::vector<entry>();
  blocks_ = std::vector<std::unique_ptr<timer*[]>>();
}

void timer_queue::drop_holes_on_top() noexcept {
  while (in_heap_ > 0 && is_hole(entries_.front())) pop();
}

time_point timer_queue::next_deadline() noexcept {
  drop_holes_on_top();
  return in_heap_ == 0 ? never : time_point(duration(entries_.front().deadline));
}

std::size_t timer_queue::expire(time_point now) noexcept {
  std::size_t count = 0;
  while (next_deadline() <= now && in_heap_ > 0) {
    timer& due = *owner_of(entries_.front().slot);
    pop();
    due.slot_ = timer::idle;
    --live_;
    due.expired();
    ++count;
  }
  return count;
}

}  // namespace eddy::coro
