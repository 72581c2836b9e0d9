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
#pragma once

#include "client_connection.hpp"

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

/// One host and port. Exists while it has a place or somebody waits at it.
struct origin final : list_hook<> {
  std::string name;  // "host:port"
  std::size_t places = 0;
  intrusive_list<client_connection, of_origin> idle;  // the latest first
  intrusive_list<coro::queued_operation, void> waiting;
};

/// Holds a place, and the connection in it once there is one. Gives it back on destruction: the connection stays in the
/// pool only after keep(). Move-only.
class lease {
 public:
  lease() noexcept = default;
  lease(std::shared_ptr<connection_pool> pool, origin& of,
        std::unique_ptr<client_connection> connection) noexcept;
  lease(lease&&) noexcept = default;
  lease& operator=(lease&& other) noexcept;
  ~lease() { give_back(); }

  [[nodiscard]] client_connection* connection() const noexcept { return connection_.get(); }
  /// Puts a new connection into the place.
  void install(std::unique_ptr<client_connection> made) noexcept { connection_ = std::move(made); }
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
};

class connection_pool final : public std::enable_shared_from_this<connection_pool>,
                              private coro::timer {
 public:
  connection_pool(const pool_limits& limits, coro::scheduler& loop) noexcept
      : limits_(limits), loop_(loop) {}
  ~connection_pool();

  /// A place at `name`, with an idle connection if there is one. Throws errc::closed when the pool is.
  [[nodiscard]] acquire_operation acquire(std::string_view name);

  void close() noexcept;

  [[nodiscard]] std::size_t total() const noexcept { return total_; }
  [[nodiscard]] std::size_t idle() const noexcept { return idle_count_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_count_; }

 private:
  friend class acquire_operation;
  friend class lease;

  [[nodiscard]] origin& origin_of(const std::string& name);
  [[nodiscard]] bool try_acquire(acquire_operation& op);
  void enqueue(acquire_operation& op);
  void withdraw(acquire_operation& op) noexcept;

  void give_back(origin& of, std::unique_ptr<client_connection> connection) noexcept;
  void free_place(origin& of) noexcept;
  void grant_places() noexcept;
  void grant(origin& to, std::unique_ptr<client_connection> connection) noexcept;
  [[nodiscard]] bool others_first(origin& of) noexcept;
  void update_hunger(origin& of) noexcept;
  void forget_if_unused(origin& of) noexcept;

  void park(origin& of, std::unique_ptr<client_connection> connection) noexcept;
  [[nodiscard]] std::unique_ptr<client_connection> unpark(client_connection& idle) noexcept;
  void evict(client_connection& idle) noexcept;
  void arm() noexcept;
  void expired() noexcept override;

  pool_limits limits_;
  coro::scheduler& loop_;
  std::unordered_map<std::string, std::unique_ptr<origin>> origins_;
  intrusive_list<origin> hungry_;
  intrusive_list<client_connection, of_pool> idle_;  // the longest idle first
  std::size_t total_ = 0;
  std::size_t idle_count_ = 0;
  std::size_t waiting_count_ = 0;
  std::uint64_t arrivals_ = 0;
  bool closed_ = false;
};

/// What acquire() returns, for co_await. Gives a lease.
class acquire_operation final : public coro::queued_operation {
 public:
  acquire_operation(std::shared_ptr<connection_pool> pool, std::string_view name)
      : pool_(std::move(pool)), name_(name) {}

  [[nodiscard]] coro::wait_info describe() const override {
    return {"http.connection", pool_.get(), nullptr, name_};
  }
  bool try_complete() { return pool_->try_acquire(*this); }
  void enqueue() { pool_->enqueue(*this); }
  [[nodiscard]] lease take();

 private:
  friend class connection_pool;
  void withdraw() noexcept override { pool_->withdraw(*this); }

  std::shared_ptr<connection_pool> pool_;
  std::string name_;
  origin* at_ = nullptr;  // while waiting
  std::uint64_t arrival_ = 0;
  bool refused_ = false;
  lease granted_;
};

inline acquire_operation connection_pool::acquire(std::string_view name) {
  return {shared_from_this(), name};
}

}  // namespace eddy::http::detail
