// Shared ownership of an object that counts its owners itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace eddy {

/// As std::shared_ptr, at the size of a plain pointer: T has a member `mutable std::atomic<std::uint32_t>
/// references{0}` and is made with new. Usable on any thread; T may be incomplete where nothing is copied or destroyed.
template <class T>
class counted_ptr {
 public:
  counted_ptr() noexcept = default;
  explicit counted_ptr(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->references.fetch_add(1, std::memory_order_relaxed);
  }
  counted_ptr(const counted_ptr& other) noexcept : counted_ptr(other.object_) {}
  counted_ptr(counted_ptr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  counted_ptr& operator=(counted_ptr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~counted_ptr() { reset(); }

  void reset() noexcept {
    if (object_ != nullptr) [[unlikely]]
      drop();
  }

  /// How many own the object; 0 without one. Exact only where no other thread has it.
  [[nodiscard]] std::uint32_t use_count() const noexcept {
    return object_ != nullptr ? object_->references.load(std::memory_order_acquire) : 0;
  }
  [[nodiscard]] T* get() const noexcept { return object_; }
  [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }

 private:
  [[gnu::noinline]] void drop() noexcept {
    T* const object = std::exchange(object_, nullptr);
    if (object->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete object;
  }

  T* object_ = nullptr;
};

}  // namespace eddy
