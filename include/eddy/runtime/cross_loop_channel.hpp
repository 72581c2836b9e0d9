// cross_loop_channel: a bounded queue from any number of threads and loops to one loop.
//
//   eddy::cross_loop_channel<job> jobs(100);
//   auto sender = jobs.sender();               // copy it to other loops and threads
//   co_await sender.send(std::move(job));      // on any loop; waits while the channel is full
//   while (auto next = co_await receiver.receive()) ...
//
// Values of one sender arrive in order, each exactly once. Nothing else may cross loops: queue, channel and the
// like are for the tasks of one loop, and cheaper.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/runtime/cross_loop_wait.hpp>

namespace eddy {

struct cross_loop_statistics {
  std::size_t size = 0;
  std::size_t capacity = 0;
  std::size_t waiting_senders = 0;
  std::size_t waiting_receivers = 0;
  bool closed = false;  ///< one of the sides has gone
};

/// Makes the two sides; the channel itself lives as long as either.
template <class T>
class cross_loop_channel {
  class core;
  class send_operation;
  class receive_operation;

 public:
  class sender_type;
  class receiver_type;

  /// Room for `capacity` values; zero throws invalid_input.
  explicit cross_loop_channel(std::size_t capacity)
      : core_(std::make_shared<core>(capacity)), sender_(core_), receiver_(core_) {}

  /// The sending side, to be moved out or copied. This object is a sender until it is destroyed or the side moved
  /// out.
  [[nodiscard]] sender_type& sender() noexcept { return sender_; }
  /// The receiving side, to be moved to its loop.
  [[nodiscard]] receiver_type& receiver() noexcept { return receiver_; }

  /// Sends values; any thread. Copies send into the same channel; when the last one is gone, the channel is closed.
  class sender_type {
   public:
    explicit sender_type(std::shared_ptr<core> to) noexcept : core_(std::move(to)) { join(); }
    sender_type(const sender_type& other) noexcept : sender_type(other.core_) {}
    sender_type(sender_type&& other) noexcept : core_(std::move(other.core_)) {}
    sender_type& operator=(sender_type other) noexcept {
      std::swap(core_, other.core_);
      return *this;
    }
    ~sender_type() {
      if (core_) core_->sender_left();
    }

    /// Waits for room; on any loop. Throws errc::closed when the receiver has gone. `item` is moved from only when
    /// it was taken, and has to live as long as the await.
    [[nodiscard]] send_operation send(T&& item) { return send_operation(*core_, item); }
    /// False, `item` untouched, when the channel is full. Throws errc::closed.
    [[nodiscard]] bool try_send(T&& item) { return core_->try_send(item); }
    /// Blocks the thread while the channel is full; not on a loop's thread. Throws errc::closed.
    void send_from_thread(T&& item) { core_->send_blocking(item); }
    [[nodiscard]] cross_loop_statistics statistics() const { return core_->statistics(); }

   private:
    void join() noexcept {
      if (core_) core_->sender_came();
    }
    std::shared_ptr<core> core_;
  };

  /// Receives values; used on one loop. Move-only; when it is destroyed, what is in the channel is dropped and
  /// senders get errc::closed.
  class receiver_type {
   public:
    explicit receiver_type(std::shared_ptr<core> from) noexcept : core_(std::move(from)) {}
    receiver_type(receiver_type&&) noexcept = default;
    receiver_type& operator=(receiver_type&& other) noexcept {
      close();
      core_ = std::move(other.core_);
      return *this;
    }
    ~receiver_type() { close(); }

    /// Waits for a value; nothing when the channel is empty and all senders have gone.
    [[nodiscard]] receive_operation receive() { return receive_operation(*core_); }
    /// A value that is there, without waiting.
    [[nodiscard]] std::optional<T> try_receive() { return core_->try_receive(); }
    [[nodiscard]] cross_loop_statistics statistics() const { return core_->statistics(); }

   private:
    void close() noexcept {
      if (core_) core_->receiver_left();
    }
    std::shared_ptr<core> core_;
  };

 private:
  std::shared_ptr<core> core_;
  sender_type sender_;
  receiver_type receiver_;
};

/// Everything here under one lock, held for a few instructions. Senders wait only while the channel is full,
/// receivers only while it is empty. A waiter reads what it was given after it was woken, which lock and inbox
/// bring in order.
template <class T>
class cross_loop_channel<T>::core {
 public:
  struct waiting_send : list_hook<> {
    T* item = nullptr;
    bool accepted = false;
    runtime::cross_loop_waiter* waiter = nullptr;
  };
  struct waiting_receive : list_hook<> {
    std::optional<T> item;
    runtime::cross_loop_waiter* waiter = nullptr;
  };

  explicit core(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0) throw_invalid_input("cross_loop_channel: capacity");
  }

