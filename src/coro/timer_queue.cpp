#include <eddy/coro/timer_queue.hpp>

#include <algorithm>

namespace eddy::coro {
namespace {
constexpr std::size_t arity = 4;
constexpr std::size_t sweep_minimum =
    64;  // below this many holes sweeping costs more than it frees
}  // namespace

void timer_queue::place(std::size_t at, const entry& e) noexcept {
  heap_[at] = e;
  if (e.owner != nullptr) e.owner->position_ = static_cast<std::uint32_t>(at);
}

void timer_queue::sift_up(std::size_t at, entry e) noexcept {
  while (at > 0) {
    const std::size_t above = (at - 1) / arity;
    if (!e.before(heap_[above])) break;
    place(at, heap_[above]);
    at = above;
  }
  place(at, e);
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
    place(at, heap_[least]);
    at = least;
  }
  place(at, e);
}

void timer_queue::add(timer& t, time_point deadline) {
  debug_check(!t.armed(), "a timer was armed twice");
  heap_.emplace_back();
  sift_up(heap_.size() - 1, {deadline.time_since_epoch().count(), sequence_++, &t});
}

void timer_queue::remove(timer& t) noexcept {
  if (!t.armed()) return;
  heap_[t.position_].owner = nullptr;
  t.position_ = timer::idle;
  ++holes_;
  if (holes_ > sweep_minimum && holes_ > heap_.size() / 2) sweep();
}

void timer_queue::sweep() noexcept {
  std::erase_if(heap_, [](const entry& e) { return e.owner == nullptr; });
  holes_ = 0;
  // Bottom-up heapify: linear, so amortised O(1) over the removals that made the holes.
  for (std::size_t i = heap_.size() / arity + 1; i-- > 0;) {
    if (i < heap_.size()) sift_down(i, heap_[i]);
  }
  for (std::size_t i = 0; i < heap_.size(); ++i)
    heap_[i].owner->position_ = static_cast<std::uint32_t>(i);
  if (heap_.capacity() > 4096 && heap_.size() < heap_.capacity() / 8) heap_.shrink_to_fit();
}

void timer_queue::pop() noexcept {
  const entry last = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) sift_down(0, last);
}

void timer_queue::drop_holes_on_top() noexcept {
  while (!heap_.empty() && heap_.front().owner == nullptr) {
    pop();
    --holes_;
  }
}

time_point timer_queue::next_deadline() noexcept {
  drop_holes_on_top();
  return heap_.empty() ? never : time_point(duration(heap_.front().deadline));
}

std::size_t timer_queue::expire(time_point now) noexcept {
  std::size_t count = 0;
  while (next_deadline() <= now && !heap_.empty()) {
    timer* due = heap_.front().owner;
    pop();
    due->position_ = timer::idle;
    due->expired();
    ++count;
  }
  return count;
}

}  // namespace eddy::coro
