// A task whose memory is all there before it starts: for work that has been accepted, and must not fail to begin.
#pragma once

#include <source_location>
#include <string_view>
#include <utility>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/task.hpp>

namespace eddy::resilience::detail {

/// Owns it until it starts; one that never does is gone without having run.
class prepared_task {
 public:
  /// Throws std::bad_alloc.
  prepared_task(task<void> body, std::string_view name,
                std::source_location where = std::source_location::current());
  prepared_task(prepared_task&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  prepared_task& operator=(prepared_task&&) = delete;
  ~prepared_task();

  /// As spawn does: in the loop's root group, with its first step in the next batch.
  [[nodiscard]] any_task_handle start() && noexcept;

 private:
  class record;
  record* record_;
};

}  // namespace eddy::resilience::detail
