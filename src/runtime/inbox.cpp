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
  coro::local_values_ptr locals_;
  loop* loop_ = nullptr;
};

}  // namespace

inbox_node* loop_ref::inbox::closed_mark() noexcept {
  static std::byte mark;
  return reinterpret_cast<inbox_node*>(&mark);
}

bool loop_ref::inbox::add(stack& to, inbox_node& node) noexcept {
  inbox_node* newest = to.load(std::memory_order_relaxed);
  do {
    if (newest == closed_mark()) return false;
    node.next_ = newest;
    // Sequentially consistent, as the load of sleeping_ in wake_sleeper and the pair in prepare_sleep: either the loop
    // sees the node before it sleeps, or this thread sees that it sleeps.
  } while (!to.compare_exchange_weak(newest, &node, std::memory_order_seq_cst));
  return true;
}

void loop_ref::inbox::wake_sleeper() noexcept {
  if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false)) io_->wake();
}

bool loop_ref::inbox::push(inbox_node& node) noexcept {
  pushing_.fetch_add(1, std::memory_order_acquire);
  const bool open = add(posts_, node);
  if (open) wake_sleeper();
  pushing_.fetch_sub(1, std::memory_order_release);
  return open;
}

void loop_ref::inbox::push_return(inbox_node& node) noexcept {
  pushing_.fetch_add(1, std::memory_order_acquire);
  add(returns_, node);
  wake_sleeper();
  pushing_.fetch_sub(1, std::memory_order_release);
}

bool loop_ref::inbox::prepare_sleep() noexcept {
  sleeping_.store(true, std::memory_order_seq_cst);
  const inbox_node* newest = posts_.load(std::memory_order_seq_cst);
  const bool nothing = (newest == nullptr || newest == closed_mark()) &&
                       returns_.load(std::memory_order_seq_cst) == nullptr;
  if (!nothing) awake();
  return nothing;
}

bool loop_ref::inbox::deliver(inbox_node* newest, loop& to) noexcept {
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

inbox_node* loop_ref::inbox::take(stack& from, inbox_node* leave) noexcept {
  inbox_node* newest = from.load(std::memory_order_acquire);
  if (newest == leave || newest == closed_mark()) return nullptr;
  return from.exchange(leave, std::memory_order_acq_rel);
}

bool loop_ref::inbox::deliver_all(loop& to) noexcept {
  const bool posts = deliver(take(posts_, nullptr), to);
  const bool returns = deliver(take(returns_, nullptr), to);
  return posts || returns;
}

void loop_ref::inbox::close(loop& from) noexcept {
  if (posts_.load(std::memory_order_relaxed) != closed_mark()) {
    deliver(posts_.exchange(closed_mark(), std::memory_order_acq_rel), from);
  }
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
