// How a batcher starts batches and settles their callers: the end of batcher.hpp.
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <utility>

#include <eddy/resilience/batcher.hpp>

namespace eddy {

template <class Item, class Result>
bool batcher<Item, Result>::due() const {
  if (closed_ || to_flush_ > 0 || waiting_ >= options_.max_size) return true;
  return after(line_.front()->arrived_, options_.max_age) <= now();
}

// Each spare but the last has room for a full batch, the last for what is left.
template <class Item, class Result>
void batcher<Item, Result>::prepare_for_one_more() {
  const std::size_t full = waiting_ / options_.max_size;
  if (spares_.size() == full) {
    auto of = std::make_shared<batch>();
    resilience::detail::prepared_task task(run(of), "batch");
    spares_.push_back({std::move(of), std::move(task)});
  }
  batch& last = *spares_[full].of;
  const std::size_t needed = waiting_ % options_.max_size + 1;
  if (last.callers.capacity() < needed) last.callers.reserve(2 * needed);
  if (last.items.capacity() < needed) last.items.reserve(2 * needed);
}

template <class Item, class Result>
void batcher<Item, Result>::drop_spares() noexcept {
  while (spares_.size() > waiting_ / options_.max_size + 1) spares_.pop_back();
}

template <class Item, class Result>
void batcher<Item, Result>::start_batches() noexcept {
  coro::timer_queue& timers = coro::scheduler::require().timers();
  timers.remove(*this);
  while (waiting_ > 0 && running_ < options_.max_running && due()) start_batch();
  if (waiting_ > 0 && running_ < options_.max_running) {
    try {
      timers.add(*this, after(line_.front()->arrived_, options_.max_age));
    } catch (const std::bad_alloc&) {  // then nothing waits for others
      to_flush_ = waiting_;
      while (waiting_ > 0 && running_ < options_.max_running) start_batch();
    }
  }
  if (closed_ && waiting_ == 0 && running_ == 0) empty_.set();
}

template <class Item, class Result>
void batcher<Item, Result>::start_batch() noexcept {
  const std::size_t count = std::min(waiting_, options_.max_size);
  spare prepared = std::move(spares_.front());
  spares_.pop_front();
  batch& started = *prepared.of;
  for (std::size_t i = 0; i < count; ++i) {
    submit_base& caller = *line_.pop_front();
    try {
      started.items.push_back(std::move(*caller.item_));
    } catch (...) {  // an item that cannot be moved
      caller.settle(std::current_exception());
      continue;
    }
    caller.batch_ = &started;
    started.callers.push_back(&caller);
  }
  waiting_ -= count;
  to_flush_ -= std::min(to_flush_, count);
  if (started.items.empty()) return;
  items_ += started.items.size();
  ++batches_;
  ++running_;
  started.task = std::move(prepared.task).start();
}

template <class Item, class Result>
task<void> batcher<Item, Result>::run(std::shared_ptr<batch> started) {
  try {
    auto given = co_await run_(std::move(started->items));
    settle(*started, std::move(given));
  } catch (const cancelled&) {
    settle(*started, nullptr);
  } catch (...) {
    settle(*started, std::current_exception());
  }
  --running_;
  start_batches();
}

template <class Item, class Result>
void batcher<Item, Result>::settle(batch& ended, results given) noexcept {
  for (std::size_t i = 0; i < given.size(); ++i) ended.callers[i]->settle(std::move(given[i]));
}

// Without a failure it was cancelled: because all callers were, or although somebody still waits, as at the loop's end.
template <class Item, class Result>
void batcher<Item, Result>::settle(batch& ended, std::exception_ptr failure) noexcept {
  for (submit_base* caller : ended.callers) {
    if (failure == nullptr && caller->withdrawing()) {
      caller->withdrawn();
    } else {
      caller->settle(failure ? failure : resilience::detail::batch_cancelled());
    }
  }
}

}  // namespace eddy
