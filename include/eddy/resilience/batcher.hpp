// batcher: many small requests become few large ones; each caller gets its own result.
//
//   eddy::batcher<user_id, user> users(
//       [&](std::vector<user_id> ids) -> eddy::task<std::vector<user>> { return db.load_users(std::move(ids)); },
//       {.max_size = 50, .max_age = 5ms});
//   user u = co_await users.submit(id);     // from any number of tasks
//   co_await users.close();
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/timer_queue.hpp>
#include <eddy/resilience/batch_results.hpp>
#include <eddy/resilience/error.hpp>
#include <eddy/resilience/prepared_task.hpp>
#include <eddy/sync/event.hpp>

namespace eddy {

struct batcher_options {
  std::size_t max_size = 100;  ///< items in a batch; so many start one at once
  duration max_age = std::chrono::milliseconds(10);  ///< the longest that an item waits for others
  std::size_t max_running = 1;  ///< batches at once; further items wait with their callers
  std::size_t max_waiting =
      10'000;  ///< items that may wait; one more is rejected: resilience::errc::bulkhead_full
};

struct batcher_statistics {
  std::size_t waiting = 0;  ///< items in line
  std::size_t running = 0;  ///< batches under way
  std::uint64_t items = 0;  ///< given to batches since construction
  std::uint64_t batches = 0;
  std::uint64_t rejected = 0;
};

/// Belongs to one loop. A batch starts when max_size items wait, or when the first has waited for max_age, and fewer
/// than max_running are under way; it runs as a task of the loop's root group, so that no caller's cancellation hits
/// the others. Items are taken in order of arrival.
///
/// The callable takes std::vector<Item> and gives a task of std::vector<Result>, or std::vector<result<Result>> where
/// items fail one by one, one element per item in order (for Result = void also task<void>). What it throws, every
/// caller of the batch gets; a wrong number of results is invalid_input for each.
///
/// A caller that is cancelled while its item waits takes the item out of the line: nothing happened. Once the item is
/// in a batch, the caller stays suspended until the outcome is known, and gets it. A batch all of whose callers are
/// cancelled is cancelled itself. Destroying a batcher before it is empty stops the program: close() it.
///
/// What a batch needs to start is allocated while its items are accepted: submit throws std::bad_alloc, and what was
/// accepted is not lost to a lack of memory.
template <class Item, class Result>
class batcher : private coro::timer {
  using results = std::vector<result<Result>>;
  class submit_base;
  struct batch;
  struct spare;

 public:
  class submit_operation;
  class submit_copy_operation;

  /// Throws invalid_input when max_size or max_running is zero.
  template <class Fn>
    requires std::is_invocable_v<Fn&, std::vector<Item>>
  explicit batcher(Fn fn, batcher_options options = {})
      : options_(options), run_([fn = std::move(fn)](std::vector<Item> items) mutable {
          return resilience::detail::run_batch<Result>(fn, std::move(items));
        }) {
    if (options_.max_size == 0) throw_invalid_input("batcher: max_size is zero");
    if (options_.max_running == 0) throw_invalid_input("batcher: max_running is zero");
  }
  batcher(const batcher&) = delete;
  batcher& operator=(const batcher&) = delete;
  ~batcher() {
    check(waiting_ == 0 && running_ == 0, "a batcher was destroyed while items are under way");
  }

  /// Gives the item's own result, or throws its failure. Refers to the caller's object, as queue::put does, and moves
  /// from it only when a batch starts. Throws errc::closed after close().
  [[nodiscard]] submit_operation submit(Item&& item) noexcept { return {*this, item}; }
  /// The same with a copy.
  [[nodiscard]] submit_copy_operation submit(const Item& item)
    requires std::is_copy_constructible_v<Item>
  {
    return {*this, item};
  }

  /// Starts what waits now, however little it is, as soon as max_running allows.
  void flush() {
    to_flush_ = waiting_;
    start_batches();
  }

  /// Takes no more items, starts those that wait, and waits until every caller has its result. Cancelled, it is closed
  /// all the same; may be called again.
  [[nodiscard]] task<void> close() {
    closed_ = true;
    start_batches();
    co_await empty_.wait();
  }

  [[nodiscard]] batcher_statistics statistics() const noexcept {
    return {waiting_, running_, items_, batches_, rejected_};
  }