  void sender_came() noexcept {
    const std::lock_guard guard(lock_);
    ++senders_;
  }
  void sender_left() noexcept {
    const std::lock_guard guard(lock_);
    if (--senders_ > 0) return;
    while (waiting_receive* entry = receives_.pop_front()) entry->waiter->wake();
  }
  void receiver_left() noexcept {
    std::deque<T> dropped;  // destroyed without the lock
    const std::lock_guard guard(lock_);
    receiver_gone_ = true;
    dropped.swap(items_);
    while (waiting_send* entry = sends_.pop_front()) entry->waiter->wake();
  }

  [[nodiscard]] bool try_send(T& item) {
    const std::lock_guard guard(lock_);
    return insert(item);
  }
  /// True when it is over: accepted, or the receiver has gone.
  [[nodiscard]] bool send_or_queue(waiting_send& entry) {
    const std::lock_guard guard(lock_);
    entry.accepted = !receiver_gone_ && insert(*entry.item);
    if (entry.accepted || receiver_gone_) return true;
    if (entry.waiter != nullptr) sends_.push_back(entry);
    return false;
  }
  void send_blocking(T& item) {
    runtime::blocked_thread self;
    waiting_send entry;
    entry.item = &item;
    std::unique_lock guard(lock_);
    if (insert(item)) return;
    entry.waiter = &self;
    sends_.push_back(entry);
    self.wait(guard);
    if (!entry.accepted) throw_closed();
  }
  [[nodiscard]] std::optional<T> try_receive() {
    const std::lock_guard guard(lock_);
    return extract();
  }
  /// True when it is over: there was an item, or there will be none.
  [[nodiscard]] bool receive_or_queue(waiting_receive& entry) {
    const std::lock_guard guard(lock_);
    entry.item = extract();
    if (entry.item || senders_ == 0) return true;
    if (entry.waiter != nullptr) receives_.push_back(entry);
    return false;
  }
  /// False when `entry` was served before.
  [[nodiscard]] bool leave(list_hook<>& entry) noexcept {
    const std::lock_guard guard(lock_);
    const bool waiting = entry.linked();
    entry.unlink();
    return waiting;
  }

  [[nodiscard]] cross_loop_statistics statistics() const {
    const std::lock_guard guard(lock_);
    return {items_.size(), capacity_, sends_.size(), receives_.size(),
            receiver_gone_ || senders_ == 0};
  }
  [[noreturn]] static void throw_closed() { throw_error(errc::closed, "cross_loop_channel.send"); }

 private:
  bool insert(T& item) {
    if (receiver_gone_) throw_closed();
    if (waiting_receive* entry = receives_.pop_front()) {
      entry->item.emplace(std::move(item));
      entry->waiter->wake();
      return true;
    }
    if (items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    return true;
  }
  std::optional<T> extract() {
    std::optional<T> item;
    if (items_.empty()) return item;
    item.emplace(std::move(items_.front()));
    items_.pop_front();
    if (waiting_send* entry = sends_.pop_front()) {
      items_.push_back(std::move(*entry->item));
      entry->accepted = true;
      entry->waiter->wake();
    }
    return item;
  }

  mutable std::mutex lock_;
  const std::size_t capacity_;
  std::deque<T> items_;
  std::size_t senders_ = 0;
  bool receiver_gone_ = false;
  intrusive_list<waiting_send> sends_;
  intrusive_list<waiting_receive> receives_;
};

template <class T>
class cross_loop_channel<T>::send_operation final : public runtime::cross_loop_wait {
 public:
  send_operation(core& to, T& item) noexcept : core_(&to), source_(&item) {}
  [[nodiscard]] coro::wait_info describe() const override {
    return {"cross_loop_channel.send", core_};
  }
  bool try_complete() {
    entry_.item = source_;
    return core_->send_or_queue(entry_);
  }
  void enqueue() {
    remember_home();
    entry_.waiter = this;
    if (core_->send_or_queue(entry_)) complete();  // room was made meanwhile
  }
  void take() const {
    if (!entry_.accepted) core::throw_closed();
  }

 private:
  void withdraw() noexcept override {
    if (core_->leave(entry_)) withdrawn();
  }
  core* core_;
  T* source_;
  typename core::waiting_send entry_;
};

template <class T>
class cross_loop_channel<T>::receive_operation final : public runtime::cross_loop_wait {
 public:
  explicit receive_operation(core& from) noexcept : core_(&from) {}
  [[nodiscard]] coro::wait_info describe() const override {
    return {"cross_loop_channel.receive", core_};
  }
  bool try_complete() { return core_->receive_or_queue(entry_); }
  void enqueue() {
    remember_home();
    entry_.waiter = this;
    if (core_->receive_or_queue(entry_)) complete();
  }
  [[nodiscard]] std::optional<T> take() { return std::move(entry_.item); }

 private:
  void withdraw() noexcept override {
    if (core_->leave(entry_)) withdrawn();
  }
  core* core_;
  typename core::waiting_receive entry_;
};

}  // namespace eddy
