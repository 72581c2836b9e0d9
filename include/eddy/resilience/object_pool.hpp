// object_pool: things that are expensive to make and used by one task at a time, such as connections.
//
//   eddy::connection_pool<db::connection> pool([&] { return db::connect(url); }, {.min = 2, .max = 20},
//                                              {.reset = [](db::connection& c) { return c.roll_back(); }});
//   co_await pool.start();
//   {
//     auto c = co_await pool.acquire();
//     co_await c->query("...");
//   }                            // back in the pool
//   co_await pool.close();
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/resilience/pool_core.hpp>

namespace eddy {

/// What a pool does with its objects; each may be empty. Hooks that give a task run in a task of the pool's choosing
/// and may wait. Lives with the pool.
template <class T>
struct pool_hooks {
  /// After opening. When it fails the object is closed and the acquirer gets the failure.
  std::function<task<void>(T&)> set_up = nullptr;
  /// Whether it can be used, as far as that is known without asking the other side. On acquire and on release.
  std::function<bool(T&)> alive = nullptr;
  /// The same, asking the other side. On acquire, see pool_options::check_after_idle. A failure means no.
  std::function<task<bool>(T&)> check = nullptr;
  /// After each use, also by a user who was cancelled: makes it as good as new before others get it. Runs in a task
  /// of the pool; an object whose reset fails or takes too long is closed.
  std::function<task<void>(T&)> reset = nullptr;
  /// Before destruction; shielded, limited by close_timeout. What it throws goes to the error hook.
  std::function<task<void>(T&)> close = nullptr;
  /// For each object in use when terminate() is called: makes its user fail soon.
  std::function<void(T&)> abort = nullptr;
};

namespace resilience::detail {

template <class T>
class holder final : public pooled_object {
 public:
  explicit holder(T made) : object(std::move(made)) {}
  T object;
};

template <class T>
T& object_in(pooled_object& o) noexcept {
  return static_cast<holder<T>&>(o).object;
}

/// Between pool_core and the user's hooks.
template <class T>
class typed_pool_core : public pool_core {
 public:
  typed_pool_core(const pool_options& options, pool_hooks<T> hooks)
      : pool_core(options), hooks_(std::move(hooks)) {
    has_check_ = static_cast<bool>(hooks_.check);
    has_reset_ = static_cast<bool>(hooks_.reset);
    has_close_ = static_cast<bool>(hooks_.close);
  }

 private:
  task<void> set_up(pooled_object& o) override {
    if (hooks_.set_up) co_await hooks_.set_up(object_in<T>(o));
  }
  bool alive(pooled_object& o) override { return !hooks_.alive || hooks_.alive(object_in<T>(o)); }
  task<bool> check_health(pooled_object& o) override {
    const bool healthy = co_await hooks_.check(object_in<T>(o));
    co_return healthy;
  }
  task<void> reset(pooled_object& o) override { co_await hooks_.reset(object_in<T>(o)); }
  task<void> close_object(pooled_object& o) override { co_await hooks_.close(object_in<T>(o)); }
  void abort(pooled_object& o) override {
    if (hooks_.abort) hooks_.abort(object_in<T>(o));
  }

  pool_hooks<T> hooks_;
};

template <class T>
class single_pool_core final : public typed_pool_core<T> {
 public:
  single_pool_core(std::function<task<T>()> opener, const pool_options& options,
                   pool_hooks<T> hooks)
      : typed_pool_core<T>(options, std::move(hooks)), open_(std::move(opener)) {}
  [[nodiscard]] pool_slot& slot() noexcept { return slot_; }

 private:
  task<std::unique_ptr<pooled_object>> open(pool_slot&) override {
    std::unique_ptr<pooled_object> made = std::make_unique<holder<T>>(co_await open_());
    co_return made;
  }
  void slot_unused(pool_slot&) noexcept override {}

