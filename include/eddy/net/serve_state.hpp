// Options and live figures of a serve(); see serve.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <eddy/base/time.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/net/address.hpp>
#include <eddy/net/connection_spread.hpp>

namespace eddy::net {

struct serve_options {
  std::size_t max_connections = 10'000;  ///< at this many, accepting waits until one ends
  std::size_t max_per_peer = 0;  ///< per IP address; further ones are reset at once. 0: no limit
  /// Connections beyond these limits that a handler with refuse() may talk to at once; they count nowhere else. At this
  /// many, accepting waits at the first limit, and the second resets.
  std::size_t max_refusals = 0;
  /// How long running connections may go on after the listener was closed or serve was cancelled. Zero: they are
  /// cancelled at once. A second, forced cancellation does not wait for it.
  duration drain_limit = duration::zero();
  /// How long, when serve was cancelled, connections whose handshake has begun are still accepted, before the listener
  /// is closed; see stream_listener::stop_connects. Those that wait at the end of it are accepted in any case. Unset:
  /// none is, and the listener stays open.
  std::optional<duration> handover = std::nullopt;
  /// Where several loops serve one address: evens out how many connections each has. Must outlive the serve(). Null:
  /// each serves what it accepts.
  connection_spread* spread = nullptr;
};

/// Live figures of one serve(), and what its accept loop and its connections share. May be given by the caller, who
/// then can look at it; must outlive the serve(). Used by one serve() at a time, on its loop.
class serve_state {
  using counts_by_peer = std::map<std::string, std::size_t, std::less<>>;

 public:
  /// Connections whose handler runs.
  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }
  /// So far, without those refused.
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }
  /// Beyond a limit: refused by the handler, or reset.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  /// Whether the end has begun: handlers may look at it between requests.
  [[nodiscard]] bool draining() const noexcept { return draining_; }

  // --- for serve ---
  /// Counts one connection from its making to its end.
  class admission {
   public:
    admission(serve_state& state, const address& peer, bool by_peer);
    admission(admission&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)), counted_(other.counted_) {}
    admission& operator=(admission&&) = delete;
    ~admission();

   private:
    serve_state* state_;
    counts_by_peer::value_type* counted_ = nullptr;  // null: not counted by peer
  };
  /// Counts one connection that is being refused.
  class refusal {
   public:
    explicit refusal(serve_state& state) noexcept : state_(&state) { ++state.refusing_; }
    refusal(refusal&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    refusal& operator=(refusal&&) = delete;
    ~refusal();

   private:
    serve_state* state_;
  };
  /// Whether no connection could be served or refused now.
  [[nodiscard]] bool is_full(const serve_options& options) const noexcept;
  /// Whether a connection from `peer` is within the limits; counts it as refused otherwise.
  [[nodiscard]] bool admits(const address& peer, const serve_options& options);
  [[nodiscard]] std::size_t refusing() const noexcept { return refusing_; }
  /// Set when the next connection has ended.
  [[nodiscard]] future<void> one_less();
  void begin() noexcept;
  void begin_draining() noexcept { draining_ = true; }
  /// Its part in the spread of the options, if there is one, not joined yet. From then on every connection has counted
  /// there when admits() is asked.
  [[nodiscard]] connection_spread::member* take_part(const serve_options& options);
  [[nodiscard]] connection_spread::member* part() noexcept { return part_ ? &*part_ : nullptr; }

 private:
  void left();

  std::size_t connections_ = 0;
  std::size_t refusing_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  bool draining_ = false;
  std::optional<connection_spread::member> part_;
  std::optional<promise<void>> wants_room_;  // set by the next connection that ends
  counts_by_peer by_peer_;
};

}  // namespace eddy::net
