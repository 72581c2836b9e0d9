// The accept loop of a server.
//
//   co_await eddy::net::serve(listener, [](eddy::net::tcp_stream peer) -> eddy::task<void> {
//     std::array<std::byte, 4096> buffer;
//     while (auto n = co_await peer.read_some(buffer)) co_await peer.write_all(std::span(buffer).first(n));
//   });
//
// Ends in phases, when the listener is closed or the task that serves is cancelled: where there is a `handover` time,
// connections that have begun are still accepted and the listener is closed; running connections go on by themselves
// for the drain limit; the rest is cancelled and awaited.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/address.hpp>

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
  void set_draining(bool on) noexcept { draining_ = on; }

 private:
  void left();

  std::size_t connections_ = 0;
  std::size_t refusing_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  bool draining_ = false;
  std::optional<promise<void>> wants_room_;  // set by the next connection that ends
  counts_by_peer by_peer_;
};

namespace detail {

/// Reports the failure of a connection's handler to the error hook.
void report_connection(const address& peer, const std::exception_ptr& failure) noexcept;

template <class Stream, class Call, class Counted>
task<void> serve_one(Stream stream, Call call, [[maybe_unused]] Counted counted) {
  const address peer = stream.peer();
  std::exception_ptr failure;
  try {
    co_await call(std::move(stream));
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) report_connection(peer, failure);
}

/// The connections' side of a serve(): unseen by cancellations outside, so that it can drain.
class connection_group {
 public:
  /// Runs until finish() and the end of all connections. Ready to spawn into when `ready` is set.
  task<void> run(promise<void>& ready);
  [[nodiscard]] task_group& group() noexcept { return *group_; }
  /// No more connections will be spawned; those there are cancelled after `limit`.
  void finish(duration limit);

 private:
  cancel_scope scope_;
  task_group* group_ = nullptr;
  promise<void> finished_;
};

template <class Handler, class Stream>
concept refuses = requires(Handler& handler, Stream stream) {
  { handler.refuse(std::move(stream)) } -> std::same_as<task<void>>;
};

template <class Stream, class Handler>
void start_serving(Stream stream, Handler& handler, serve_state::admission admitted,
                   connection_group& connections) {
  if constexpr (std::is_invocable_v<Handler&, Stream, serve_state::admission>) {
    connections.group().spawn(std::invoke(handler, std::move(stream), std::move(admitted)));
  } else {
    const auto call = [&handler](Stream s) { return std::invoke(handler, std::move(s)); };
    connections.group().spawn(serve_one(std::move(stream), call, std::move(admitted)));
  }
}

template <class Stream, class Handler>
void start_refusing(Stream stream, Handler& handler, const serve_options& options,
                    serve_state& state, connection_group& connections) {
  if constexpr (refuses<Handler, Stream>) {
    if (state.refusing() < options.max_refusals) {
      const auto call = [&handler](Stream s) { return handler.refuse(std::move(s)); };
      connections.group().spawn(serve_one(std::move(stream), call, serve_state::refusal(state)));
      return;
    }
  }
  stream.abort();
}

template <class Stream, class Handler>
void start(Stream stream, Handler& handler, const serve_options& options, serve_state& state,
           connection_group& connections) {
  const address peer = stream.peer();
  if (!state.admits(peer, options)) {
    start_refusing(std::move(stream), handler, options, state, connections);
    return;
  }
  serve_state::admission admitted(state, peer, options.max_per_peer != 0);
  start_serving(std::move(stream), handler, std::move(admitted), connections);
}

template <class Listener, class Handler>
task<void> accept_loop(Listener& listener, Handler& handler, const serve_options& options,
                       serve_state& state, connection_group& connections) {
  for (;;) {
    while (state.is_full(options) && listener.is_open()) {
      static_cast<void>(co_await race(state.one_less(), listener.closed()));
    }
    auto stream = co_await listener.accept();
    start(std::move(stream), handler, options, state, connections);
  }
}

/// A connection that waits in the listener's queue already, if there is one.
template <class Listener>
task<std::optional<typename Listener::stream_type>> accept_waiting(Listener& listener) {
  const auto look = []() -> task<void> {
    co_await yield();  // drivers look while a task yields
    co_await yield();
  };
  auto ended = co_await race(listener.accept(), look());
  auto& got = ended.template get<0>();
  if (got.is_cancelled()) co_return std::nullopt;
  co_return std::move(got).value();
}

/// Most connections that a queue holds.
inline constexpr int most_waiting = 65'536;

/// Accepts what has begun to connect.
template <class Listener, class Handler>
task<void> accept_rest(Listener& listener, Handler& handler, const serve_options& options,
                       serve_state& state, connection_group& connections) {
  const time_point handed_over = after(now(), *options.handover);
  listener.stop_connects();
  while (listener.is_open() && listener.owns_queue() && now() < handed_over) {
    auto stream = co_await move_on_at(handed_over, listener.accept());
    if (stream) start(std::move(*stream), handler, options, state, connections);
  }
  // Where the system goes on taking connections, the queue may never be empty.
  for (int i = 0; i < most_waiting && listener.is_open() && listener.owns_queue(); ++i) {
    auto stream = co_await accept_waiting(listener);
    if (!stream) break;
    start(std::move(*stream), handler, options, state, connections);
  }
}

template <class Handler>
concept told_of_end = requires(Handler& handler) {
  handler.end_begins();
  handler.drain_begins();
};

/// Whether `failure` is that of an accept on a listener that was closed.
[[nodiscard]] bool is_closed(const std::exception_ptr& failure) noexcept;

}  // namespace detail

