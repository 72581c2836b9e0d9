// The entry check of operations that are coroutines: refused in a cancelled task, otherwise done at once.
#pragma once

#include <string_view>

#include <eddy/coro/operation.hpp>

namespace eddy::sync::detail {

class entry_check final : public coro::operation {
 public:
  entry_check(std::string_view kind, const void* object) noexcept : kind_(kind), object_(object) {}

  [[nodiscard]] coro::wait_info describe() const override { return {kind_, object_}; }
  [[nodiscard]] bool try_complete() const noexcept { return true; }
  void enqueue() const noexcept {}
  void take() const noexcept {}

 private:
  void withdraw() noexcept override {}
  std::string_view kind_;
  const void* object_;
};

}  // namespace eddy::sync::detail
