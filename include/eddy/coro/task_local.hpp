// task_local: a variable with a value per task, inherited by the tasks it spawns.
//
//   const eddy::task_local<std::string> request_id("none");
//   ...
//   const auto bound = request_id.bind("42");   // until the end of the block, here and in tasks spawned meanwhile
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <eddy/coro/scheduler.hpp>

namespace eddy {

namespace coro {

/// The running task's values, or the running callback's; a place of their own outside of both.
[[nodiscard]] local_values_ptr& current_locals();

}  // namespace coro

/// Usually a constant with static storage; must outlive the tasks that use it. A task starts with its spawner's values;
/// later changes on either side are not seen by the other. A directly awaited task shares the caller's values. Thread
/// functions and posted callbacks see the values of the moment they were submitted.
template <class T>
class task_local {
 public:
  explicit task_local(T initial = T()) : initial_(std::move(initial)) {}
  task_local(const task_local&) = delete;
  task_local& operator=(const task_local&) = delete;

  /// The value here and now; the initial one if none was set. Valid until this task sets another.
  [[nodiscard]] const T& get() const {
    const auto& locals = coro::current_locals();
    const auto* found = locals ? locals->find(this) : nullptr;
    return found != nullptr ? *static_cast<const T*>(found->get()) : initial_;
  }
  const T& operator*() const { return get(); }
  const T* operator->() const { return &get(); }

  void set(T value) const { put(std::make_shared<const T>(std::move(value))); }

  /// Sets the value until the returned object is destroyed, in the same task, on whatever path.
  class [[nodiscard]] binding {
   public:
    binding(const binding&) = delete;
    binding& operator=(const binding&) = delete;
    ~binding() { variable_.put(std::move(former_)); }

   private:
    friend class task_local;
    binding(const task_local& variable, T value)
        : variable_(variable), former_(variable.put(std::make_shared<const T>(std::move(value)))) {}
    const task_local& variable_;
    std::shared_ptr<const void> former_;
  };
  [[nodiscard]] binding bind(T value) const { return binding(*this, std::move(value)); }

 private:
  std::shared_ptr<const void> put(std::shared_ptr<const void> value) const {
    return coro::local_values::exchange(coro::current_locals(), this, std::move(value));
  }
  T initial_;
};

}  // namespace eddy
