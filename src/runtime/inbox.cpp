#include "inbox.hpp"

#include <thread>

#include <eddy/coro/task_local.hpp>

namespace eddy::runtime {
namespace {

/// A callback on its way: first in the inbox, then in the ready queue.
class posted_callback final : public inbox_node, public coro::ready_node {
 public:
  posted_callback(std::move_only_function<void()> callback, std::source_location where)
      : callback_(std::move(callback)), where_(where), locals_(coro::current_locals()) {}

  void deliver(loop& to) noexcept override {
    loop_ = &to;
    to.make_ready(*this);
  }

 private:
  void run() noexcept override {
    const std::unique_ptr<posted_callback> self(this);
    loop_->callback_locals() = std::move(locals_);
    try {
      callback_();
      callback_ = nullptr;
    } catch (...) {
      loop_->report({"a posted callback failed", std::current_exception(), {}, where_});
    }
    loop_->callback_locals().reset();
  }

  std::move_only_function<void()> callback_;
  std::source_location where_;
  std::shared_ptr<coro::local_values> locals_;
  loop* loop_ = nullptr;
};

}  // namespace

inbox_node* loop_ref::inbox::closed_mark() noexcept {
  static std::byte mark;
  return reinterpret_cast<inbox_node*>(&mark);
}

bool loop_ref::inbox::push(inbox_node& node) noexcept {
  pushing_.fetch_add(1, std::memory_order_acquire);
  inbox_node* newest = head_.load(std::memory_order_relaxed);
  bool open = newest != closed_mark();
  while (open) {
    node.next_ = newest;
    // Sequentially consistent, as the load of sleeping_ below and the pair in prepare_sleep: either the loop sees the
    // node before it sleeps, or this thread sees that it sleeps.
    if (head_.compare_exchange_weak(newest, &node, std::memory_order_seq_cst)) break;
    open = newest != closed_mark();
  }
  if (open && sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false)) io_->wake();
  pushing_.fetch_sub(1, std::memory_order_release);
  return open;
}

bool loop_ref::inbox::prepare_sleep() noexcept {
  sleeping_.store(true, std::memory_order_seq_cst);
  if (head_.load(std::memory_order_seq_cst) == nullptr) return true;
  awake();
  return false;
}

bool loop_ref::inbox::deliver_list(inbox_node* newest, loop& to) noexcept {
  if (newest == nullptr) return false;
  inbox_node* oldest = nullptr;
  while (newest != nullptr) {
    inbox_node* following = newest->next_;
    newest->next_ = oldest;
    oldest = newest;
    newest = following;
  }
  while (oldest != nullptr) {
    inbox_node* node = oldest;
    oldest = node->next_;
    node->deliver(to);
  }
  return true;
}

bool loop_ref::inbox::deliver_all(loop& to) noexcept {
  if (empty()) return false;
  return deliver_list(head_.exchange(nullptr, std::memory_order_acquire), to);
}

void loop_ref::inbox::close(loop& from) noexcept {
  deliver_list(head_.exchange(closed_mark(), std::memory_order_acq_rel), from);
  // A push that has won its race may still be about to wake the driver; it takes a few instructions.
  while (pushing_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

bool loop_ref::post_callback(std::move_only_function<void()> callback,
                             std::source_location where) const {
  if (!inbox_) return false;
  auto node = std::make_unique<posted_callback>(std::move(callback), where);
  if (!inbox_->push(*node)) return false;
  node.release();
  return true;
}

}  // namespace eddy::runtime
