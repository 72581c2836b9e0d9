// bulkhead: so many calls at once, so many waiting, and no more: one slow dependency does not take the whole ship down.
//
//   eddy::bulkhead reports({.max_concurrent = 4, .max_waiting = 16});
//   auto report = co_await reports.call([&] { return render(id); });
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/resilience/error.hpp>

namespace eddy {

struct bulkhead_options {
  std::string_view name = "bulkhead";  ///< copied; the peer of errors
  std::size_t max_concurrent = 50;
  std::size_t max_waiting = 100;  ///< zero: who cannot run at once is rejected
};

struct bulkhead_statistics {
  std::size_t running = 0;
  std::size_t waiting = 0;
  std::uint64_t admitted = 0;  ///< since construction
  std::uint64_t rejected = 0;
};

/// Belongs to one loop. Places are granted in order of arrival, handed over directly. Destroying it with waiters stops
/// the program; guards must not outlive it.
class bulkhead {
 public:
  class guard;
  class acquire_operation;

  /// Throws invalid_input when `max_concurrent` is zero.
  explicit bulkhead(const bulkhead_options& options = {});
  bulkhead(const bulkhead&) = delete;
  bulkhead& operator=(const bulkhead&) = delete;
  ~bulkhead();

  /// Awaits `fn()` in a place of its own and gives its outcome. Throws resilience::errc::bulkhead_full, which equals
  /// condition::overloaded, without calling it when the queue is full.
  template <class Fn>
    requires coro::awaitable<std::invoke_result_t<Fn&>>
  auto call(Fn fn) -> task<coro::await_result<std::invoke_result_t<Fn&>>>;

  /// A place, held by the guard. Cancelled while waiting, it has none. Throws as call does.
  [[nodiscard]] acquire_operation acquire() noexcept;

  [[nodiscard]] bulkhead_statistics statistics() const noexcept {
    return {running_, waiting_, admitted_, rejected_};
  }

 private:
  [[nodiscard]] bool try_enter() noexcept;
  void leave() noexcept;
  [[noreturn]] void throw_full() const;

  std::string name_;
  std::size_t max_concurrent_;
  std::size_t max_waiting_;
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  std::uint64_t admitted_ = 0;
  std::uint64_t rejected_ = 0;
  intrusive_list<acquire_operation> waiters_;
};

/// Holds a place and gives it back once, on destruction. Move-only.
class [[nodiscard]] bulkhead::guard {
 public:
  guard(guard&& other) noexcept : bulkhead_(std::exchange(other.bulkhead_, nullptr)) {}
  guard& operator=(guard&&) = delete;
  ~guard() {
    if (bulkhead_ != nullptr) bulkhead_->leave();
  }

 private:
  friend acquire_operation;
  explicit guard(bulkhead& entered) noexcept : bulkhead_(&entered) {}
  bulkhead* bulkhead_;
};

/// What acquire() returns, for co_await.
class bulkhead::acquire_operation final : public coro::queued_operation {
 public:
  explicit acquire_operation(bulkhead& wanted) noexcept : bulkhead_(&wanted) {}

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete() noexcept {
    if (bulkhead_->try_enter()) return true;
    rejected_ = bulkhead_->waiting_ >= bulkhead_->max_waiting_;
    return rejected_;
  }
  void enqueue() noexcept {
    ++bulkhead_->waiting_;
    bulkhead_->waiters_.push_back(*this);
  }
  [[nodiscard]] guard take() {
    if (rejected_) {
      ++bulkhead_->rejected_;
      bulkhead_->throw_full();
    }
    return guard(*bulkhead_);
  }

 private:
  friend bulkhead;
  void withdraw() noexcept override {
    --bulkhead_->waiting_;
    queued_operation::withdraw();
  }
  bulkhead* bulkhead_;
  bool rejected_ = false;
};

inline bulkhead::acquire_operation bulkhead::acquire() noexcept { return acquire_operation(*this); }

template <class Fn>
  requires coro::awaitable<std::invoke_result_t<Fn&>>
auto bulkhead::call(Fn fn) -> task<coro::await_result<std::invoke_result_t<Fn&>>> {
  const guard place = co_await acquire();
  co_return co_await std::invoke(fn);
}

}  // namespace eddy