 private:
  [[nodiscard]] bool due() const;
  void prepare_for_one_more();
  void drop_spares() noexcept;
  void start_batches() noexcept;
  void start_batch() noexcept;
  task<void> run(std::shared_ptr<batch> started);
  void settle(batch& ended, results given) noexcept;
  void settle(batch& ended, std::exception_ptr failure) noexcept;
  void expired() noexcept override { start_batches(); }

  batcher_options options_;
  std::function<task<results>(std::vector<Item>)> run_;
  intrusive_list<submit_base> line_;
  std::deque<spare> spares_;  // one for each batch that will be made of the line, perhaps one more
  std::size_t waiting_ = 0;   // in line_
  std::size_t to_flush_ = 0;  // of these, from the front: due whatever their age
  std::size_t running_ = 0;
  bool closed_ = false;
  event empty_;  // set once it is closed and nothing is left
  std::uint64_t items_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t rejected_ = 0;
};

/// One call of the callable: whose items are in it.
template <class Item, class Result>
struct batcher<Item, Result>::batch {
  std::vector<submit_base*> callers;
  std::vector<Item> items;
  std::size_t leaving = 0;  // callers that are cancelled
  any_task_handle task;
};

template <class Item, class Result>
struct batcher<Item, Result>::spare {
  std::shared_ptr<batch> of;
  resilience::detail::prepared_task task;
};

template <class Item, class Result>
class batcher<Item, Result>::submit_base : public coro::queued_operation {
 public:
  [[nodiscard]] coro::wait_info describe() const override {
    return {"batcher.submit", batcher_, nullptr, batch_ != nullptr ? "in a batch" : "in line"};
  }
  void enqueue() {
    batcher_->prepare_for_one_more();
    arrived_ = this->loop().now();
    ++batcher_->waiting_;
    batcher_->line_.push_back(*this);
    batcher_->start_batches();
  }
  Result take() {
    if (outcome_) return *std::move(*outcome_);
    if (batcher_->closed_) throw_error(errc::closed, "batcher.submit");
    ++batcher_->rejected_;
    throw_error(make_error_code(resilience::errc::bulkhead_full), "batcher.submit");
  }

 protected:
  explicit submit_base(batcher& to) noexcept : batcher_(&to) {}
  submit_base(submit_base&& other) noexcept
      : queued_operation(std::move(other)), batcher_(other.batcher_) {}
  ~submit_base() = default;

  [[nodiscard]] bool offer(Item& item) noexcept {
    item_ = &item;
    return batcher_->closed_ || batcher_->waiting_ >= batcher_->options_.max_waiting;
  }

 private:
  friend batcher;
  void withdraw() noexcept override {
    if (batch_ == nullptr) {
      this->unlink();
      --batcher_->waiting_;
      if (batcher_->to_flush_ > batcher_->waiting_) batcher_->to_flush_ = batcher_->waiting_;
      batcher_->drop_spares();
      batcher_->start_batches();  // the first in line may be another now
      this->withdrawn();
    } else if (++batch_->leaving == batch_->callers.size()) {
      cancel_batch();
    }
  }
  // Without the memory for that it runs to its end, and its callers get what it gives.
  void cancel_batch() noexcept {
    try {
      batch_->task.cancel(cancel_reason::requested, "all callers of the batch were cancelled");
    } catch (const std::bad_alloc&) {
    }
  }
  void settle(const std::exception_ptr& failure) noexcept {
    outcome_.emplace(failure);
    this->complete();
  }
  void settle(result<Result>&& given) noexcept {
    try {
      outcome_.emplace(std::move(given));
    } catch (...) {  // a result that cannot be moved
      outcome_.emplace(std::current_exception());
    }
    this->complete();
  }

  batcher* batcher_;
  batch* batch_ = nullptr;
  Item* item_ = nullptr;
  time_point arrived_{};
  std::optional<result<Result>> outcome_;
};

/// What submit(Item&&) returns, for co_await.
template <class Item, class Result>
class batcher<Item, Result>::submit_operation final : public submit_base {
 public:
  submit_operation(batcher& to, Item& item) noexcept : submit_base(to), source_(&item) {}
  bool try_complete() noexcept { return this->offer(*source_); }

 private:
  Item* source_;
};

/// What submit(const Item&) returns, for co_await.
template <class Item, class Result>
class batcher<Item, Result>::submit_copy_operation final : public submit_base {
 public:
  submit_copy_operation(batcher& to, const Item& item) : submit_base(to), copy_(item) {}
  bool try_complete() noexcept { return this->offer(copy_); }

 private:
  Item copy_;
};

}  // namespace eddy

#include <eddy/resilience/batcher_running.hpp>
