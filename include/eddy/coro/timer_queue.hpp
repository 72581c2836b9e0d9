// Timers in order of their deadlines; equal deadlines in order of registration.
//
// A 4-ary heap of (deadline, sequence, slot): adding is O(log n) and O(1) for the usual growing deadlines; removing is
// O(1) and leaves a hole that is swept when holes outnumber live timers. A timer is reached through its slot only when
// it is due, so that ordering touches no memory but the heap's. Used on the loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  [[nodiscard]] bool armed() const noexcept { return slot_ != idle; }

 protected:
  timer() noexcept = default;
  ~timer() { debug_check(!armed(), "a timer was destroyed while armed"); }
  /// Called once when the deadline has come, disarmed already; may arm and disarm any timers.
  virtual void expired() noexcept = 0;

 private:
  friend class timer_queue;
  static constexpr std::uint32_t idle = UINT32_MAX;
  std::uint32_t slot_ = idle;
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

  [[nodiscard]] bool empty() const noexcept { return live_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  /// The earliest deadline; `never` when there is none.
  [[nodiscard]] time_point next_deadline() noexcept;
  /// Expires all timers due at `now` and returns how many.
  std::size_t expire(time_point now) noexcept;

 private:
  struct entry {
    std::int64_t deadline;
    std::uint32_t sequence;  // goes round; timers of one deadline are closer to each other
    std::uint32_t slot;
    bool before(const entry& other) const noexcept {
      if (deadline != other.deadline) return deadline < other.deadline;
      return static_cast<std::int32_t>(sequence - other.sequence) < 0;
    }
  };
  static constexpr std::uint32_t slots_per_block = 512;

  /// Whose entry it is; null: nobody's. In the heap that is a hole.
  [[nodiscard]] timer*& owner_of(std::uint32_t slot) const noexcept {
    return blocks_[slot / slots_per_block][slot % slots_per_block];
  }
  [[nodiscard]] bool is_hole(const entry& e) const noexcept { return owner_of(e.slot) == nullptr; }
  void add_slot();
  void sift_up(std::size_t at, entry e) noexcept;
  void sift_down(std::size_t at, entry e) noexcept;
  void pop() noexcept;
  void drop_holes_on_top() noexcept;
  void sweep() noexcept;
  void drop_holes() noexcept;
  void order_free_slots() noexcept;
  void renumber() noexcept;
  void start_afresh() noexcept;

  // The heap, and behind it an entry for each slot that is free: every slot is named by one entry.
  std::vector<entry> entries_;
  std::size_t in_heap_ = 0;
  std::vector<std::unique_ptr<timer*[]>> blocks_;  // of slots, which grow without a copy
  std::uint32_t sequence_ = 0;
  std::size_t live_ = 0;
};

}  // namespace eddy::coro
