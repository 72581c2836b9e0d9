// What pools of every type share: places, waiting, limits, ages, closing. Users see object_pool and keyed_pool.
//
// A place is the right to have one object. Places are neither made nor lost on the way:
//
//   total  = sum of slot.places                                            <= options.max
//   slot.places = idle objects + leased ones + those being opened or closed   <= slot.limit
//
// After every step nobody waits who could be served. An object that is released goes to the first who waits at its
// slot; a place that becomes free to the first who may use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/timer_queue.hpp>
#include <eddy/sync/event.hpp>

namespace eddy {

struct pool_options {
  std::string_view name = "pool";  ///< copied; the peer of errors
  std::size_t min = 0;   ///< opened by start(); later the pool grows and shrinks on demand
  std::size_t max = 10;  ///< objects at once: idle, in use, being opened or closed
  std::size_t max_per_key =
      0;  ///< the same for each key of a keyed_pool; zero: no limit of its own
  /// For waiting, checking and opening together; then acquire throws timeout_error. duration::max(): no limit.
  duration acquire_timeout = std::chrono::seconds(30);
  duration idle_limit =
      std::chrono::minutes(10);  ///< unused for so long, counted from release, it is closed
  duration lifetime_limit =
      std::chrono::hours(1);   ///< closed so long after it was opened, when it is not in use
  double jitter = 0.1;         ///< each object's limits are shorter by a random share of up to this
  std::uint64_t max_uses = 0;  ///< closed after so many leases; zero: no limit
  duration check_after_idle =
      std::chrono::seconds(1);  ///< the check hook runs for objects idle for at least this
  duration reset_timeout =
      std::chrono::seconds(5);  ///< a reset that takes longer discards the object
  duration close_timeout = std::chrono::seconds(5);  ///< the close hook is cancelled then
  duration leak_after =
      duration::max();  ///< a lease held for longer is reported once, with the place of its acquire
};

struct pool_statistics {
  std::size_t total = 0;  ///< places taken: idle, in use, being opened, reset or closed
  std::size_t idle = 0;
  std::size_t in_use = 0;
  std::size_t waiting = 0;
  std::uint64_t opened = 0;  ///< since construction
  std::uint64_t closed = 0;
  std::uint64_t dead = 0;  ///< found unusable by a hook on acquire or release
  std::uint64_t leases = 0;
  std::uint64_t leaks = 0;  ///< leases reported as held too long
};

namespace resilience::detail {

struct in_slot;
struct watched;
class pool_core;
class pooled_object;

/// The objects of one key. Exists while somebody refers to it.
class pool_slot {
 public:
  explicit pool_slot(std::size_t most) noexcept : limit(most) {}
  const std::size_t limit;
  std::size_t places = 0;
  std::size_t waiting = 0;
  std::size_t references = 0;
  intrusive_list<pooled_object, in_slot> idle;  // the latest first
};

class slot_reference {
 public:
  slot_reference() noexcept = default;
  slot_reference(pool_core& core, pool_slot& slot) noexcept;
  slot_reference(slot_reference&& other) noexcept
      : core_(other.core_), slot_(std::exchange(other.slot_, nullptr)) {}
  slot_reference& operator=(slot_reference&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~slot_reference();
  [[nodiscard]] pool_slot& operator*() const noexcept { return *slot_; }
  pool_slot* operator->() const noexcept { return slot_; }

 private:
  pool_core* core_ = nullptr;
  pool_slot* slot_ = nullptr;
};

/// An object and what its pool knows about it. Linked among the idle or the leased ones.
class pooled_object : public list_hook<>, public list_hook<in_slot>, public list_hook<watched> {
 public:
  pooled_object() noexcept = default;
  virtual ~pooled_object() = default;

 private:
  friend class pool_core;
  slot_reference slot_;  // while idle
  time_point dies_at_ = never;
  time_point idle_since_{};
  time_point idle_until_ = never;
  time_point leased_at_{};
  std::source_location leased_where_;
  any_task_handle leased_by_;
  std::uint64_t uses_ = 0;
  std::uint64_t generation_ = 0;
};

/// Holds a place, and the object in it if there is one. Destroyed, it gives the place back and closes the object.
class pool_place {
 public:
  pool_place() noexcept = default;
  pool_place(pool_place&&) noexcept = default;
  pool_place& operator=(pool_place&& other) noexcept;
  ~pool_place() { give_back(); }

  [[nodiscard]] explicit operator bool() const noexcept { return core_ != nullptr; }
  [[nodiscard]] pooled_object* object() const noexcept { return object_.get(); }
  /// Puts it back into the pool, to be used by others.
  void release() noexcept;
  /// Closes the object and gives the place back.
  void give_back() noexcept;

