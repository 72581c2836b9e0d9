// What middlewares leave with a request for those behind them; used through request::set and request::get.
#pragma once

#include <memory>
#include <typeinfo>
#include <utility>

namespace eddy::http::detail {

/// One value per type. Costs a pointer while empty, and is searched in turn: for a handful of values.
class attribute_store {
 public:
  attribute_store() noexcept = default;
  attribute_store(const attribute_store&) = delete;
  attribute_store& operator=(const attribute_store&) = delete;
  ~attribute_store() { clear(); }

  template <class T>
  T& set(T value) {
    if (T* there = find<T>()) return *there = std::move(value);
    auto made = std::make_unique<slot<T>>(std::move(value));
    T& stored = made->value;
    made->next = std::move(first_);
    first_ = std::move(made);
    return stored;
  }
  template <class T>
  [[nodiscard]] T* find() noexcept {
    for (slot_base* one = first_.get(); one != nullptr; one = one->next.get()) {
      if (one->type == typeid(T)) return &static_cast<slot<T>*>(one)->value;
    }
    return nullptr;
  }
  void clear() noexcept {
    while (first_ != nullptr) first_ = std::move(first_->next);
  }

 private:
  struct slot_base {
    explicit slot_base(const std::type_info& of) noexcept : type(of) {}
    slot_base(const slot_base&) = delete;
    slot_base& operator=(const slot_base&) = delete;
    virtual ~slot_base() = default;
    const std::type_info& type;
    std::unique_ptr<slot_base> next;
  };
  template <class T>
  struct slot final : slot_base {
    explicit slot(T stored) : slot_base(typeid(T)), value(std::move(stored)) {}
    T value;
  };

  std::unique_ptr<slot_base> first_;
};

}  // namespace eddy::http::detail
