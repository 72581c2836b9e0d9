// process_in_batches: a long list in portions, each worked off completely before the next begins.
#pragma once

#include <cstddef>
#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <eddy/coro/gather.hpp>

namespace eddy {

/// Awaits `fn(item)` for each item of `items`, `batch_size` at once; the next ones begin when all of these have
/// ended. Gives all results in order (void: nothing). The first failure cancels the rest of its batch, waits for it,
/// and is rethrown; later batches are not begun. An item is taken from the range only when its batch begins. Zero as
/// batch_size throws invalid_input. For a limit without portions there is gather_each.
template <std::ranges::input_range Range, class Fn, class Item = std::ranges::range_value_t<Range>>
  requires coro::awaitable<std::invoke_result_t<Fn&, Item>>
auto process_in_batches(Range items, std::size_t batch_size, Fn fn) -> task<
    std::conditional_t<std::is_void_v<coro::await_result<std::invoke_result_t<Fn&, Item>>>, void,
                       std::vector<coro::member_slot<std::invoke_result_t<Fn&, Item>>>>> {
  using A = std::invoke_result_t<Fn&, Item>;
  using T = coro::member_task_value<A>;
  if (batch_size == 0) throw_invalid_input("process_in_batches: batch_size is zero");
  gather_each_options at_once;
  at_once.limit = batch_size;
  std::vector<Item> batch;
  auto next = std::ranges::begin(items);
  const auto end = std::ranges::end(items);
  std::vector<std::conditional_t<std::is_void_v<T>, coro::nothing, coro::member_slot<A>>> all;
  while (next != end) {
    batch.clear();
    for (; batch.size() < batch_size && next != end; ++next) batch.push_back(*next);
    auto each = [&fn](Item& item) { return std::invoke(fn, std::move(item)); };
    auto results = gather_each(std::views::all(batch), each, at_once);
    if constexpr (std::is_void_v<T>) {
      co_await std::move(results);
    } else {
      auto done = co_await std::move(results);
      for (auto& one : done) all.push_back(std::move(one));
    }
  }
  if constexpr (!std::is_void_v<T>) co_return all;
}

}  // namespace eddy
