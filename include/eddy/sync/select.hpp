// select: waits for several operations at once and does exactly one of them.
//
//   auto got = co_await eddy::select(stop.wait(), urgent.receive(), jobs.get());
//   switch (got.index()) {
//     case 0: co_return;
//     case 1: handle(std::get<1>(got)); break;    // std::optional<message>: empty at the channel's end
//     case 2: handle(std::get<2>(got)); break;
//   }
//
// No tasks are spawned. The operations stand in their queues, each in order of arrival there, as if the task waited in
// each of them alone. The first that is granted ends the wait: the others are withdrawn in the same step, before
// anything can be granted to them. So no item, lock or permit is taken by an operation that is not the result.
#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <eddy/coro/composite_operation.hpp>
#include <eddy/coro/task.hpp>

namespace eddy {

namespace sync::detail {

template <class T>
using select_value = std::conditional_t<std::is_void_v<T>, std::monostate, std::decay_t<T>>;

}  // namespace sync::detail

/// An operation that leaves its queue at once when it is withdrawn, and does nothing before it is granted: receive and
/// send of channels, receive of broadcast, changed of watch, get, put and join of queues, lock, acquire, wait of event
/// and latch.
template <class Op>
concept selectable = std::derived_from<Op, coro::queued_operation> && std::move_constructible<Op>;

/// What select gives: index() is the position of the operation that was done, the alternative its result;
/// std::monostate for void, a copy for a reference.
template <selectable... Ops>
using select_result = std::variant<sync::detail::select_value<coro::await_result<Ops>>...>;

/// What select returns, for co_await.
template <selectable... Ops>
class select_operation final : public coro::composite_operation {
 public:
  explicit select_operation(Ops&&... parts) : parts_(std::move(parts)...) {}

  [[nodiscard]] coro::wait_info describe() const override {
    return {"select", this, nullptr, kinds()};
  }

  bool try_complete() {
    std::size_t position = 0;
    const auto done = [&](auto& part) {
      if (this->try_part(part)) winner_ = position;
      ++position;
      return winner_ != nobody;
    };
    return std::apply([&](auto&... part) { return (done(part) || ...); }, parts_);
  }

  void enqueue() noexcept {
    std::apply([this](auto&... part) { (this->suspend_part(part), ...); }, parts_);
  }

  [[nodiscard]] select_result<Ops...> take() { return take_from<0>(); }

  /// Does what can be done at once.
  [[nodiscard]] std::optional<select_result<Ops...>> try_now() {
    begin_unawaited();
    if (!try_complete()) return std::nullopt;
    return take();
  }

 private:
  static constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

  void part_ended(coro::operation& ended) noexcept override {
    if (!has_completed(ended)) return;  // withdrawn from here
    winner_ = index_of(ended);
    withdraw_parts();
    complete();
  }

  void withdraw() noexcept override {
    withdraw_parts();
    withdrawn();
  }

  // In two passes: a withdrawal may let others go on who waited behind it, and what they withdraw in turn may free
  // something for another operation of this select. By then none of these can be granted any more.
  void withdraw_parts() noexcept {
    std::apply([](auto&... part) { (part.unlink(), ...); }, parts_);
    std::apply([](auto&... part) { (withdraw_part(part), ...); }, parts_);
  }

  [[nodiscard]] std::size_t index_of(const coro::operation& ended) const noexcept {
    std::size_t index = 0;
    const auto is_other = [&](const coro::operation& part) {
      if (&part == &ended) return false;
      ++index;
      return true;
    };
    static_cast<void>(
        std::apply([&](const auto&... part) { return (is_other(part) && ...); }, parts_));
    return index;
  }

  [[nodiscard]] std::string kinds() const {
    std::string all;
    const auto add = [&](const auto& part) {
      if (!all.empty()) all += ", ";
      all += part.describe().kind;
    };
    std::apply([&](const auto&... part) { (add(part), ...); }, parts_);
    return all;
  }

  template <std::size_t I>
  select_result<Ops...> take_from() {
    if constexpr (I + 1 < sizeof...(Ops)) {
      if (winner_ != I) return take_from<I + 1>();
    }
    auto& part = std::get<I>(parts_);
    if constexpr (std::is_void_v<decltype(part.take())>) {
      part.take();
      return select_result<Ops...>(std::in_place_index<I>);
    } else {
      return select_result<Ops...>(std::in_place_index<I>, part.take());
    }
  }

  std::tuple<Ops...> parts_;
  std::size_t winner_ = nobody;
};

/// Waits until one of the operations is granted; of several that can be done at once, the first in the list is: put
/// what matters most first. What the granted operation throws (errc::closed, errc::shut_down) leaves select. Cancelled
/// or refused, none was done.
template <selectable... Ops>
  requires(sizeof...(Ops) > 0)
[[nodiscard]] select_operation<Ops...> select(Ops&&... operations) {
  return select_operation<Ops...>(std::move(operations)...);
}

/// The first of the operations that can be done at once; nothing when none can. Never waits and does not check for
/// cancellation; only inside a task.
template <selectable... Ops>
  requires(sizeof...(Ops) > 0)
[[nodiscard]] std::optional<select_result<Ops...>> try_select(Ops&&... operations) {
  return select_operation<Ops...>(std::move(operations)...).try_now();
}

}  // namespace eddy
