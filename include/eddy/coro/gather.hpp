// Running several awaitables at once and collecting their results in order.
//
//   auto [user, orders] = co_await eddy::gather(load_user(id), load_orders(id));
//   std::vector<page> pages = co_await eddy::gather_each(urls, fetch, {.limit = 20});
//
// Each member runs as a task of its own below the caller. The call returns when all members have ended. The first
// failure cancels the rest (gather_settled: does not) and is rethrown; several become an exception_group. When the
// caller is cancelled the members are, and the call ends with what they end with.
#pragma once

#include <cstddef>
#include <deque>
#include <iterator>
#include <optional>
#include <ranges>
#include <tuple>
#include <vector>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>

namespace eddy {

namespace coro {

/// A slot for a member's result: void is stored as `nothing`, a reference as std::reference_wrapper.
template <class T>
struct slot_of {
  using type = T;
};
template <>
struct slot_of<void> {
  using type = nothing;
};
template <class T>
struct slot_of<T&> {
  using type = std::reference_wrapper<T>;
};
template <class A>
using member_slot = typename slot_of<std::remove_cv_t<await_result<A>>>::type;

/// One call of gather_each's callable; the element lives in the frame if the range makes it on the fly.
template <class T, class Fn, class Item>
task<T> call_item(Fn& fn, Item item) {
  co_return co_await std::invoke(fn, std::forward<Item>(item));
}
template <class T, class Fn, class Iterator>
task<T> call_with(Fn& fn, Iterator& next) {
  using item = std::iter_reference_t<Iterator>;
  task<T> call = call_item<T, Fn, item>(fn, *next);
  ++next;
  return call;
}

/// The set behind gather.
class gather_set final : public task_set {
 public:
  explicit gather_set(std::string_view kind, on_failure policy = on_failure::cancel_others)
      : task_set(kind, policy) {}
  ~gather_set() = default;

  template <class T>
  task_handle<T> add(task<T> member, std::source_location where) {
    return launch(std::move(member), *this, where);
  }

