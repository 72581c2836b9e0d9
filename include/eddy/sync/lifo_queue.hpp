// lifo_queue: items from tasks that have them to tasks that want them, the newest first.
#pragma once

#include <cstddef>

#include <eddy/sync/basic_queue.hpp>
#include <eddy/sync/stack.hpp>

namespace eddy {

/// As queue<T>, whose contract holds, except that get() gives the item that was put last. Getters and putters are still
/// served in order of arrival.
template <class T>
class lifo_queue final : public basic_queue<T, sync::detail::stack<T>> {
 public:
  /// At most `capacity` items; zero throws invalid_input.
  explicit lifo_queue(std::size_t capacity) : basic_queue<T, sync::detail::stack<T>>(capacity) {}

  /// Never full: put never suspends.
  [[nodiscard]] static lifo_queue unbounded() { return lifo_queue(lifo_queue::unlimited); }
};

}  // namespace eddy
