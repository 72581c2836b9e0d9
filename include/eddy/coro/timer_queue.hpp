// Timers in order of their deadlines; equal deadlines in order of registration.
//
// A 4-ary heap of (deadline, sequence, timer): adding is O(log n) and O(1) for the usual growing deadlines; removing
// is O(1) and leaves a hole that is swept when holes outnumber live timers. Used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <eddy/base/check.hpp>
#include <eddy/base/time.hpp>

namespace eddy::coro {

class timer_queue;

/// Something that happens at a time. Must not move or be destroyed while armed.
class timer {
 public:
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  [[nodiscard]] bool armed() const noexcept { return position_ != idle; }

 protected:
  timer() noexcept = default;
  ~timer() { debug_check(!armed(), "a timer was destroyed while armed"); }
  /// Called once when the deadline has come, disarmed already; may arm and disarm any timers.
  virtual void expired() noexcept = 0;

 private:
  friend class timer_queue;
  static constexpr std::uint32_t idle = UINT32_MAX;
  std::uint32_t position_ = idle;
};

class timer_queue {
 public:
  timer_queue() = default;
  timer_queue(const timer_queue&) = delete;
  timer_queue& operator=(const timer_queue&) = delete;

  /// Arms `t`, which must not be armed.
  void add(timer& t, time_point deadline);
  /// Disarms `t`; without effect when it is not armed.
  void remove(timer& t) noexcept;

  [[nodiscard]] bool empty() const noexcept { return heap_.size() == holes_; }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size() - holes_; }
  /// The earliest deadline; `never` when there is none.
  [[nodiscard]] time_point next_deadline() noexcept;
  /// Expires all timers due at `now` and returns how many.
  std::size_t expire(time_point now) noexcept;

 private:
  struct entry {
    std::int64_t deadline;
    std::uint64_t sequence;
    timer* owner;  // null: removed
    bool before(const entry& other) const noexcept {
      return deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence;
    }
  };

  void place(std::size_t at, const entry& e) noexcept;
  void sift_up(std::size_t at, entry e) noexcept;
  void sift_down(std::size_t at, entry e) noexcept;
  void pop() noexcept;
  void drop_holes_on_top() noexcept;
  void sweep() noexcept;

  std::vector<entry> heap_;
  std::size_t holes_ = 0;
  std::uint64_t sequence_ = 0;
};

}  // namespace eddy::coro
