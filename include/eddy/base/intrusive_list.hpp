// A doubly linked list whose links live in the elements: no allocation, O(1) unlinking from anywhere.
#pragma once

#include <cstddef>

#include <eddy/base/check.hpp>

namespace eddy {

/// Base of whatever can be in an intrusive_list<T, Tag>. One base per Tag lets an object be in several lists at once.
/// An element must leave its list before it is destroyed; debug builds check it. Copying never copies links.
template <class Tag = void>
class list_hook {
 public:
  list_hook() = default;
  list_hook(const list_hook&) noexcept {}
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment)
  list_hook& operator=(const list_hook&) noexcept { return *this; }
  ~list_hook() { debug_check(!linked(), "destroyed while linked into a list"); }

  [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }

  /// Leaves whatever list it is in; without effect when it is in none.
  void unlink() noexcept {
    if (!linked()) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class intrusive_list;
  list_hook* prev_ = nullptr;
  list_hook* next_ = nullptr;
};

/// Elements are owned elsewhere and must not move while linked. Neither copyable nor movable.
template <class T, class Tag = void>
class intrusive_list {
  using hook = list_hook<Tag>;

 public:
  intrusive_list() noexcept { root_.prev_ = root_.next_ = &root_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  ~intrusive_list() {
    clear();
    if constexpr (debug_checks) root_.prev_ = root_.next_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return root_.next_ == &root_; }
  /// The first element; null when empty.
  [[nodiscard]] T* front() noexcept { return empty() ? nullptr : &as_element(*root_.next_); }
  [[nodiscard]] const T* front() const noexcept {
    return empty() ? nullptr : &as_element(*root_.next_);
  }

  void push_back(T& element) noexcept { insert(*root_.prev_, element); }
  void push_front(T& element) noexcept { insert(root_, element); }

  /// Unlinks and returns the first element; null when empty.
  T* pop_front() noexcept {
    if (empty()) return nullptr;
    hook& first = *root_.next_;
    first.unlink();
    return &as_element(first);
  }

  /// The element after `element`; null at the end.
  [[nodiscard]] T* next(T& element) noexcept {
    hook* following = static_cast<hook&>(element).next_;
    return following == &root_ ? nullptr : &as_element(*following);
  }

  /// Unlinks all elements.
  void clear() noexcept {
    while (pop_front() != nullptr) {
    }
  }

  /// Moves all elements of `other` to the end of this list, in order.
  void splice(intrusive_list& other) noexcept {
    if (other.empty()) return;
    hook* first = other.root_.next_;
    hook* last = other.root_.prev_;
    first->prev_ = root_.prev_;
    root_.prev_->next_ = first;
    last->next_ = &root_;
    root_.prev_ = last;
    other.root_.prev_ = other.root_.next_ = &other.root_;
  }

  /// Counts by walking: O(n), for statistics.
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t n = 0;
    for (const hook* h = root_.next_; h != &root_; h = h->next_) ++n;
    return n;
  }

 private:
  static T& as_element(hook& h) noexcept { return static_cast<T&>(h); }

  static void insert(hook& before, T& element) noexcept {
    hook& h = element;
    debug_check(!h.linked(), "linked into two lists");
    h.prev_ = &before;
    h.next_ = before.next_;
    before.next_->prev_ = &h;
    before.next_ = &h;
  }

  hook root_;
};

}  // namespace eddy