/// Accepts connections and runs `handler(stream)`, which gives a task<void>, for each as a task of its own; several run
/// at once, and the handler object lives until the last has ended. A handler that fails is reported to the error hook
/// with its peer, and serving goes on. Returns when the listener was closed and the connections have ended; throws
/// `cancelled` when serve was cancelled, also after the connections have ended, and what accept() throws otherwise.
/// Without a handover time the listener is not closed at the end; its address stays bound until it is. A Listener has
/// accept(), giving a stream with peer() and abort(), close(), is_open(), closed(), stop_connects() and owns_queue():
/// tcp_listener, unix_listener and what is made like them.
///
/// A handler that also takes the connection's serve_state::admission keeps it for as long as the connection is to
/// count, and reports its failures itself: it throws nothing but `cancelled`. A handler with a member `refuse(stream)`
/// is given, up to max_refusals at once, the connections that are beyond a limit, to tell them so. One with members
/// end_begins() and drain_begins() is called when accepting ends, before and after the handover.
template <class Listener, class Handler>
task<void> serve(Listener& listener, Handler handler, serve_options options, serve_state& state) {
  detail::connection_group connections;
  promise<void> ready;
  auto body = [&](task_group& outer) -> task<void> {
    outer.spawn(connections.run(ready));
    std::exception_ptr ended;
    try {
      co_await shield(ready.get_future());
      co_await detail::accept_loop(listener, handler, options, state, connections);
    } catch (...) {
      ended = std::current_exception();
    }
    if constexpr (detail::told_of_end<Handler>) handler.end_begins();
    if (options.handover) {
      auto rest = detail::accept_rest(listener, handler, options, state, connections);
      static_cast<void>(co_await as_result(shield(std::move(rest))));
      listener.close();
    }
    state.set_draining(true);
    if constexpr (detail::told_of_end<Handler>) handler.drain_begins();
    connections.finish(options.drain_limit);
    if (!detail::is_closed(ended)) std::rethrow_exception(ended);
  };
  state.set_draining(false);
  co_await with_group(body);
}

template <class Listener, class Handler>
task<void> serve(Listener& listener, Handler handler, serve_options options = {}) {
  serve_state state;
  co_await serve(listener, std::move(handler), options, state);
}

}  // namespace eddy::net
