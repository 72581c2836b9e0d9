// channel: items from senders to receivers; each side learns when the other is gone.
//
//   auto [tx, rx] = eddy::channel<std::string>(16);
//   co_await tx.send("hello");                                   // waits while 16 are on their way
//   while (auto line = co_await rx.receive()) print(*line);      // until the last sender is closed
//
// A queue is shared by reference and shut down by somebody; a channel belongs to its handles and ends by itself.
#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/sync/channel_core.hpp>
#include <eddy/sync/counted.hpp>

namespace eddy {

template <class T>
class channel;

/// One of a channel's senders. A copy is a further sender; a moved-from one is closed. Belongs to one loop.
template <class T>
class channel_sender {
  using core = sync::detail::channel_core<T>;
  using endpoint = typename core::endpoint;

 public:
  /// A closed one.
  channel_sender() noexcept = default;
  channel_sender(const channel_sender& other) : channel_sender(other.core_of()) {}
  channel_sender(channel_sender&&) noexcept = default;
  channel_sender& operator=(channel_sender other) noexcept {
    std::swap(end_, other.end_);
    return *this;
  }
  ~channel_sender() { close(); }

  /// Waits until there is room, or without a buffer until a receiver takes the item. Refers to the caller's object and
  /// moves from it only when the item is accepted, so the object lives until the await has ended; when it throws
  /// (cancelled, errc::closed when no receiver is left or this handle is closed), the object is as it was.
  [[nodiscard]] auto send(T&& item) noexcept { return typename core::send_operation(end_, item); }
  /// Copies at the call and owns the copy.
  [[nodiscard]] auto send(const T& item)
    requires std::copy_constructible<T>
  {
    return typename core::send_copy_operation(end_, item);
  }
  /// The same without waiting: false, `item` untouched, when it would wait. Throws errc::closed as send does.
  [[nodiscard]] bool try_send(T&& item) {
    require_open();
    return end_->core->insert(item);
  }
  [[nodiscard]] bool try_send(const T& item)
    requires std::copy_constructible<T>
  {
    require_open();
    T copy(item);
    return end_->core->insert(copy);
  }

  /// Closes this handle: tasks that wait in its send() get errc::closed. With the last sender, the channel ends for the
  /// receivers once what was sent is received. Without effect when it is closed.
  void close() noexcept {
    const auto closing = std::exchange(end_, {});
    if (!closing) return;
    closing->closed = true;
    closing->core->close_sender(*closing);
  }

  /// Whether nobody is left to receive, or this handle is closed.
  [[nodiscard]] bool closed() const noexcept { return !end_ || end_->core->no_receivers(); }
  /// All zero when this handle is closed.
  [[nodiscard]] channel_statistics statistics() const noexcept {
    return end_ ? end_->core->statistics() : channel_statistics();
  }

 private:
  friend channel<T>;
  using core_pointer = sync::detail::counted_ptr<core>;

  explicit channel_sender(core_pointer of) {
    if (!of) return;
    end_ = sync::detail::counted_ptr<endpoint>(new endpoint(std::move(of)));
    end_->core->add_sender();
  }
  [[nodiscard]] core_pointer core_of() const noexcept { return end_ ? end_->core : core_pointer(); }
  void require_open() const {
    if (closed()) throw_error(errc::closed, "channel.try_send");
  }

  sync::detail::counted_ptr<endpoint> end_;
};

/// One of a channel's receivers. A copy is a further receiver of the same items: each item goes to one of them. A
/// moved-from one is closed. Belongs to one loop.
template <class T>
class channel_receiver {
  using core = sync::detail::channel_core<T>;
  using endpoint = typename core::endpoint;

 public:
  /// A closed one.
  channel_receiver() noexcept = default;
  channel_receiver(const channel_receiver& other) : channel_receiver(other.core_of()) {}
  channel_receiver(channel_receiver&&) noexcept = default;
  channel_receiver& operator=(channel_receiver other) noexcept {
    std::swap(end_, other.end_);
    return *this;
  }
  ~channel_receiver() { close(); }

  /// The next item; waits for one. Empty, again and again, when all senders are closed and nothing is left. Cancelled
  /// or refused, it has taken nothing. Throws errc::closed when this handle is closed.
  [[nodiscard]] auto receive() noexcept { return typename core::receive_operation(end_); }

  /// An item, or nothing when there is none; at_end() says whether there can be one later. Never waits. Throws
  /// errc::closed when this handle is closed.
  [[nodiscard]] std::optional<T> try_receive() {
    if (!end_) throw_error(errc::closed, "channel.try_receive");
    std::optional<T> item;
    end_->core->extract(item);
    return item;
  }

  /// Closes this handle: tasks that wait in its receive() get errc::closed. With the last receiver, what was sent and
  /// not received is destroyed, and senders get errc::closed. Without effect when it is closed.
  void close() noexcept {
    const auto closing = std::exchange(end_, {});
    if (!closing) return;
    closing->closed = true;
    closing->core->close_receiver(*closing);
  }

  /// Whether nothing will come any more: everything was received and no sender is left, or this handle is closed.
  [[nodiscard]] bool at_end() const noexcept {
    return !end_ || (end_->core->no_senders() && end_->core->empty());
  }
  /// All zero when this handle is closed.
  [[nodiscard]] channel_statistics statistics() const noexcept {
    return end_ ? end_->core->statistics() : channel_statistics();
  }

 private:
  friend channel<T>;
  using core_pointer = sync::detail::counted_ptr<core>;

  explicit channel_receiver(core_pointer of) {
    if (!of) return;
    end_ = sync::detail::counted_ptr<endpoint>(new endpoint(std::move(of)));
    end_->core->add_receiver();
  }
  [[nodiscard]] core_pointer core_of() const noexcept { return end_ ? end_->core : core_pointer(); }

  sync::detail::counted_ptr<endpoint> end_;
};

/// Makes a channel: its first sender and its first receiver, to be taken apart by a structured binding. The channel
/// lives as long as its handles. T moves without throwing.
///
/// Waiting receivers and senders are served in order of arrival, and directly: an item sent while somebody waits in
/// receive() is that receiver's at once. Only send and try_send allocate, when the buffer grows to a size it never had.
template <class T>
class channel {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "items are handed from task to task: moving one must not throw");

 public:
  using sender = channel_sender<T>;
  using receiver = channel_receiver<T>;

  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  /// At most `capacity` items are on their way; zero: an item is sent only together with its receipt.
  explicit channel(std::size_t capacity)
      : channel(sync::detail::counted_ptr<core>(new core(capacity))) {}

  sender tx;
  receiver rx;

 private:
  using core = sync::detail::channel_core<T>;
  explicit channel(const sync::detail::counted_ptr<core>& shared) : tx(shared), rx(shared) {}
};

}  // namespace eddy
