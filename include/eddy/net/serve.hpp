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
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/serve_state.hpp>

namespace eddy::net {

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

/// Starts what was accepted here, unless another loop has got it.
template <class Stream, class Handler>
void start_or_give(Stream stream, Handler& handler, const serve_options& options,
                   serve_state& state, connection_group& connections) {
  if constexpr (crosses_loops<Stream>) {
    auto* part = state.part();
    if (part != nullptr && part->gives(stream.native_handle(), stream.peer())) return;
  }
  start(std::move(stream), handler, options, state, connections);
}

/// Starts what other loops give.
template <class Stream, class Handler>
task<void> serve_given(connection_spread::member::room::receiver_type from, Handler& handler,
                       const serve_options& options, serve_state& state,
                       connection_group& connections) {
  for (;;) {
    auto given = co_await from.receive();
    if (!given) co_return;
    std::optional<Stream> stream;
    try {
      stream.emplace(given->arrive(), given->peer());
    } catch (...) {
      state.part()->ended();
      report_connection(given->peer(), std::current_exception());
    }
    if (stream) start(std::move(*stream), handler, options, state, connections);
  }
}

/// Takes part in the spread, if there is one. The task ends some time after the part has been left.
template <class Listener, class Handler>
task_handle<void> take_part(Handler& handler, const serve_options& options, serve_state& state,
                            connection_group& connections, task_group& group) {
  task_handle<void> given;
  using stream_type = typename Listener::stream_type;
  if constexpr (crosses_loops<stream_type>) {
    connection_spread::member* part = state.take_part(options);
    if (part == nullptr) return given;
    given = group.spawn(
        shield(serve_given<stream_type>(part->receiver(), handler, options, state, connections)));
    part->join();
  }
  return given;
}

/// Connections accepted in one step. Each may take the system a tenth of a millisecond, for which those that are open
/// wait.
inline constexpr int most_accepted_at_once = 16;

template <class Listener, class Handler>
task<void> accept_loop(Listener& listener, Handler& handler, const serve_options& options,
                       serve_state& state, connection_group& connections) {
  for (;;) {
    for (int accepted = 0; accepted < most_accepted_at_once; ++accepted) {
      while (state.is_full(options) && listener.is_open()) {
        static_cast<void>(co_await race(state.one_less(), listener.closed()));
      }
      auto stream = co_await listener.accept();
      start_or_give(std::move(stream), handler, options, state, connections);
    }
    co_await yield();
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
    if (stream) start_or_give(std::move(*stream), handler, options, state, connections);
  }
  // Where the system goes on taking connections, the queue may never be empty.
  for (int i = 0; i < most_waiting && listener.is_open() && listener.owns_queue(); ++i) {
    auto stream = co_await accept_waiting(listener);
    if (!stream) break;
    start_or_give(std::move(*stream), handler, options, state, connections);
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
    task_handle<void> given;
    std::exception_ptr ended;
    try {
      co_await shield(ready.get_future());
      given = detail::take_part<Listener>(handler, options, state, connections, outer);
      co_await detail::accept_loop(listener, handler, options, state, connections);
    } catch (...) {
      ended = std::current_exception();
    }
    if (auto* part = state.part()) part->leave();
    if constexpr (detail::told_of_end<Handler>) handler.end_begins();
    if (options.handover) {
      auto rest = detail::accept_rest(listener, handler, options, state, connections);
      static_cast<void>(co_await as_result(shield(std::move(rest))));
      listener.close();
    }
    if (given) static_cast<void>(co_await as_result(shield(given)));
    state.begin_draining();
    if constexpr (detail::told_of_end<Handler>) handler.drain_begins();
    connections.finish(options.drain_limit);
    if (!detail::is_closed(ended)) std::rethrow_exception(ended);
  };
  state.begin();
  co_await with_group(body);
}

template <class Listener, class Handler>
task<void> serve(Listener& listener, Handler handler, serve_options options = {}) {
  serve_state state;
  co_await serve(listener, std::move(handler), options, state);
}

}  // namespace eddy::net
