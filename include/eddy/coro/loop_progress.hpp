// What another thread may see of a loop at any time: whether it is still in the same step of the same task.
//
// The loop pays two plain stores per step and one per task that ends. The watcher compares samples. Before it looks at
// a task's record it says so, has every thread of the program pass a memory barrier (membarrier(2)), and samples again:
// a loop that takes the task away afterwards sees the watcher and waits for it; one that did so before shows no task.
#pragma once

#include <atomic>
#include <cstdint>
#include <source_location>

namespace eddy::coro {

class loop_progress {
 public:
  /// One step of the loop; zero `what`: none. Steps of one batch differ in `what`.
  struct step {
    std::uint64_t batch = 0;
    std::uintptr_t what = 0;
    friend bool operator==(const step&, const step&) noexcept = default;
  };

  // --- the loop's thread ---
  void begin(const void* what, std::source_location place) noexcept {
    place_.store(place, std::memory_order_relaxed);
    show_task(what);
  }
  /// A callback, of which nothing is known; told from tasks by the lowest bit.
  void begin_callback(const void* what) noexcept {
    what_.store(reinterpret_cast<std::uintptr_t>(what) | 1, std::memory_order_release);
  }
  void end_batch() noexcept {
    what_.store(0, std::memory_order_relaxed);
    batch_.store(batch_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// The running task's record is about to change: nobody looks at it when this returns, nor before
  /// show_task() or the next step.
  void hide_task() noexcept {
    what_.store(0, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the watcher's barrier does the rest
    if (inspected_.load(std::memory_order_acquire)) [[unlikely]]
      wait_for_inspection();
  }

  void show_task(const void* what) noexcept {
    what_.store(reinterpret_cast<std::uintptr_t>(what), std::memory_order_release);
  }

  // --- the watcher's thread ---
  [[nodiscard]] step sample() const noexcept {
    const std::uint64_t batch = batch_.load(std::memory_order_acquire);
    return {batch, what_.load(std::memory_order_acquire)};
  }
  [[nodiscard]] std::source_location place() const noexcept {
    return place_.load(std::memory_order_relaxed);
  }
  /// Between these, and after a barrier on all threads, the record of the task in the step sampled then may be read.
  void begin_inspection() noexcept { inspected_.store(true, std::memory_order_relaxed); }
  void end_inspection() noexcept { inspected_.store(false, std::memory_order_release); }

 private:
  void wait_for_inspection() const noexcept;

  static_assert(std::atomic<std::source_location>::is_always_lock_free);
  std::atomic<std::uintptr_t> what_{0};
  std::atomic<std::source_location> place_{std::source_location()};
  std::atomic<std::uint64_t> batch_{0};
  std::atomic<bool> inspected_{false};
};

}  // namespace eddy::coro
