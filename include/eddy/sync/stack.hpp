// The buffer of a last-in-first-out queue.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace eddy::sync::detail {

/// T moves without throwing.
template <class T>
class stack {
 public:
  stack() noexcept = default;
  stack(stack&& other) noexcept : items_(std::exchange(other.items_, {})) {}
  stack& operator=(stack&&) = delete;

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

  /// When it throws (std::bad_alloc), `item` and the stack are as they were.
  void push(T&& item) { items_.push_back(std::move(item)); }

  T pop() noexcept {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  std::vector<T> items_;
};

}  // namespace eddy::sync::detail