  std::function<task<T>()> open_;
  pool_slot slot_{static_cast<std::size_t>(-1)};
};

}  // namespace resilience::detail

/// The right to use one object, and the object. Given back on destruction: the pool then resets it and hands it to the
/// first who waits. Move-only; may be empty; may outlive the pool, then the object just dies with it.
template <class T>
class [[nodiscard]] pool_lease {
 public:
  pool_lease() noexcept = default;
  explicit pool_lease(resilience::detail::pool_place place) noexcept : place_(std::move(place)) {}
  pool_lease(pool_lease&&) noexcept = default;
  pool_lease& operator=(pool_lease&& other) noexcept {
    release();
    place_ = std::move(other.place_);
    return *this;
  }
  ~pool_lease() { release(); }

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(place_); }
  T& operator*() const {
    check(place_.object() != nullptr, "an empty pool lease was used");
    return resilience::detail::object_in<T>(*place_.object());
  }
  T* operator->() const { return std::addressof(**this); }

  /// Gives it back now.
  void release() noexcept {
    if (place_) place_.release();
  }
  /// Gives it back to be closed: it is broken, or in an unknown state.
  void discard() noexcept { place_.give_back(); }

 private:
  resilience::detail::pool_place place_;
};

/// Belongs to one loop. Acquirers are served in order of arrival; an object that is released is at once the first
/// waiter's, and no newcomer overtakes. Objects are reused latest first, so that those not needed reach the idle limit.
/// An acquire that fails, times out or is cancelled has changed nothing; one that was opening when it was cancelled
/// gives its place to the next.
///
/// Await close() before the pool is destroyed: destruction is terminate(), after which no hook is begun; a reset that
/// is under way is cancelled then and a close hook goes on, so what hooks refer to must outlive these. Destroying a
/// pool with waiters stops the program. Leases may outlive it.
template <class T>
class object_pool {
 public:
  using lease = pool_lease<T>;
  using opener = std::function<task<T>()>;

  /// Throws invalid_input when max is zero, min is above it, or the jitter is not between 0 and 1.
  explicit object_pool(opener open, const pool_options& options = {}, pool_hooks<T> hooks = {})
      : core_(std::make_shared<core>(std::move(open), options, std::move(hooks))) {}
  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;
  ~object_pool() {
    core_->require_nobody_waits();
    core_->terminate();
  }

  /// Opens objects until there are `min`, all at once; throws what opening throws, and keeps those that could be
  /// opened.
  [[nodiscard]] task<void> start() { return core_->start(core_->slot()); }

  /// An object for the caller alone: an idle one that is healthy, or a new one, or the next that is released. Throws
  /// timeout_error after acquire_timeout, errc::closed when the pool is closed, and what opening and setting up throw.
  [[nodiscard]] task<lease> acquire(std::source_location where = std::source_location::current()) {
    co_return lease(co_await core_->acquire(core_->slot(), where));
  }
  /// An idle object that needs no check, or an empty lease. Never waits, never opens.
  [[nodiscard]] lease try_acquire(std::source_location where = std::source_location::current()) {
    auto place = core_->try_acquire(core_->slot(), where);
    return place ? lease(*std::move(place)) : lease();
  }

  /// Awaits `fn(object)` with an object acquired for it.
  template <class Fn>
    requires coro::awaitable<std::invoke_result_t<Fn&, T&>>
  auto use(Fn fn, std::source_location where = std::source_location::current())
      -> task<coro::await_result<std::invoke_result_t<Fn&, T&>>> {
    const lease leased = co_await acquire(where);
    co_return co_await std::invoke(fn, *leased);
  }

  /// Closes what is open: idle objects at once, those in use when they are released. For after a fail-over.
  void expire_all() noexcept { core_->expire_all(); }

  /// Takes no more acquirers (errc::closed for those who wait as well), closes idle objects and waits for those in use.
  /// Cancelled, the pool stays closed and its users undisturbed; may be awaited again.
  [[nodiscard]] task<void> close() { return core_->close(); }
  /// Ends it without waiting: idle objects are destroyed, those in use aborted by the hook and no longer waited for.
  void terminate() noexcept { core_->terminate(); }

  [[nodiscard]] pool_statistics statistics() const noexcept { return core_->statistics(); }

 private:
  using core = resilience::detail::single_pool_core<T>;
  std::shared_ptr<core> core_;
};

template <class T>
using connection_pool = object_pool<T>;

}  // namespace eddy
