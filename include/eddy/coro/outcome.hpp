// How a coroutine's body ended: with a value or with an exception. Storage shared by promises and task records.
#pragma once

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace eddy::coro {

/// What stands for `void` where a value is stored.
struct nothing {
  friend constexpr bool operator==(nothing, nothing) noexcept { return true; }
};

/// How a T is stored: void as nothing, a reference as a pointer, else as itself.
template <class T>
using stored =
    std::conditional_t<std::is_void_v<T>, nothing,
                       std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

/// Empty, a value or an exception. Set once; moved out once. Not movable itself unless empty is acceptable afterwards.
template <class T>
class outcome {
  using value_type = stored<T>;

 public:
  outcome() noexcept {}
  outcome(const outcome&) = delete;
  outcome& operator=(const outcome&) = delete;
  ~outcome() {
    if (holds_ == content::value) std::destroy_at(&value_);
    if (holds_ == content::failure) std::destroy_at(&failure_);
  }

  template <class... Args>
  void set_value(Args&&... args) {
    std::construct_at(&value_, std::forward<Args>(args)...);
    holds_ = content::value;
  }
  void set_exception(std::exception_ptr failure) noexcept {
    std::construct_at(&failure_, std::move(failure));
    holds_ = content::failure;
  }

  [[nodiscard]] bool has_value() const noexcept { return holds_ == content::value; }
  [[nodiscard]] bool has_exception() const noexcept { return holds_ == content::failure; }
  [[nodiscard]] value_type& value() noexcept { return value_; }

  /// The exception, leaving this empty; null when there is none.
  [[nodiscard]] std::exception_ptr take_exception() noexcept {
    if (holds_ != content::failure) return nullptr;
    std::exception_ptr failure = std::move(failure_);
    reset();
    return failure;
  }

  /// The value, moved out, or the exception thrown.
  T take() {
    if (holds_ == content::failure) [[unlikely]]
      std::rethrow_exception(take_exception());
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*value_);
    } else if constexpr (!std::is_void_v<T>) {
      return std::move(value_);
    }
  }

  void reset() noexcept {
    const content held = std::exchange(holds_, content::none);
    if (held == content::value) std::destroy_at(&value_);
    if (held == content::failure) std::destroy_at(&failure_);
  }

 private:
  enum class content : unsigned char { none, value, failure };
  union {
    value_type value_;
    std::exception_ptr failure_;
  };
  content holds_ = content::none;
};

/// The outcome of a body that gives no value: a failure or none.
class completion {
 public:
  void set_value(nothing = {}) noexcept {}
  void set_exception(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
  [[nodiscard]] bool has_value() const noexcept { return failure_ == nullptr; }
  [[nodiscard]] static nothing value() noexcept { return {}; }
  [[nodiscard]] std::exception_ptr take_exception() noexcept {
    return std::exchange(failure_, nullptr);
  }
  void take() {
    if (failure_) [[unlikely]]
      std::rethrow_exception(take_exception());
  }

 private:
  std::exception_ptr failure_;
};

}  // namespace eddy::coro
