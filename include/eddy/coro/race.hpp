// The first of several awaitables to finish.
//
//   auto r = co_await eddy::race(fetch(mirror_a), fetch(mirror_b));
//   use(r.get<0>(), r.index());
//
// Each member runs as a task of its own. The first to finish wins; the others are cancelled and awaited before race
// returns. What a loser produced all the same is in its slot, never dropped silently.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <ranges>
#include <tuple>
#include <vector>

#include <eddy/coro/gather.hpp>

namespace eddy {

namespace coro {

/// The set behind race: notes the first member to finish and cancels the others.
class race_set final : public task_set {
 public:
  static constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

  race_set() : task_set("race", on_failure::keep_going) {}
  ~race_set() = default;

  template <class T>
  task_handle<T> add(task<T> member, std::source_location where) {
    auto handle = launch(std::move(member), *this, where);
    members_.push_back(&handle.state());
    return handle;
  }

  /// After close: the winner's index. Throws its failure; without a winner the caller's `cancelled`, or
  /// errc::task_cancelled.
  std::size_t winner();
  /// Whether winner() will throw this member's failure, so that its slot need not be read.
  [[nodiscard]] bool throws_failure_of(std::size_t index) const noexcept {
    return index == winner_ && members_[index]->status() == task_status::failed;
  }

 private:
  void child_ended(task_state& child) noexcept override;
  std::vector<task_state*> members_;
  std::size_t winner_ = nobody;
};

/// Reports a slot that nobody read.
void report_unread_slot(std::size_t index, const std::exception_ptr& failure);

/// One member's result that reports itself when it is dropped unread although there is something to lose.
template <class T>
class race_slot {
 public:
  race_slot(std::size_t index, result<T> r, bool read)
      : index_(index), read_(read), result_(std::move(r)) {}
  race_slot(race_slot&& other) noexcept
      : index_(other.index_),
        read_(std::exchange(other.read_, true)),
        result_(std::move(other.result_)) {}
  race_slot& operator=(race_slot&&) = delete;
  ~race_slot() {
    const bool loses_value = !std::is_void_v<T> && result_.has_value();
    if (!read_ && (loses_value || result_.has_error())) report_unread_slot(index_, result_.error());
  }
  [[nodiscard]] result<T>& read() noexcept {
    read_ = true;
    return result_;
  }

 private:
  std::size_t index_;
  bool read_ = false;
  result<T> result_;
};

template <class T>
race_slot<T> make_slot(const race_set& set, std::size_t index, task_handle<T>& member) {
  return race_slot<T>(index, settled_slot(member), set.throws_failure_of(index));
}

}  // namespace coro

/// What race of several arguments gives. Reading a slot counts as dealing with it; a slot with a failure or a value
/// that is never read is reported to the error hook when this is destroyed.
template <class... Ts>
class race_result {
 public:
  race_result(std::size_t winner, std::tuple<coro::race_slot<Ts>...> slots) noexcept
      : winner_(winner), slots_(std::move(slots)) {}

  /// The position of the member that finished first.
  [[nodiscard]] std::size_t index() const noexcept { return winner_; }
  /// How member I ended: the winner's value; of a loser usually cancelled.
  template <std::size_t I>
  [[nodiscard]] auto& get() noexcept {
    return std::get<I>(slots_).read();
  }
  /// The winner's value, when all members give the same type.
  [[nodiscard]] auto value()
    requires(sizeof...(Ts) > 0 &&
             (std::same_as<Ts, std::tuple_element_t<0, std::tuple<Ts...>>> && ...))
  {
    using T = std::tuple_element_t<0, std::tuple<Ts...>>;
    return std::apply(
        [this](auto&... slot) -> T {
          const std::array<coro::race_slot<T>*, sizeof...(Ts)> all{&slot...};
          return std::move(all[winner_]->read()).value();
        },
        slots_);
  }

 private:
  std::size_t winner_;
  std::tuple<coro::race_slot<Ts>...> slots_;
};

/// What race of a range gives; the same rules.
template <class T>
class race_range_result {
 public:
  race_range_result(std::size_t winner, std::vector<coro::race_slot<T>> slots) noexcept
      : winner_(winner), slots_(std::move(slots)) {}

  [[nodiscard]] std::size_t index() const noexcept { return winner_; }
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] result<T>& operator[](std::size_t i) noexcept { return slots_[i].read(); }
  /// The winner's value.
  [[nodiscard]] T value() { return std::move(slots_[winner_].read()).value(); }

 private:
  std::size_t winner_;
  std::vector<coro::race_slot<T>> slots_;
};

/// Runs all members at once and gives the first to finish, after the others have been cancelled and have ended. Throws
/// the failure if the first to finish failed. When the caller is cancelled before anybody finished: `cancelled`.
template <coro::awaitable... As>
  requires(sizeof...(As) > 0)
auto race(As... members) -> task<race_result<coro::member_task_value<As>...>> {
  const auto where = co_await coro::caller_place();
  coro::race_set set;
  std::tuple<task_handle<coro::member_task_value<As>>...> handles;
  try {
    handles = {set.add(coro::as_member(std::move(members)), where)...};
  } catch (...) {
    set.host_failed(std::current_exception());
  }
  co_await coro::task_set::join_all(set);
  set.close();
  set.rethrow_host_failure();
  auto slots = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple<coro::race_slot<coro::member_task_value<As>>...>{
        coro::make_slot(set, I, std::get<I>(handles))...};
  }(std::index_sequence_for<As...>());
  const std::size_t winner = set.winner();
  co_return race_result<coro::member_task_value<As>...>(winner, std::move(slots));
}

/// The same for a range of awaitables, which is moved from. An empty one throws invalid_input.
template <std::ranges::input_range Range, class A = std::ranges::range_value_t<Range>>
  requires coro::awaitable<A>
auto race(Range members, std::source_location where = std::source_location::current())
    -> task<race_range_result<coro::member_task_value<A>>> {
  using T = coro::member_task_value<A>;
  coro::race_set set;
  std::vector<task_handle<T>> handles;
  try {
    for (auto&& member : members)
      handles.push_back(set.add(coro::as_member(std::move(member)), where));
    if (handles.empty()) throw_invalid_input("race of nothing");
  } catch (...) {
    set.host_failed(std::current_exception());
  }
  co_await coro::task_set::join_all(set);
  set.close();
  set.rethrow_host_failure();
  std::vector<coro::race_slot<T>> slots;
  slots.reserve(handles.size());
  for (auto& handle : handles) slots.push_back(coro::make_slot(set, slots.size(), handle));
  const std::size_t winner = set.winner();
  co_return race_range_result<T>(winner, std::move(slots));
}

}  // namespace eddy
