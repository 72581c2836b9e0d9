// priority_queue: items from tasks that have them to tasks that want them, the smallest first.
//
//   struct job { int priority; std::string what; };
//   struct by_priority {
//     bool operator()(const job& a, const job& b) const noexcept { return a.priority < b.priority; }
//   };
//   eddy::priority_queue<job, by_priority> jobs(100);
#pragma once

#include <cstddef>
#include <functional>

#include <eddy/sync/basic_queue.hpp>
#include <eddy/sync/heap.hpp>

namespace eddy {

/// As queue<T>, whose contract holds, except that get() gives the smallest item in it by Compare; of equal ones the one
/// that was put first. As in asyncio, and unlike std::priority_queue, std::less gives the smallest first. Compare is
/// default-constructible and does not throw; T can be move-assigned. Getters and putters are still served in order of
/// arrival: a getter that waits gets the next item put, whatever its priority.
template <class T, class Compare = std::less<T>>
class priority_queue final : public basic_queue<T, sync::detail::heap<T, Compare>> {
 public:
  /// At most `capacity` items; zero throws invalid_input.
  explicit priority_queue(std::size_t capacity)
      : basic_queue<T, sync::detail::heap<T, Compare>>(capacity) {}

  /// Never full: put never suspends.
  [[nodiscard]] static priority_queue unbounded() {
    return priority_queue(priority_queue::unlimited);
  }
};

}  // namespace eddy
