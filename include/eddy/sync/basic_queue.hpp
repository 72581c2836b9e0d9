// What queues of every order have in common: waiting, hand-off, join and shutdown. The order is the storage's.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/sync/unfinished_items.hpp>

namespace eddy {

/// How a queue is shut down.
enum class queue_shutdown {
  graceful,   ///< what is in it can still be fetched
  immediate,  ///< what is in it is discarded, and no longer waited for by join()
};

struct queue_statistics {
  std::size_t size = 0;        ///< items in the queue
  std::size_t capacity = 0;    ///< queue<T>::unlimited when unbounded
  std::size_t unfinished = 0;  ///< items put and not yet marked by task_done()
  std::size_t getters = 0;     ///< tasks waiting in get()
  std::size_t putters = 0;     ///< tasks waiting in put()
  std::size_t joiners = 0;     ///< tasks waiting in join()
  bool shut_down = false;
};

/// The queue for users is queue<T>; its contract stands in queue.hpp. Storage has push(T&&), T pop(), size(), empty()
/// and a move constructor that leaves it empty; it decides which item pop() gives.
template <class T, class Storage>
class basic_queue {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "items are handed from task to task: moving one must not throw");

  class put_base;

 public:
  class get_operation;
  class put_operation;
  class put_copy_operation;

  using value_type = T;
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  /// Throws invalid_input when `capacity` is zero.
  explicit basic_queue(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0) throw_invalid_input("queue: capacity zero");
  }
  basic_queue(const basic_queue&) = delete;
  basic_queue& operator=(const basic_queue&) = delete;
  ~basic_queue() {
    check(getters_.empty() && putters_.empty(), "a queue was destroyed while tasks wait for it");
  }

  [[nodiscard]] put_operation put(T&& item) noexcept { return {*this, item}; }
  [[nodiscard]] put_copy_operation put(const T& item)
    requires std::is_copy_constructible_v<T>
  {
    return {*this, item};
  }
  [[nodiscard]] get_operation get() noexcept { return get_operation(*this); }

  [[nodiscard]] bool try_put(T&& item) {
    if (shut_down_) throw_error(errc::shut_down, "queue.try_put");
    return insert(item);
  }
  [[nodiscard]] bool try_put(const T& item)
    requires std::is_copy_constructible_v<T>
  {
    if (shut_down_) throw_error(errc::shut_down, "queue.try_put");
    if (full() && getters_.empty()) return false;
    T copy(item);
    return insert(copy);
  }
  [[nodiscard]] std::optional<T> try_get() {
    std::optional<T> item;
    if (!extract(item) && shut_down_) throw_error(errc::shut_down, "queue.try_get");
    return item;
  }

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] bool full() const noexcept { return items_.size() >= capacity_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  void task_done() noexcept {
    check(unfinished_.count() > 0, "task_done was called more often than items were put");
    unfinished_.finish(1);
  }
  [[nodiscard]] sync::detail::unfinished_items::join_operation join() noexcept {
    return unfinished_.join();
  }

  void shutdown(queue_shutdown how = queue_shutdown::graceful) noexcept {
    shut_down_ = true;
    while (put_base* putter = putters_.pop_front()) putter->complete();
    while (get_operation* getter = getters_.pop_front()) getter->complete();
    if (how == queue_shutdown::graceful) return;
    // Destroyed last: an item's destructor may use the queue.
    const Storage discarded(std::move(items_));
    if (!discarded.empty()) unfinished_.finish(discarded.size());
  }
  [[nodiscard]] bool is_shut_down() const noexcept { return shut_down_; }

  [[nodiscard]] queue_statistics statistics() const noexcept {
    return {size(),          capacity_,       unfinished_.count(),
            getters_.size(), putters_.size(), unfinished_.joiners(),
            shut_down_};
  }

 private:
  // Tasks wait in get() only while the storage is empty, and in put() only while it is full; so never in both.

  /// Gives `item` to the first waiting getter or the storage; false, `item` untouched, when it is full.
  bool insert(T& item) {
    if (get_operation* getter = getters_.pop_front()) {
      unfinished_.add();
      getter->item_.emplace(std::move(item));
      getter->complete();
      return true;
    }
    if (full()) return false;
    items_.push(std::move(item));
    unfinished_.add();
    return true;
  }

  /// Takes the next item out and lets the first waiting putter fill its place; false when the storage is empty.
  bool extract(std::optional<T>& item) {
    if (items_.empty()) return false;
    item.emplace(items_.pop());
    if (put_base* putter = putters_.pop_front()) {
      items_.push(std::move(*putter->item_));
      unfinished_.add();
      putter->accepted_ = true;
      putter->complete();
    }
    return true;
  }

  std::size_t capacity_;
  Storage items_;
  bool shut_down_ = false;
  intrusive_list<get_operation> getters_;
  intrusive_list<put_base> putters_;
  sync::detail::unfinished_items unfinished_;
};

/// What get() returns, for co_await. Completed without an item it was shut down.
template <class T, class Storage>
class basic_queue<T, Storage>::get_operation final : public coro::queued_operation {
 public:
  explicit get_operation(basic_queue& from) noexcept : queue_(&from) {}

  [[nodiscard]] coro::wait_info describe() const override { return {"queue.get", queue_}; }
  bool try_complete() { return queue_->extract(item_) || queue_->shut_down_; }
  void enqueue() noexcept { queue_->getters_.push_back(*this); }
  [[nodiscard]] T take() {
    if (!item_) throw_error(errc::shut_down, "queue.get");
    return *std::move(item_);
  }

 private:
  friend basic_queue;
  basic_queue* queue_;
  std::optional<T> item_;
};

/// Completed without having been accepted it was shut down.
template <class T, class Storage>
class basic_queue<T, Storage>::put_base : public coro::queued_operation {
 public:
  [[nodiscard]] coro::wait_info describe() const override { return {"queue.put", queue_}; }
  void enqueue() noexcept { queue_->putters_.push_back(*this); }
  void take() const {
    if (!accepted_) throw_error(errc::shut_down, "queue.put");
  }

 protected:
  explicit put_base(basic_queue& to) noexcept : queue_(&to) {}
  put_base(put_base&&) noexcept = default;
  ~put_base() = default;

  bool try_put(T& item) {
    item_ = &item;
    if (!queue_->shut_down_) accepted_ = queue_->insert(item);
    return accepted_ || queue_->shut_down_;
  }

 private:
  friend basic_queue;
  basic_queue* queue_;
  T* item_ = nullptr;
  bool accepted_ = false;
};

/// What put(T&&) returns, for co_await. Refers to the caller's object.
template <class T, class Storage>
class basic_queue<T, Storage>::put_operation final : public put_base {
 public:
  put_operation(basic_queue& to, T& item) noexcept : put_base(to), source_(&item) {}
  bool try_complete() { return this->try_put(*source_); }

 private:
  T* source_;
};

/// What put(const T&) returns, for co_await. Owns a copy.
template <class T, class Storage>
class basic_queue<T, Storage>::put_copy_operation final : public put_base {
 public:
  put_copy_operation(basic_queue& to, const T& item) : put_base(to), copy_(item) {}
  bool try_complete() { return this->try_put(copy_); }

 private:
  T copy_;
};

}  // namespace eddy
