// What the handles of one channel share. For users: channel.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/sync/counted.hpp>
#include <eddy/sync/ring.hpp>

namespace eddy {

struct channel_statistics {
  std::size_t size = 0;               ///< items sent and not yet received
  std::size_t capacity = 0;           ///< channel<T>::unlimited when unbounded
  std::size_t senders = 0;            ///< open handles
  std::size_t receivers = 0;          ///< open handles
  std::size_t waiting_senders = 0;    ///< tasks waiting in send()
  std::size_t waiting_receivers = 0;  ///< tasks waiting in receive()
};

namespace sync::detail {

template <class T>
class channel_core final : public counted<channel_core<T>> {
 public:
  class endpoint;
  class receive_operation;
  class send_base;
  class send_operation;
  class send_copy_operation;

  explicit channel_core(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// Gives `item` to the first waiting receiver or the buffer; false, `item` untouched, when it has to wait.
  bool insert(T& item) {
    if (receive_operation* receiver = waiting_receivers_.pop_front()) {
      receiver->item_.emplace(std::move(item));
      receiver->complete();
      return true;
    }
    if (buffer_.size() >= capacity_) return false;
    buffer_.push(std::move(item));
    return true;
  }

  /// Takes the next item, of the buffer or else of the first waiting sender, whose place is the last in the buffer.
  bool extract(std::optional<T>& item) {
    send_base* sender = waiting_senders_.front();
    if (!buffer_.empty()) {
      item.emplace(buffer_.pop());
      if (sender != nullptr) buffer_.push(std::move(*sender->item_));
    } else if (sender != nullptr) {
      item.emplace(std::move(*sender->item_));
    } else {
      return false;
    }
    if (sender != nullptr) {
      sender->unlink();
      sender->accepted_ = true;
      sender->complete();
    }
    return true;
  }

  [[nodiscard]] bool no_senders() const noexcept { return senders_ == 0; }
  [[nodiscard]] bool no_receivers() const noexcept { return receivers_ == 0; }
  [[nodiscard]] bool empty() const noexcept { return buffer_.empty() && waiting_senders_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return buffer_.size(); }

  void add_sender() noexcept { ++senders_; }
  void add_receiver() noexcept { ++receivers_; }

  void close_sender(const endpoint& closing) noexcept {
    intrusive_list<send_base> ended;
    move_elements(waiting_senders_, ended,
                  [&](const send_base& sender) { return sender.end_.get() == &closing; });
    intrusive_list<receive_operation> unserved;
    if (--senders_ == 0) unserved.splice(waiting_receivers_);
    while (send_base* sender = ended.pop_front()) sender->complete();
    while (receive_operation* receiver = unserved.pop_front()) receiver->complete();
  }

  void close_receiver(const endpoint& closing) noexcept {
    intrusive_list<receive_operation> ended;
    move_elements(waiting_receivers_, ended, [&](const receive_operation& receiver) {
      return receiver.end_.get() == &closing;
    });
    intrusive_list<send_base> unserved;
    if (--receivers_ == 0) unserved.splice(waiting_senders_);
    while (receive_operation* receiver = ended.pop_front()) {
      receiver->closed_ = true;
      receiver->complete();
    }
    while (send_base* sender = unserved.pop_front()) sender->complete();
    // Destroyed last: an item's destructor may use the channel.
    if (receivers_ == 0) const ring<T> discarded(std::move(buffer_));
  }

  [[nodiscard]] channel_statistics statistics() const noexcept {
    return {buffer_.size(),           capacity_, senders_, receivers_, waiting_senders_.size(),
            waiting_receivers_.size()};
  }

 private:
  // Receivers wait only while the buffer is empty, senders only while it is full. Both at once only in a channel
  // without a buffer, when one select() waits for both; it never serves itself.

  std::size_t capacity_;
  std::size_t senders_ = 0;
  std::size_t receivers_ = 0;
  ring<T> buffer_;
  intrusive_list<receive_operation> waiting_receivers_;
  intrusive_list<send_base> waiting_senders_;
};

/// One open or closed handle: shared by the handle object, which may be moved, and the operations made from it.
template <class T>
class channel_core<T>::endpoint final : public counted<endpoint> {
 public:
  explicit endpoint(counted_ptr<channel_core> of) noexcept : core(std::move(of)) {}

  counted_ptr<channel_core> core;
  bool closed = false;
};

/// What receive() returns, for co_await. Completed without an item, no sender is left, or the handle was closed.
template <class T>
class channel_core<T>::receive_operation final : public coro::queued_operation {
 public:
  explicit receive_operation(counted_ptr<endpoint> from) noexcept : end_(std::move(from)) {}

  [[nodiscard]] coro::wait_info describe() const override {
    return {"channel.receive", end_->core.get()};
  }
  bool try_complete() {
    closed_ = !end_ || end_->closed;
    return closed_ || end_->core->extract(item_) || end_->core->no_senders();
  }
  void enqueue() noexcept { end_->core->waiting_receivers_.push_back(*this); }
  [[nodiscard]] std::optional<T> take() {
    if (closed_) throw_error(errc::closed, "channel.receive");
    return std::move(item_);
  }

 private:
  friend channel_core;
  counted_ptr<endpoint> end_;
  std::optional<T> item_;
  bool closed_ = false;
};

/// Completed without having been accepted, no receiver is left, or the handle was closed.
template <class T>
class channel_core<T>::send_base : public coro::queued_operation {
 public:
  [[nodiscard]] coro::wait_info describe() const override {
    return {"channel.send", end_->core.get()};
  }
  void enqueue() noexcept { end_->core->waiting_senders_.push_back(*this); }
  void take() const {
    if (!accepted_) throw_error(errc::closed, "channel.send");
  }

 protected:
  explicit send_base(counted_ptr<endpoint> to) noexcept : end_(std::move(to)) {}
  send_base(send_base&&) noexcept = default;
  ~send_base() = default;

  bool try_send(T& item) {
    item_ = &item;
    if (!end_ || end_->closed || end_->core->no_receivers()) return true;
    accepted_ = end_->core->insert(item);
    return accepted_;
  }

 private:
  friend channel_core;
  counted_ptr<endpoint> end_;
  T* item_ = nullptr;
  bool accepted_ = false;
};

/// What send(T&&) returns, for co_await. Refers to the caller's object.
template <class T>
class channel_core<T>::send_operation final : public send_base {
 public:
  send_operation(counted_ptr<endpoint> to, T& item) noexcept
      : send_base(std::move(to)), source_(&item) {}
  bool try_complete() { return this->try_send(*source_); }

 private:
  T* source_;
};

/// What send(const T&) returns, for co_await. Owns a copy.
template <class T>
class channel_core<T>::send_copy_operation final : public send_base {
 public:
  send_copy_operation(counted_ptr<endpoint> to, const T& item)
      : send_base(std::move(to)), copy_(item) {}
  bool try_complete() { return this->try_send(copy_); }

 private:
  T copy_;
};

}  // namespace sync::detail
}  // namespace eddy
