// The values of task_local variables, as tasks carry them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <eddy/base/counted_ptr.hpp>

namespace eddy::coro {

class local_values;
using local_values_ptr = counted_ptr<local_values>;

/// The values of one task: a small flat map, shared copy-on-write by parent and child, also across threads.
class local_values {
 public:
  local_values() = default;
  local_values(const local_values& other) : entries_(other.entries_) {}
  local_values& operator=(const local_values&) = delete;

  [[nodiscard]] const std::shared_ptr<const void>* find(const void* key) const noexcept;
  /// Gives `values` (its own copy of it if shared) a new value for `key`; null removes it. Returns the former one.
  static std::shared_ptr<const void> exchange(local_values_ptr& values, const void* key,
                                              std::shared_ptr<const void> value);

  mutable std::atomic<std::uint32_t> references{0};

 private:
  std::vector<std::pair<const void*, std::shared_ptr<const void>>> entries_;
};

}  // namespace eddy::coro
