// Shared ownership inside one loop: counted without atomics.
#pragma once

#include <cstddef>
#include <utility>

#include <eddy/coro/frame_pool.hpp>

namespace eddy::sync::detail {

/// Base of what counted_ptr<Derived> refers to. Deleted with its last pointer.
template <class Derived>
class counted : public coro::pooled {
 public:
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) delete static_cast<Derived*>(this);
  }

 protected:
  counted() noexcept = default;
  ~counted() = default;

 private:
  std::size_t references_ = 0;
};

/// Keeps a counted object; may be null.
template <class T>
class counted_ptr {
 public:
  counted_ptr() noexcept = default;
  explicit counted_ptr(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  counted_ptr(const counted_ptr& other) noexcept : counted_ptr(other.object_) {}
  counted_ptr(counted_ptr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  counted_ptr& operator=(counted_ptr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~counted_ptr() {
    if (object_ != nullptr) object_->release();
  }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

/// Moves the elements of `list` for which `chosen` holds to the end of `to`, in order. Elements that are completed
/// later may take others off either list; that is why nothing is completed while a list is walked.
template <class List, class Chosen>
void move_elements(List& list, List& to, Chosen chosen) noexcept {
  for (auto* element = list.front(); element != nullptr;) {
    auto* following = list.next(*element);
    if (chosen(*element)) {
      element->unlink();
      to.push_back(*element);
    }
    element = following;
  }
}

}  // namespace eddy::sync::detail
