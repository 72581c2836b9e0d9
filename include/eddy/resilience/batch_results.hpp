// One call of a batcher's callable, with its results brought into one form; and how it may end without them.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/task.hpp>

namespace eddy::resilience::detail {

/// Awaits `fn(items)`, which gives std::vector<result<Result>>, std::vector<Result>, or nothing where Result is void.
/// Throws invalid_input unless there is one result for each item. `fn` must outlive the task.
template <class Result, class Fn, class Item>
task<std::vector<result<Result>>> run_batch(Fn& fn, std::vector<Item> items) {
  using given = coro::await_result<std::invoke_result_t<Fn&, std::vector<Item>>>;
  const std::size_t count = items.size();
  std::vector<result<Result>> all;
  if constexpr (std::is_void_v<given>) {
    static_assert(std::is_void_v<Result>, "the callable gives no results");
    co_await std::invoke(fn, std::move(items));
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(std::in_place);
  } else if constexpr (std::is_same_v<given, std::vector<result<Result>>>) {
    all = co_await std::invoke(fn, std::move(items));
  } else {
    auto values = co_await std::invoke(fn, std::move(items));
    all.reserve(values.size());
    for (auto&& value : values) all.emplace_back(std::in_place, std::move(value));
  }
  if (all.size() != count) throw_invalid_input("batcher: not one result for each item");
  co_return all;
}

/// What callers get whose batch was cancelled although they were not.
[[nodiscard]] inline std::exception_ptr batch_cancelled() noexcept {
  try {
    return std::make_exception_ptr(error(errc::task_cancelled, "batcher.submit"));
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace eddy::resilience::detail
