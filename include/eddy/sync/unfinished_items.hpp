// How many items of a queue still have to be worked off, and who waits for the last one.
#pragma once

#include <cstddef>

#include <eddy/base/check.hpp>
#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>

namespace eddy::sync::detail {

/// Counts items from their put to their task_done(). Belongs to one queue.
class unfinished_items {
 public:
  class join_operation;

  unfinished_items() noexcept = default;
  unfinished_items(const unfinished_items&) = delete;
  unfinished_items& operator=(const unfinished_items&) = delete;
  ~unfinished_items() { check(joiners_.empty(), "a queue was destroyed while tasks join it"); }

  void add() noexcept { ++count_; }
  /// `n` of them are done, at most as many as there are; the last one releases the joiners.
  void finish(std::size_t n) noexcept {
    count_ -= n;
    if (count_ == 0) release_joiners();
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t joiners() const noexcept { return joiners_.size(); }
  [[nodiscard]] join_operation join() noexcept;

 private:
  void release_joiners() noexcept;

  std::size_t count_ = 0;
  intrusive_list<join_operation> joiners_;
};

/// What join() returns, for co_await.
class unfinished_items::join_operation final : public coro::queued_operation {
 public:
  explicit join_operation(unfinished_items& items) noexcept : items_(&items) {}

  [[nodiscard]] coro::wait_info describe() const override;
  [[nodiscard]] bool try_complete() const noexcept { return items_->count_ == 0; }
  void enqueue() noexcept { items_->joiners_.push_back(*this); }
  void take() const noexcept {}

 private:
  friend unfinished_items;
  unfinished_items* items_;
};

inline unfinished_items::join_operation unfinished_items::join() noexcept {
  return join_operation(*this);
}

}  // namespace eddy::sync::detail
