// broadcast: every item to every receiver; a sender never waits for a slow one.
//
//   eddy::broadcast<event> events(64);                      // keeps the last 64 for those who are behind
//   auto mine = events.subscribe();
//   events.send(event::started);                            // to all who are subscribed now
//   while (auto e = co_await mine.receive()) handle(*e);    // until `events` is closed
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/sync/counted.hpp>
#include <eddy/sync/ring.hpp>

namespace eddy {

/// A receiver fell behind by more than the capacity: errc::lagged, which equals condition::overloaded.
class lagged_error : public error {
 public:
  explicit lagged_error(std::uint64_t missed);
  /// How many items it did not get.
  [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

 private:
  std::uint64_t missed_;
};

struct broadcast_statistics {
  std::size_t size = 0;       ///< items kept
  std::size_t capacity = 0;   ///< most items kept
  std::size_t receivers = 0;  ///< open ones
  std::size_t waiters = 0;    ///< tasks waiting in receive()
  bool closed = false;
};

/// The sending side. Belongs to one loop; its receivers may outlive it. Destroying it closes it.
template <class T>
class broadcast {
  static_assert(std::copy_constructible<T>, "every receiver gets a copy of its own");
  static_assert(std::is_nothrow_move_constructible_v<T>, "moving an item must not throw");

  class core;
  class subscription;

 public:
  class receiver;
  class receive_operation;

  /// Keeps at most `capacity` items; zero throws invalid_input.
  explicit broadcast(std::size_t capacity);
  broadcast(const broadcast&) = delete;
  broadcast& operator=(const broadcast&) = delete;
  ~broadcast() { close(); }

  /// Gives `item` to every receiver subscribed now, and returns how many these are; zero drops it. Never waits: the
  /// oldest kept item makes room. Throws errc::closed after close().
  std::size_t send(T item);
  /// A receiver of all that is sent from now on.
  [[nodiscard]] receiver subscribe() { return receiver(core_); }
  /// Ends it: receivers get what is kept for them, then the end. Without effect when it is closed.
  void close() noexcept { core_->close(); }

  [[nodiscard]] broadcast_statistics statistics() const noexcept { return core_->statistics(); }

 private:
  sync::detail::counted_ptr<core> core_;
};

template <class T>
class broadcast<T>::core final : public sync::detail::counted<core> {
 public:
  explicit core(std::size_t capacity) noexcept : capacity_(capacity) {}

  std::size_t send(T&& item) {
    if (closed_) throw_error(errc::closed, "broadcast.send");
    if (receivers_ == 0) return 0;
    if (items_.size() == capacity_) {
      items_.pop();
      ++first_;
    }
    items_.push(std::move(item));
    grant();
    return receivers_;
  }

  /// Takes the next item for `by`, or notes how many it missed; false when it has to wait.
  bool fetch(subscription& by, receive_operation& into) noexcept {
    if (by.next < first_) {
      into.missed_ = first_ - std::exchange(by.next, first_);
      return true;
    }
    if (by.next - first_ == items_.size()) return closed_;
    into.copy(items_[static_cast<std::size_t>(by.next - first_)]);
    ++by.next;
    return true;
  }

  void close() noexcept {
    if (std::exchange(closed_, true)) return;
    while (receive_operation* waiter = waiters_.pop_front()) waiter->complete();
  }

  [[nodiscard]] std::uint64_t end() const noexcept { return first_ + items_.size(); }
  void add_receiver() noexcept { ++receivers_; }
  void remove_receiver(const subscription& leaving) noexcept {
    intrusive_list<receive_operation> ended;
    sync::detail::move_elements(waiters_, ended, [&](const receive_operation& waiter) {
      return waiter.subscription_.get() == &leaving;
    });
    while (receive_operation* waiter = ended.pop_front()) {
      waiter->closed_ = true;
      waiter->complete();
    }
    if (--receivers_ > 0) return;
    first_ = end();
    const sync::detail::ring<T> discarded(std::move(items_));
  }

  [[nodiscard]] broadcast_statistics statistics() const noexcept {
    return {items_.size(), capacity_, receivers_, waiters_.size(), closed_};
  }

 private:
  friend receive_operation;

