#include <eddy/resilience/pool_core.hpp>

#include <algorithm>
#include <vector>

#include <eddy/base/error.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/timeout.hpp>

namespace eddy::resilience::detail {

// --- references and places ---

slot_reference::slot_reference(pool_core& core, pool_slot& slot) noexcept
    : core_(&core), slot_(&slot) {
  ++slot.references;
}

slot_reference::~slot_reference() {
  if (slot_ != nullptr && --slot_->references == 0) core_->slot_unused(*slot_);
}

pool_place& pool_place::operator=(pool_place&& other) noexcept {
  give_back();
  core_ = std::move(other.core_);
  slot_ = std::move(other.slot_);
  object_ = std::move(other.object_);
  return *this;
}

void pool_place::release() noexcept {
  const auto core = core_;
  core->release(std::move(*this));
}

void pool_place::give_back() noexcept {
  if (core_ == nullptr) return;
  const auto core = core_;
  if (object_ != nullptr) {
    core->discard(std::move(*this));
    return;
  }
  core_.reset();
  const slot_reference slot = std::move(slot_);
  core->free_place(*slot);
}

// --- construction ---

/// A hook that runs in a task of the pool.
struct pool_core::background : list_hook<> {
  explicit background(pool_core& core) : task(current_task()) { core.background_.push_back(*this); }
  background(const background&) = delete;
  background& operator=(const background&) = delete;
  ~background() { unlink(); }
  any_task_handle task;
};

pool_core::pool_core(const pool_options& options) : options_(options), name_(options.name) {
  options_.name = {};  // what it refers to may go away
  if (options.max == 0) throw_invalid_input("pool: max is zero");
  if (options.min > options.max) throw_invalid_input("pool: min above max");
  if (!(options.jitter >= 0 && options.jitter <= 1)) throw_invalid_input("pool: jitter");
}

pool_core::~pool_core() {
  debug_check(idle_.empty() && waiters_.empty(), "a pool's core was destroyed in use");
}

void pool_core::require_nobody_waits() const {
  check(waiting_count_ == 0, "a pool was destroyed while tasks wait for it");
}

pool_statistics pool_core::statistics() const noexcept {
  pool_statistics all = counts_;
  all.total = total_;
  all.idle = idle_count_;
  all.in_use = leased_count_;
  all.waiting = waiting_count_;
  return all;
}

// --- waiting ---

bool pool_core::can_enter(const pool_slot& slot) const noexcept {
  return !slot.idle.empty() || (slot.places < slot.limit && total_ < options_.max);
}

pool_place pool_core::enter(pool_slot& slot) {
  if (pooled_object* rested = slot.idle.front()) return unpark(*rested);
  ++slot.places;
  ++total_;
  pool_place place;
  place.core_ = shared_from_this();
  place.slot_ = slot_reference(*this, slot);
  return place;
}

void pool_core::serve_waiters() noexcept {
  if (serving_) {
    serve_again_ = true;
    return;
  }
  const auto self = shared_from_this();
  serving_ = true;
  do {
    serve_again_ = false;
    std::size_t hungry = 0;  // could be served if an object of another key made room
    acquire_operation* next = nullptr;
    for (auto* waiter = waiters_.front(); waiter != nullptr; waiter = next) {
      if (idle_count_ == 0 && total_ >= options_.max) break;
      next = waiters_.next(*waiter);
      pool_slot& slot = *waiter->slot_;
      if (can_enter(slot)) {
        waiter->unlink();
        --slot.waiting;
        --waiting_count_;
        waiter->granted_ = enter(slot);
        waiter->complete();
      } else if (slot.places < slot.limit && ++hungry > closing_ && idle_count_ > 0) {
        discard(unpark(*idle_.front()));
      }
    }
  } while (serve_again_);
  serving_ = false;
}

void pool_core::free_place(pool_slot& slot) noexcept {
  --slot.places;
  --total_;
  serve_waiters();
  note_drained();
}

coro::wait_info pool_core::acquire_operation::describe() const {
  return {"pool.acquire", pool_, nullptr, pool_->name_};
}

bool pool_core::acquire_operation::try_complete() {
  if (pool_->closed_) return true;
  if (slot_->waiting > 0 || !pool_->can_enter(*slot_)) return false;
  granted_ = pool_->enter(*slot_);
  return true;
}

void pool_core::acquire_operation::enqueue() noexcept {
  ++slot_->waiting;
  ++pool_->waiting_count_;
  pool_->waiters_.push_back(*this);
  pool_->serve_waiters();
}

void pool_core::acquire_operation::withdraw() noexcept {
  unlink();
  --slot_->waiting;
  --pool_->waiting_count_;
  withdrawn();
}

pool_place pool_core::acquire_operation::take() {
  if (!granted_) throw error(make_error_code(eddy::errc::closed), "pool.acquire", pool_->name_);
  return std::move(granted_);
}

// --- acquiring ---

task<pool_place> pool_core::acquire(pool_slot& slot, std::source_location where) {
  const auto self = shared_from_this();
  const slot_reference used(*this, slot);
  pool_place place;
  if (options_.acquire_timeout == duration::max()) {
    place = co_await acquire_unlimited(slot);
  } else {
    place = co_await with_timeout(options_.acquire_timeout, acquire_unlimited(slot));
  }
  lease(place, where);
  co_return place;
}

task<pool_place> pool_core::acquire_unlimited(pool_slot& slot) {
  pool_place place = co_await acquire_operation(*this, slot);
  if (place.object() != nullptr) {
    const bool reuse = co_await usable(*place.object());
    if (reuse && !closed_) co_return place;
    if (!reuse) ++counts_.dead;
    co_await dispose(place);
  }
  if (!closed_) co_await open_into(place);
  if (closed_) throw error(make_error_code(eddy::errc::closed), "pool.acquire", name_);
  co_return place;
}

std::optional<pool_place> pool_core::try_acquire(pool_slot& slot, std::source_location where) {
  if (closed_ || slot.waiting > 0) return std::nullopt;
  pooled_object* rested = slot.idle.front();
  if (rested == nullptr) return std::nullopt;
  if (has_check_ && now() - rested->idle_since_ >= options_.check_after_idle) return std::nullopt;
  pool_place place = unpark(*rested);
  if (!still_alive(*place.object())) return std::nullopt;
  lease(place, where);
  return place;
}

task<bool> pool_core::usable(pooled_object& object) {
  const bool alive_now = still_alive(object);
  if (!alive_now) co_return false;
  const bool rested = now() - object.idle_since_ >= options_.check_after_idle;
  if (!has_check_ || !rested) co_return true;
  auto answer = co_await as_result(check_health(object));
  if (answer.is_cancelled()) throw answer.cancellation();
  co_return answer.has_value() && *answer;
}

bool pool_core::still_alive(pooled_object& object) noexcept {
  try {
    if (alive(object)) return true;
  } catch (...) {  // a health check that fails says no
  }
  return false;
}

task<void> pool_core::open_into(pool_place& place) {
  place.object_ = co_await open(*place.slot_);
  ++counts_.opened;
  pooled_object& object = *place.object_;
  object.generation_ = generation_;
  object.dies_at_ = after(now(), shortened(options_.lifetime_limit));
  auto ready = co_await as_result(set_up(object));
  if (ready.has_value() && !closed_) co_return;
  co_await dispose(place);
  std::move(ready).value();
}

duration pool_core::shortened(duration limit) {
  if (limit == duration::max() || options_.jitter == 0) return limit;
  const double share = 1 - options_.jitter * coro::scheduler::require().random().unit();
  return duration(static_cast<duration::rep>(static_cast<double>(limit.count()) * share));
}

task<void> pool_core::start(pool_slot& slot) {
  const auto self = shared_from_this();
  const slot_reference used(*this, slot);
  if (closed_) throw error(make_error_code(eddy::errc::closed), "pool.start", name_);
  std::vector<task<void>> openings;
  while (total_ < options_.min) {
    ++slot.places;
    ++total_;
    pool_place place;
    place.core_ = self;
    place.slot_ = slot_reference(*this, slot);
    openings.push_back(open_one(std::move(place)));
  }
  auto opened = co_await gather_settled(std::move(openings));
  std::vector<std::exception_ptr> failures;
  for (auto& one : opened) {
    if (one.has_error()) failures.push_back(one.error());
  }
  if (!failures.empty()) std::rethrow_exception(combine_failures(std::move(failures)));
}

task<void> pool_core::open_one(pool_place place) {
  co_await open_into(place);
  if (place.object() != nullptr) park(std::move(place));
}

void pool_core::lease(pool_place& place, std::source_location where) {
  pooled_object& object = *place.object_;
  object.leased_at_ = now();
  object.leased_where_ = where;
  object.leased_by_ = current_task();
  ++object.uses_;
  ++counts_.leases;
  ++leased_count_;
  leased_.push_back(object);
  if (options_.leak_after == duration::max()) return;
  watched_.push_back(object);
  watch(after(object.leased_at_, options_.leak_after));
}

// --- giving back ---

bool pool_core::worn_out(const pooled_object& object) const noexcept {
  const bool used_up = options_.max_uses != 0 && object.uses_ >= options_.max_uses;
  return closed_ || used_up || object.generation_ != generation_ || now() >= object.dies_at_;
}

void pool_core::release(pool_place place) noexcept {
  pooled_object& object = *place.object_;
  object.list_hook<>::unlink();
  object.list_hook<watched>::unlink();
  object.leased_by_ = {};
  --leased_count_;
  rest_timer();
  // Outside the loop nothing can be awaited: the object dies with its place.
  if (coro::scheduler::current() == nullptr) return;
  if (worn_out(object)) return discard(std::move(place));
  if (!still_alive(object)) {
    ++counts_.dead;
    return discard(std::move(place));
  }
  if (!has_reset_) return park(std::move(place));
  // It stays the pool's until the task starts, so that nothing is left to the loop when the pool is terminated.
  returning_.push_back(std::move(place));
  spawn_options named;
  named.name = "pool reset";
  spawn(reset_next(shared_from_this()), named);
}

task<void> pool_core::reset_next(std::shared_ptr<pool_core> self) {
  if (returning_.empty()) co_return;  // terminated
  pool_place place = std::move(returning_.front());
  returning_.pop_front();
  const background here(*self);
  auto ended = co_await as_result(with_timeout(options_.reset_timeout, reset(*place.object_)));
  if (ended.has_value() && !worn_out(*place.object_)) {
    park(std::move(place));
    co_return;
  }
  if (!ended.has_value()) ++counts_.dead;
  co_await dispose(place);
}

void pool_core::park(pool_place place) noexcept {
  pooled_object& object = *place.object_.release();
  object.slot_ = std::move(place.slot_);
  object.idle_since_ = now();
  object.idle_until_ =
      std::min(after(object.idle_since_, shortened(options_.idle_limit)), object.dies_at_);
  idle_.push_back(object);
  object.slot_->idle.push_front(object);
  ++idle_count_;
  watch(object.idle_until_);
  const auto self = std::move(place.core_);
  serve_waiters();  // may hand the object on, or close it
}

pool_place pool_core::unpark(pooled_object& object) noexcept {
  object.list_hook<>::unlink();
  object.list_hook<in_slot>::unlink();
  --idle_count_;
  pool_place place;
  place.core_ = shared_from_this();
  place.slot_ = std::move(object.slot_);
  place.object_.reset(&object);
  rest_timer();
  return place;
}

void pool_core::discard(pool_place place) noexcept {
  pooled_object& object = *place.object_;
  if (object.list_hook<>::linked()) {  // a lease that is not to be reused
    object.list_hook<>::unlink();
    object.list_hook<watched>::unlink();
    object.leased_by_ = {};
    --leased_count_;
    rest_timer();
  }
  if (has_close_ && !terminated_ && coro::scheduler::current() != nullptr) {
    ++closing_;
    to_close_.push_back(std::move(place));
    spawn_options named;
    named.name = "pool close";
    spawn(close_next(shared_from_this()), named);
    return;
  }
  ++counts_.closed;
  place.object_.reset();
}

task<void> pool_core::dispose(pool_place& place) {
  const std::unique_ptr<pooled_object> dead = std::move(place.object_);
  ++counts_.closed;
  if (!has_close_ || terminated_) co_return;
  const auto ended =
      co_await as_result(shield(move_on_after(options_.close_timeout, close_object(*dead))));
  if (!ended.has_error()) co_return;
  coro::scheduler::require().report(
      {"closing an object of pool " + name_ + " failed", ended.error(), current_task().name(), {}});
}

task<void> pool_core::close_next(std::shared_ptr<pool_core> self) {
  if (to_close_.empty()) co_return;  // terminated
  pool_place place = std::move(to_close_.front());
  to_close_.pop_front();
  co_await self->dispose(place);
  --closing_;
}

void pool_core::expire_all() noexcept {
  ++generation_;
  while (pooled_object* rested = idle_.front()) discard(unpark(*rested));
}

// --- time ---

void pool_core::watch(time_point event) noexcept {
  if (event != never && next_event_ <= event) return;
  coro::scheduler* loop = coro::scheduler::current();
  if (loop == nullptr) return;
  loop->timers().remove(*this);
  next_event_ = event;
  if (event != never) loop->timers().add(*this, event);
}

void pool_core::rest_timer() noexcept {
  if (next_event_ != never && idle_count_ == 0 && watched_.empty()) watch(never);
}

void pool_core::expired() noexcept {
  const auto self = shared_from_this();
  next_event_ = never;
  const time_point present = now();
  report_leaks(present);
  time_point next = never;
  pooled_object* following = nullptr;
  for (pooled_object* rested = idle_.front(); rested != nullptr; rested = following) {
    following = idle_.next(*rested);
    if (rested->idle_until_ <= present) {
      discard(unpark(*rested));
    } else {
      next = std::min(next, rested->idle_until_);
    }
  }
  if (auto* oldest = watched_.front())
    next = std::min(next, after(oldest->leased_at_, options_.leak_after));
  watch(next);
}

void pool_core::report_leaks(time_point now) noexcept {
  for (auto* oldest = watched_.front();
       oldest != nullptr && after(oldest->leased_at_, options_.leak_after) <= now;
       oldest = watched_.front()) {
    oldest->list_hook<watched>::unlink();
    ++counts_.leaks;
    coro::scheduler::require().report(
        {"a lease of pool " + name_ + " is held for too long", nullptr,
         oldest->leased_by_ ? oldest->leased_by_.name() : std::string(), oldest->leased_where_});
  }
}

// --- closing ---

void pool_core::begin_close() noexcept {
  closed_ = true;
  while (acquire_operation* waiter = waiters_.pop_front()) {
    --waiter->slot_->waiting;
    --waiting_count_;
    waiter->complete();
  }
  while (pooled_object* rested = idle_.front()) discard(unpark(*rested));
  note_drained();
}

void pool_core::note_drained() noexcept {
  if (terminated_ || (closed_ && total_ == 0)) drained_.set();
}

task<void> pool_core::close() {
  const auto self = shared_from_this();
  begin_close();
  co_await drained_.wait();
}

void pool_core::terminate() noexcept {
  if (std::exchange(terminated_, true)) return;
  const auto self = shared_from_this();
  begin_close();
  const auto unreset = std::exchange(returning_, {});
  const auto unclosed = std::exchange(to_close_, {});
  pooled_object* following = nullptr;
  for (pooled_object* used = leased_.front(); used != nullptr; used = following) {
    following = leased_.next(*used);
    used->list_hook<watched>::unlink();
    try {
      abort(*used);
    } catch (...) {
      coro::scheduler::require().report(
          {"aborting an object of pool " + name_ + " failed", std::current_exception(), {}, {}});
    }
  }
  for (background* work = background_.front(); work != nullptr; work = background_.next(*work)) {
    work->task.cancel(cancel_reason::requested, "the pool was terminated");
  }
  watch(never);
}

}  // namespace eddy::resilience::detail
