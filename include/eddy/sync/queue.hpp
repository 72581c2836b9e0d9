// queue: items from tasks that have them to tasks that want them, first in, first out.
//
//   eddy::queue<std::string> urls(100);
//   co_await urls.put("https://example.org/");      // waits while 100 are in it
//   std::string url = co_await urls.get();          // waits while it is empty
//   ...
//   urls.task_done();
//   co_await urls.join();                           // until every item put was marked done
#pragma once

#include <cstddef>

#include <eddy/sync/basic_queue.hpp>
#include <eddy/sync/ring.hpp>

namespace eddy {

/// Belongs to one loop. T moves without throwing; it need not be copyable or default-constructible. Destroying a queue
/// with waiters stops the program; items left in it are destroyed.
///
/// Waiting getters and putters are served in order of arrival, and directly: an item put while somebody waits in get()
/// is that getter's at once, and try_get of others does not see it; the place that get() frees is filled by the first
/// waiting putter in the same step. An operation that throws has done nothing: a cancelled get() has taken no item.
///
/// Members, all inherited from basic_queue:
///
///   put(T&& item)       Waits for a free place. Refers to the caller's object and moves from it only when the item is
///                       accepted: when it throws (cancelled, errc::shut_down), the object is as it was. So the object
///                       lives until the await has ended, as an argument of `co_await q.put(...)` does by itself.
///   put(const T& item)  Copies at the call and owns the copy.
///   try_put(item)       The same without waiting: false, `item` untouched, when the queue is full.
///   get()               The next item; waits for one.
///   try_get()           An item, or nothing when there is none.
///   size() empty() full() capacity()
///   task_done()         Marks one fetched item as worked off; one too many stops the program.
///   join()              Waits until all items put so far and meanwhile are marked.
///   shutdown(how)       Ends the queue, see queue_shutdown; may be called again to escalate. Waiting putters and
///                       getters, and all later calls, throw errc::shut_down; after a graceful one, gets do so once
///                       it is empty. Items that a getter was already given stay that getter's.
///   statistics()
///
/// put, get and join are cancellable operations; the others never suspend and do not check for cancellation. Only put
/// and try_put allocate, when the buffer grows to a size it never had; the buffer is kept.
template <class T>
class queue final : public basic_queue<T, sync::detail::ring<T>> {
 public:
  /// At most `capacity` items; zero throws invalid_input.
  explicit queue(std::size_t capacity) : basic_queue<T, sync::detail::ring<T>>(capacity) {}

  /// Never full: put never suspends, and nothing slows down a producer that is faster than its consumers.
  [[nodiscard]] static queue unbounded() { return queue(queue::unlimited); }
};

}  // namespace eddy