  /// In a handler: ends the members that were started, because making the others failed.
  using task_set::host_failed;
};

template <class T>
typename slot_of<T>::type take_slot(task_handle<T>& member) {
  auto& ended = static_cast<spawned_task<T>&>(member.state()).result();
  if constexpr (std::is_void_v<T>) {
    return {};
  } else if constexpr (std::is_reference_v<T>) {
    return std::ref(*ended.value());
  } else {
    return ended.take();
  }
}

/// Throws errc::task_cancelled when a member has no value although nobody failed and the caller is not cancelled.
void require_value(task_state& member);

template <class A>
using member_task_value = std::remove_cv_t<await_result<A>>;

template <class T>
result<T> settled_slot(task_handle<T>& member) {
  task_state& state = member.state();
  if (state.status() == task_status::cancelled) return result<T>(cancelled(state.cancellation()));
  if (state.status() == task_status::failed) return result<T>(state.observe_failure());
  auto& ended = static_cast<spawned_task<T>&>(state).result();
  if constexpr (std::is_void_v<T>) {
    return result<T>(std::in_place);
  } else if constexpr (std::is_reference_v<T>) {
    return result<T>(std::in_place, ended.value());
  } else {
    return result<T>(std::in_place, ended.take());
  }
}

/// A member as a task that keeps reference results as references.
template <class T>
task<T> as_member(task<T> t) {
  return t;
}
template <awaitable A>
  requires(!is_task<std::remove_cvref_t<A>>)
task<member_task_value<A>> as_member(A awaited) {
  co_return co_await std::move(awaited);
}

}  // namespace coro

/// All results as a tuple in order of the arguments (void: coro::nothing). Arguments are tasks, operations, handles.
template <coro::awaitable... As>
auto gather(As... members) -> task<std::tuple<coro::member_slot<As>...>> {
  [[maybe_unused]] const auto where = co_await coro::caller_place();
  coro::gather_set set("gather");
  std::tuple<task_handle<coro::member_task_value<As>>...> handles;
  try {
    handles = {set.add(coro::as_member(std::move(members)), where)...};
  } catch (...) {
    set.host_failed(std::current_exception());
  }
  co_await coro::task_set::join_all(set);
  set.close();
  set.rethrow();
  co_return std::apply(
      [](auto&... handle) {
        (coro::require_value(handle.state()), ...);
        return std::tuple<coro::member_slot<As>...>(coro::take_slot(handle)...);
      },
      handles);
}

/// All results of a range of awaitables as a vector in order (void: nothing to return). The range is moved from.
template <std::ranges::input_range Range, class A = std::ranges::range_value_t<Range>>
  requires coro::awaitable<A>
auto gather(Range members, std::source_location where = std::source_location::current())
    -> task<std::conditional_t<std::is_void_v<coro::await_result<A>>, void,
                               std::vector<coro::member_slot<A>>>> {
  using T = coro::member_task_value<A>;
  coro::gather_set set("gather");
  std::vector<task_handle<T>> handles;
  try {
    for (auto&& member : members)
      handles.push_back(set.add(coro::as_member(std::move(member)), where));
  } catch (...) {
    set.host_failed(std::current_exception());
  }
  co_await coro::task_set::join_all(set);
  set.close();
  set.rethrow();
  for (auto& handle : handles) coro::require_value(handle.state());
  if constexpr (!std::is_void_v<T>) {
    std::vector<coro::member_slot<A>> results;
    results.reserve(handles.size());
    for (auto& handle : handles) results.push_back(coro::take_slot(handle));
    co_return results;
  }
}

/// One result<T> for each argument, in order. A failure is in its slot and stops nobody; throws nothing but the
/// caller's `cancelled` (failures then go to the error hook).
template <coro::awaitable... As>
auto gather_settled(As... members) -> task<std::tuple<result<coro::member_task_value<As>>...>> {
  [[maybe_unused]] const auto where = co_await coro::caller_place();
  coro::gather_set set("gather_settled", coro::task_set::on_failure::keep_going);
  std::tuple<task_handle<coro::member_task_value<As>>...> handles{
      set.add(coro::as_member(std::move(members)), where)...};
  co_await coro::task_set::join_all(set);
  set.close();
  set.rethrow_cancelled();
  co_return std::apply(
      [](auto&... handle) {
        return std::tuple<result<coro::member_task_value<As>>...>(coro::settled_slot(handle)...);
      },
      handles);
}

/// The same for a range.
template <std::ranges::input_range Range, class A = std::ranges::range_value_t<Range>>
  requires coro::awaitable<A>
auto gather_settled(Range members, std::source_location where = std::source_location::current())
    -> task<std::vector<result<coro::member_task_value<A>>>> {
  using T = coro::member_task_value<A>;
  coro::gather_set set("gather_settled", coro::task_set::on_failure::keep_going);
  std::vector<task_handle<T>> handles;
  std::exception_ptr unstarted;
  try {
    for (auto&& member : members)
      handles.push_back(set.add(coro::as_member(std::move(member)), where));
  } catch (...) {
    unstarted = std::current_exception();
    set.host_failed(unstarted);
  }
  co_await coro::task_set::join_all(set);
  set.close();
  if (unstarted) std::rethrow_exception(unstarted);
  set.rethrow_cancelled();
  std::vector<result<T>> results;
  results.reserve(handles.size());
  for (auto& handle : handles) results.push_back(coro::settled_slot(handle));
  co_return results;
}

/// How gather_each works.
struct gather_each_options {
  std::size_t limit = 64;  ///< calls running at once; zero throws invalid_input
};

/// `fn(element)` for each element, at most `limit` at once, results in order of the input (void: nothing to return).
/// An element is taken from the range only when a place is free, so the range may be lazy. After a failure nothing
/// further is started. Range and callable live until the last call has ended.
template <std::ranges::input_range Range, class Fn,
          class Item = std::ranges::range_reference_t<Range>>
  requires coro::awaitable<std::invoke_result_t<Fn&, Item>>
auto gather_each(Range range, Fn fn, gather_each_options options = {},
                 std::source_location where = std::source_location::current())
    -> task<
        std::conditional_t<std::is_void_v<coro::await_result<std::invoke_result_t<Fn&, Item>>>,
                           void, std::vector<coro::member_slot<std::invoke_result_t<Fn&, Item>>>>> {
  using A = std::invoke_result_t<Fn&, Item>;
  using T = coro::member_task_value<A>;
  using slot = coro::member_slot<A>;
  if (options.limit == 0) throw_invalid_input("gather_each: limit is zero");
  auto next = std::ranges::begin(range);
  const auto end = std::ranges::end(range);
  std::deque<std::optional<slot>> slots;
  // Each worker runs its element, then takes further ones until the range is at its end.
  auto worker = [&](task<T> member, std::optional<slot>* own) -> task<void> {
    for (;;) {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(member);
        own->emplace();
      } else {
        own->emplace(co_await std::move(member));
      }
      if (next == end) co_return;
      throw_if_cancelled();
      member = coro::call_with<T>(fn, next);
      own = &slots.emplace_back();
    }
  };
  coro::gather_set set("gather_each");
  try {
    for (std::size_t i = 0; i < options.limit && next != end; ++i) {
      task<T> member = coro::call_with<T>(fn, next);
      set.add(worker(std::move(member), &slots.emplace_back()), where);
    }
  } catch (...) {
    set.host_failed(std::current_exception());
  }
  co_await coro::task_set::join_all(set);
  set.close();
  set.rethrow();
  if constexpr (!std::is_void_v<T>) {
    std::vector<slot> results;
    results.reserve(slots.size());
    for (auto& s : slots) results.push_back(std::move(*s));
    co_return results;
  }
}

}  // namespace eddy