 private:
  friend class pool_core;
  std::shared_ptr<pool_core> core_;
  slot_reference slot_;
  std::unique_ptr<pooled_object> object_;
};

class pool_core : public std::enable_shared_from_this<pool_core>, private coro::timer {
 public:
  class acquire_operation;

  explicit pool_core(const pool_options& options);
  virtual ~pool_core();

  [[nodiscard]] task<pool_place> acquire(pool_slot& slot, std::source_location where);
  [[nodiscard]] std::optional<pool_place> try_acquire(pool_slot& slot, std::source_location where);
  [[nodiscard]] task<void> start(pool_slot& slot);
  [[nodiscard]] task<void> close();
  void terminate() noexcept;
  void expire_all() noexcept;
  [[nodiscard]] pool_statistics statistics() const noexcept;
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  void require_nobody_waits() const;
  [[nodiscard]] const pool_options& options() const noexcept { return options_; }

 protected:
  // The typed side. The hooks with `has_` are only called where it says true.
  virtual task<std::unique_ptr<pooled_object>> open(pool_slot& slot) = 0;
  virtual task<void> set_up(pooled_object& object) = 0;
  virtual bool alive(pooled_object& object) = 0;
  virtual task<bool> check_health(pooled_object& object) = 0;
  virtual task<void> reset(pooled_object& object) = 0;
  virtual task<void> close_object(pooled_object& object) = 0;
  virtual void abort(pooled_object& object) = 0;
  virtual void slot_unused(pool_slot& slot) noexcept = 0;
  bool has_check_ = false;
  bool has_reset_ = false;
  bool has_close_ = false;

 private:
  friend class acquire_operation;
  friend class pool_place;
  friend class slot_reference;
  struct background;

  // Waiting.
  [[nodiscard]] bool can_enter(const pool_slot& slot) const noexcept;
  [[nodiscard]] pool_place enter(pool_slot& slot);
  void serve_waiters() noexcept;
  void free_place(pool_slot& slot) noexcept;
  // The way of an object.
  task<pool_place> acquire_unlimited(pool_slot& slot);
  task<bool> usable(pooled_object& object);
  task<void> open_into(pool_place& place);
  task<void> open_one(pool_place place);
  void lease(pool_place& place, std::source_location where);
  void release(pool_place place) noexcept;
  task<void> reset_next(std::shared_ptr<pool_core> self);
  void park(pool_place place) noexcept;
  [[nodiscard]] pool_place unpark(pooled_object& object) noexcept;
  [[nodiscard]] bool worn_out(const pooled_object& object) const noexcept;
  [[nodiscard]] bool still_alive(pooled_object& object) noexcept;
  void discard(pool_place place) noexcept;
  task<void> dispose(pool_place& place);
  task<void> close_next(std::shared_ptr<pool_core> self);
  [[nodiscard]] duration shortened(duration limit);
  // Time.
  void watch(time_point event) noexcept;
  void rest_timer() noexcept;
  void expired() noexcept override;
  void report_leaks(time_point now) noexcept;
  void begin_close() noexcept;
  void note_drained() noexcept;

  pool_options options_;
  std::string name_;
  std::size_t total_ = 0;
  std::size_t idle_count_ = 0;
  std::size_t leased_count_ = 0;
  std::size_t waiting_count_ = 0;
  std::size_t closing_ = 0;             // places that come back without anybody's doing
  intrusive_list<pooled_object> idle_;  // the longest idle first
  intrusive_list<pooled_object> leased_;
  intrusive_list<pooled_object, watched>
      watched_;  // leases that may still become leaks, the oldest first
  intrusive_list<acquire_operation> waiters_;
  std::deque<pool_place> returning_;       // released, to be reset
  std::deque<pool_place> to_close_;        // to be closed by the hook
  intrusive_list<background> background_;  // resets under way
  std::uint64_t generation_ = 0;
  bool serving_ = false;
  bool serve_again_ = false;
  bool closed_ = false;
  bool terminated_ = false;
  time_point next_event_ = never;  // what the timer is armed for
  event drained_;                  // set once it is closed and empty
  pool_statistics counts_;
};

/// Waits for a place, with an idle object in it if there is one.
class pool_core::acquire_operation final : public coro::queued_operation {
 public:
  acquire_operation(pool_core& pool, pool_slot& slot) noexcept : pool_(&pool), slot_(&slot) {}
  acquire_operation(acquire_operation&&) noexcept = default;

  [[nodiscard]] coro::wait_info describe() const override;
  bool try_complete();
  void enqueue() noexcept;
  [[nodiscard]] pool_place take();

 private:
  friend class pool_core;
  void withdraw() noexcept override;
  pool_core* pool_;
  pool_slot* slot_;
  pool_place granted_;
};

}  // namespace resilience::detail
}  // namespace eddy
