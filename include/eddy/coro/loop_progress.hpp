// What another thread may see of a loop at any time: whether it is still in the same step of the same task.
//
// The loop pays two plain stores per step. The watcher compares samples. Before it looks at a task's record it
// announces that, and confirms it when at least a few milliseconds later the loop is still in the same step; a task
// that ends takes an announcement back, or waits for an inspection to end. Both use read-modify-writes on one
// atomic, so exactly one wins.
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
    what_.store(reinterpret_cast<std::uintptr_t>(what), std::memory_order_release);
  }
  /// A callback, of which nothing is known; told from tasks by the lowest bit.
  void begin_callback(const void* what) noexcept {
    what_.store(reinterpret_cast<std::uintptr_t>(what) | 1, std::memory_order_release);
  }
  void end_batch() noexcept {
    what_.store(0, std::memory_order_relaxed);
    batch_.store(batch_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// The running task's record is about to change.
  void end_task() noexcept {
    if (inspection_.load(std::memory_order_acquire) != stage::none) [[unlikely]]
      end_inspection();
  }

  // --- the watcher's thread ---
  [[nodiscard]] step sample() const noexcept {
    const std::uint64_t batch = batch_.load(std::memory_order_acquire);
    return {batch, what_.load(std::memory_order_acquire)};
  }
  [[nodiscard]] std::source_location place() const noexcept {
    return place_.load(std::memory_order_relaxed);
  }
  void announce() noexcept {
    stage expected = stage::none;
    inspection_.compare_exchange_strong(expected, stage::announced);
  }
  /// True: the record of the task in step `s` may be read until done().
  [[nodiscard]] bool inspect(const step& s) noexcept {
    stage expected = stage::announced;
    if (!inspection_.compare_exchange_strong(expected, stage::inspecting)) return false;
    if (sample() == s) return true;
    done();
    return false;
  }
  void done() noexcept { inspection_.store(stage::none, std::memory_order_release); }

 private:
  enum class stage : std::uint8_t { none, announced, inspecting };
  void end_inspection() noexcept;

  static_assert(std::atomic<std::source_location>::is_always_lock_free);
  std::atomic<std::uintptr_t> what_{0};
  std::atomic<std::source_location> place_{std::source_location()};
  std::atomic<std::uint64_t> batch_{0};
  std::atomic<stage> inspection_{stage::none};
};

}  // namespace eddy::coro