  // One after the other: completing one may withdraw another, whose position must not have moved then.
  void grant() noexcept {
    intrusive_list<receive_operation> asked;
    asked.splice(waiters_);
    while (receive_operation* waiter = asked.pop_front()) {
      if (fetch(*waiter->subscription_, *waiter)) {
        waiter->complete();
      } else {
        waiters_.push_back(*waiter);
      }
    }
  }

  std::size_t capacity_;
  std::size_t receivers_ = 0;
  std::uint64_t first_ = 0;  // number of the oldest kept item, counted from the first ever sent
  bool closed_ = false;
  sync::detail::ring<T> items_;
  intrusive_list<receive_operation> waiters_;
};

// One receiver's position: shared by the receiver object, which may be moved, and the operations made from it.
template <class T>
class broadcast<T>::subscription final : public sync::detail::counted<subscription> {
 public:
  subscription(sync::detail::counted_ptr<core> of, std::uint64_t from) noexcept
      : to(std::move(of)), next(from) {}

  sync::detail::counted_ptr<core> to;
  std::uint64_t next;  // number of the item it gets next
  bool closed = false;
};

/// One receiver. A copy goes on from the same position, on its own; a moved-from one is closed.
template <class T>
class broadcast<T>::receiver {
 public:
  /// A closed one.
  receiver() noexcept = default;
  receiver(const receiver& other) {
    if (other.position_) open(other.position_->to, other.position_->next);
  }
  receiver(receiver&&) noexcept = default;
  receiver& operator=(receiver other) noexcept {
    std::swap(position_, other.position_);
    return *this;
  }
  ~receiver() { close(); }

  /// The next item; waits for one. Empty, again and again, when the sender is closed and nothing is left. Throws
  /// lagged_error, once, when items were dropped before this receiver got them, and goes on with the oldest kept one;
  /// errc::closed when this receiver is closed. Cancelled or refused, its position is as it was.
  [[nodiscard]] receive_operation receive() noexcept { return receive_operation(position_); }

  /// An item, or nothing when there is none now. Never waits; throws as receive does.
  [[nodiscard]] std::optional<T> try_receive() {
    receive_operation now(position_);
    if (!now.try_complete()) return std::nullopt;
    return now.take();
  }

  /// Takes part no longer: tasks that wait in its receive() get errc::closed. Without effect when it is closed.
  void close() noexcept {
    const auto closing = std::exchange(position_, {});
    if (!closing) return;
    closing->closed = true;
    closing->to->remove_receiver(*closing);
  }

 private:
  friend broadcast;
  explicit receiver(const sync::detail::counted_ptr<core>& of) { open(of, of->end()); }
  void open(const sync::detail::counted_ptr<core>& of, std::uint64_t from) {
    position_ = sync::detail::counted_ptr<subscription>(new subscription(of, from));
    of->add_receiver();
  }

  sync::detail::counted_ptr<subscription> position_;
};

/// What receive() returns, for co_await. Completed with nothing, the sender is closed.
template <class T>
class broadcast<T>::receive_operation final : public coro::queued_operation {
 public:
  explicit receive_operation(sync::detail::counted_ptr<subscription> of) noexcept
      : subscription_(std::move(of)) {}

  [[nodiscard]] coro::wait_info describe() const override {
    return {"broadcast.receive", subscription_->to.get()};
  }
  bool try_complete() noexcept {
    closed_ = !subscription_ || subscription_->closed;
    return closed_ || subscription_->to->fetch(*subscription_, *this);
  }
  void enqueue() noexcept { subscription_->to->waiters_.push_back(*this); }
  [[nodiscard]] std::optional<T> take() {
    if (closed_) throw_error(errc::closed, "broadcast.receive");
    if (missed_ != 0) throw lagged_error(missed_);
    if (failure_) std::rethrow_exception(failure_);
    return std::move(item_);
  }

 private:
  friend core;
  // What copying throws is this receiver's failure, not the sender's.
  void copy(const T& item) noexcept {
    try {
      item_.emplace(item);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  sync::detail::counted_ptr<subscription> subscription_;
  std::optional<T> item_;
  std::uint64_t missed_ = 0;
  std::exception_ptr failure_;
  bool closed_ = false;
};

template <class T>
broadcast<T>::broadcast(std::size_t capacity) : core_(new core(capacity)) {
  if (capacity == 0) throw_invalid_input("broadcast: capacity zero");
}

template <class T>
std::size_t broadcast<T>::send(T item) {
  return core_->send(std::move(item));
}

}  // namespace eddy
