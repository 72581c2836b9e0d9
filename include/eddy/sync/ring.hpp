// The buffer of a bounded first-in-first-out queue.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace eddy::sync::detail {

/// A ring of slots that is allocated at the first push and doubles when it is full; it never shrinks. Not bounded by
/// itself. T moves without throwing.
template <class T>
class ring {
 public:
  ring() noexcept = default;
  ring(ring&& other) noexcept
      : slots_(std::exchange(other.slots_, nullptr)),
        slot_count_(std::exchange(other.slot_count_, 0)),
        first_(std::exchange(other.first_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  ring& operator=(ring&&) = delete;
  ~ring() {
    while (!empty()) drop_front();
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, slot_count_);
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] const T& operator[](std::size_t position) const noexcept { return *slot(position); }

  /// When it throws (std::bad_alloc), `item` and the ring are as they were.
  void push(T&& item) {
    if (size_ == slot_count_) [[unlikely]]
      grow();
    std::construct_at(slot(size_), std::move(item));
    ++size_;
  }

  T pop() noexcept {
    T item = std::move(*slot(0));
    drop_front();
    return item;
  }

 private:
  static constexpr std::size_t first_capacity = 8;

  // The number of slots is a power of two, so wrapping is a mask.
  [[nodiscard]] T* slot(std::size_t position) const noexcept {
    return slots_ + ((first_ + position) & (slot_count_ - 1));
  }

  void drop_front() noexcept {
    std::destroy_at(slot(0));
    first_ = (first_ + 1) & (slot_count_ - 1);
    --size_;
  }

  void grow() {
    const std::size_t capacity = std::max(first_capacity, slot_count_ * 2);
    T* larger = std::allocator<T>().allocate(capacity);
    for (std::size_t i = 0; i < size_; ++i) {
      std::construct_at(larger + i, std::move(*slot(i)));
      std::destroy_at(slot(i));
    }
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, slot_count_);
    slots_ = larger;
    slot_count_ = capacity;
    first_ = 0;
  }

  T* slots_ = nullptr;
  std::size_t slot_count_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace eddy::sync::detail
