#include <eddy/coro/task_local.hpp>

#include <algorithm>

namespace eddy::coro {

const std::shared_ptr<const void>* local_values::find(const void* key) const noexcept {
  for (const auto& entry : entries_) {
    if (entry.first == key) return &entry.second;
  }
  return nullptr;
}

std::shared_ptr<const void> local_values::exchange(local_values_ptr& values, const void* key,
                                                   std::shared_ptr<const void> value) {
  if (!values) {
    values = local_values_ptr(new local_values);
  } else if (values.use_count() > 1) {
    values = local_values_ptr(new local_values(*values));
  }
  auto& entries = values->entries_;
  const auto found = std::ranges::find(entries, key, [](const auto& entry) { return entry.first; });
  if (found == entries.end()) {
    if (value) entries.emplace_back(key, std::move(value));
    return nullptr;
  }
  std::shared_ptr<const void> former = std::move(found->second);
  if (value) {
    found->second = std::move(value);
  } else {
    entries.erase(found);
  }
  return former;
}

local_values_ptr& current_locals() {
  if (auto* loop = scheduler::current()) {
    if (auto* task = loop->current_task()) return task->locals();
    return loop->callback_locals();
  }
  static thread_local local_values_ptr outside;
  return outside;
}

}  // namespace eddy::coro
