// The connections of a client: who may open one, who gets one that became free, and how long idle ones stay.
//
// A place is the right to have one connection open. Each origin has at most max_per_host of them, the pool max_total.
// Places are never created or lost on the way: idle connections and leases hold one each, and
//
//   total  = sum of origin.places      <= max_total
//   origin.places = its idle connections + its leases  <= max_per_host
//
// An origin is in `hungry_` if and only if tasks wait at it although it may have another place: what they wait for is
// the total. A place that becomes free goes to the waiting task that came first among the head of the own origin's
// queue and the first hungry origin's; so nobody starves, and each decision is O(1).
//
// An origin whose servers may speak HTTP/2 has one place until its first connection has said which version it speaks:
// HTTP/1.1 raises the bound to max_per_host; a connection that carries many requests becomes the origin's `shared` one,
// holds the place itself, and is given to everybody that it accepts. One that has said goodbye gives its place back and
// lives on with the responses that still come over it.
#pragma once

#include "client_connection.hpp"
#include "multiplexed_connection.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/operation.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/timer_queue.hpp>

namespace eddy::http::detail {

class connection_pool;
class acquire_operation;

struct pool_limits {
  std::size_t max_total;
  std::size_t max_per_host;
  duration keep_alive;
};

/// One scheme, host and port. Exists while it has a place or somebody waits at it.
struct origin final : list_hook<>, capacity_observer {
  explicit origin(connection_pool& of_pool) noexcept : pool(of_pool) {}
  void capacity_changed() noexcept override;

  connection_pool& pool;
  std::string name;  // "scheme://host:port"
  std::size_t places = 0;
  bool undecided = false;  // its first connection may turn out to be a shared one
  std::shared_ptr<multiplexed_connection> shared;
  time_point shared_idle_since = never;
  intrusive_list<client_connection, of_origin> idle;  // the latest first
  intrusive_list<coro::queued_operation, void> waiting;
};

/// Holds a place, and the connection in it once there is one; or shares a connection, without a place. Gives it back on
/// destruction: the connection stays in the pool only after keep(). Move-only.
class lease {
 public:
  lease() noexcept = default;
  lease(std::shared_ptr<connection_pool> pool, origin& of,
        std::unique_ptr<client_connection> connection) noexcept;
  explicit lease(std::shared_ptr<multiplexed_connection> shared) noexcept
      : shared_(std::move(shared)) {}
  lease(lease&&) noexcept = default;
  lease& operator=(lease&& other) noexcept;
  ~lease() { give_back(); }

  [[nodiscard]] client_connection* connection() const noexcept { return connection_.get(); }
  /// Null: this lease has a place.
  [[nodiscard]] const std::shared_ptr<multiplexed_connection>& shared() const noexcept {
    return shared_;
  }
  /// Puts a new connection into the place.
  void install(std::unique_ptr<client_connection> made) noexcept;
  /// The same for one that is to be shared: the origin has it from now on, and the place.
  void install(std::unique_ptr<multiplexed_connection> made);
  /// Takes the connection out of the pool and gives the place back.
  [[nodiscard]] std::unique_ptr<client_connection> take() noexcept;
  /// Closes the connection and holds the place.
  void drop_connection() noexcept { connection_.reset(); }
  /// Gives the connection back for others to use.
  void keep() noexcept;
  /// Gives the place back and closes the connection.
  void give_back() noexcept;

 private:
  std::shared_ptr<connection_pool> pool_;
  origin* origin_ = nullptr;
  std::unique_ptr<client_connection> connection_;
  std::shared_ptr<multiplexed_connection> shared_;
};

class connection_pool final : public std::enable_shared_from_this<connection_pool>,
                              private coro::timer {
 public:
  connection_pool(const pool_limits& limits, coro::scheduler& loop) noexcept
      : limits_(limits), loop_(loop) {}
  ~connection_pool();

  /// A place at `name`, with an idle connection if there is one, or a shared connection. Throws errc::closed when the
  /// pool is. `name` outlives the operation. `may_share`: see origin::undecided.
  [[nodiscard]] acquire_operation acquire(std::string_view name, bool may_share);

  void close() noexcept;

  [[nodiscard]] std::size_t total() const noexcept { return total_; }
  /// With shared connections on which nothing runs.
  [[nodiscard]] std::size_t idle() const noexcept;
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_count_; }

 private:
  friend class acquire_operation;
  friend class lease;
  friend struct origin;

  [[nodiscard]] origin& origin_of(std::string_view name, bool may_share);
  [[nodiscard]] std::size_t most_places(const origin& of) const noexcept {
    return of.undecided ? 1 : limits_.max_per_host;
  }
  [[nodiscard]] bool try_acquire(acquire_operation& op);
  void enqueue(acquire_operation& op);
  void withdraw(acquire_operation& op) noexcept;

  void give_back(origin& of, std::unique_ptr<client_connection> connection) noexcept;
  void free_place(origin& of) noexcept;
  void grant_places() noexcept;
  void refuse_waiting() noexcept;
  void grant(origin& to, std::unique_ptr<client_connection> connection) noexcept;
  [[nodiscard]] bool others_first(origin& of) noexcept;
  void update_hunger(origin& of) noexcept;
  void forget_if_unused(origin& of) noexcept;

  void decided(origin& of) noexcept;
  void share(origin& of, std::shared_ptr<multiplexed_connection> made) noexcept;
  void grant_shared(origin& of) noexcept;
  void shared_changed(origin& of) noexcept;
  void retire(origin& of) noexcept;
  [[nodiscard]] bool evict_idle() noexcept;
  void close_idle_shared(time_point now) noexcept;

  void park(origin& of, std::unique_ptr<client_connection> connection) noexcept;
  [[nodiscard]] std::unique_ptr<client_connection> unpark(client_connection& idle) noexcept;
  void evict(client_connection& idle) noexcept;
  void arm() noexcept;
  void expired() noexcept override;

  pool_limits limits_;
  coro::scheduler& loop_;
  std::unordered_map<std::string_view, std::unique_ptr<origin>> origins_;  // by their own names
  intrusive_list<origin> hungry_;
  intrusive_list<client_connection, of_pool> idle_;  // the longest idle first
  std::size_t shared_count_ = 0;
  std::size_t total_ = 0;
  std::size_t idle_count_ = 0;
  std::size_t waiting_count_ = 0;
  std::uint64_t arrivals_ = 0;
  bool closed_ = false;
};

/// What acquire() returns, for co_await. Gives a lease.
class acquire_operation final : public coro::queued_operation {
 public:
  acquire_operation(std::shared_ptr<connection_pool> pool, std::string_view name, bool may_share)
      : pool_(std::move(pool)), name_(name), may_share_(may_share) {}

  [[nodiscard]] coro::wait_info describe() const override {
    return {"http.connection", pool_.get(), nullptr, std::string(name_)};
  }
  bool try_complete() { return pool_->try_acquire(*this); }
  void enqueue() { pool_->enqueue(*this); }
  [[nodiscard]] lease take();

 private:
  friend class connection_pool;
  void withdraw() noexcept override { pool_->withdraw(*this); }

  std::shared_ptr<connection_pool> pool_;
  std::string_view name_;
  bool may_share_;
  origin* at_ = nullptr;  // while waiting
  std::uint64_t arrival_ = 0;
  bool refused_ = false;
  lease granted_;
};

inline acquire_operation connection_pool::acquire(std::string_view name, bool may_share) {
  return {shared_from_this(), name, may_share};
}

}  // namespace eddy::http::detail
