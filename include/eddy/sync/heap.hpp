// The buffer of a priority queue.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace eddy::sync::detail {

/// A binary heap that gives the smallest item first, and equal ones in the order in which they were pushed.
template <class T, class Compare>
class heap {
  static_assert(std::is_nothrow_move_assignable_v<T>, "items are moved inside the heap");

 public:
  heap() noexcept = default;
  heap(heap&& other) noexcept
      : entries_(std::exchange(other.entries_, {})), pushed_(other.pushed_) {}
  heap& operator=(heap&&) = delete;

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// When it throws (std::bad_alloc), `item` and the heap are as they were.
  void push(T&& item) {
    if (entries_.size() == entries_.capacity()) {
      entries_.reserve(std::max(first_capacity, entries_.capacity() * 2));
    }
    entries_.push_back(entry{std::move(item), pushed_++});
    std::ranges::push_heap(entries_, comes_later);
  }

  T pop() noexcept {
    std::ranges::pop_heap(entries_, comes_later);
    T item = std::move(entries_.back().item);
    entries_.pop_back();
    return item;
  }

 private:
  static constexpr std::size_t first_capacity = 8;

  struct entry {
    T item;
    std::uint64_t position;  // in the order of pushes
  };

  static bool comes_later(const entry& a, const entry& b) {
    const Compare less{};
    if (less(b.item, a.item)) return true;
    return !less(a.item, b.item) && b.position < a.position;
  }

  std::vector<entry> entries_;
  std::uint64_t pushed_ = 0;
};

}  // namespace eddy::sync::detail
