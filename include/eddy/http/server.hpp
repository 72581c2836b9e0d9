// An HTTP/1.1 server.
//
//   eddy::http::server app;
//   app.get("/hello/{name}", [](eddy::http::request& r) { return "hello, " + std::string(r.parameter("name")); });
//   app.post("/users", [&](eddy::http::request& r) -> eddy::task<eddy::http::response> {
//     auto user = co_await r.json();
//     co_return eddy::http::response::json(co_await store.add(user), 201);
//   });
//   co_await app.listen_and_serve("127.0.0.1", 8000);
//
// Handlers run in the connection's task, one at a time per connection; pipelined requests are answered in order. A
// handler that is still waiting when its client hangs up is cancelled: the server begins to listen for that
// `hang_up_delay` after the handler's start, so short handlers pay nothing for it. It cannot notice it while the client
// has sent more (pipelined) requests than fit into the connection's buffer.
//
// A failed handler is answered 500 with an id, and what failed goes to the loop's error hook under that id: nothing of
// it reaches the client. http_error and json_error are answered as what they say.
//
// Serving ends in phases, when shutdown() is called or the task that serves is cancelled: ready() is false; connections
// that wait to be accepted still are, then the listener is closed; idle connections are closed, requests that run or
// come with a new connection are finished, and their connections closed, for the drain limit; what is left is cancelled
// and awaited. On a port that is shared (reuse_port, or an adopted listener) no request of a well-behaved client fails:
// accepting ends after the `handover` time, and idle connections a second later.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <eddy/coro/handle.hpp>
#include <eddy/http/http_error.hpp>
#include <eddy/http/middleware.hpp>
#include <eddy/http/request.hpp>
#include <eddy/http/response.hpp>
#include <eddy/http/server_options.hpp>
#include <eddy/http/server_statistics.hpp>
#include <eddy/http/upgrade.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/net/unix.hpp>
#include <eddy/tls/context.hpp>

namespace eddy::http {

namespace detail {

struct any_handler {
  std::move_only_function<response(request&) const> plain;
  std::move_only_function<task<response>(request&) const> waiting;
};

template <class T>
struct handler_value {
  using type = T;
  static constexpr bool waits = false;
};
template <class T>
struct handler_value<task<T>> {
  using type = T;
  static constexpr bool waits = true;
};

template <class Fn>
task<response> convert(const Fn& fn, request& r) {
  auto made = co_await std::invoke(fn, r);
  co_return to_response(std::move(made));
}

template <class Fn>
any_handler make_handler(Fn fn) {
  using result = std::invoke_result_t<const Fn&, request&>;
  any_handler made;
  if constexpr (std::is_same_v<result, task<response>>) {
    made.waiting = std::move(fn);
  } else if constexpr (handler_value<result>::waits) {
    made.waiting = [fn = std::move(fn)](request& r) { return convert(fn, r); };
  } else {
    made.plain = [fn = std::move(fn)](request& r) { return to_response(std::invoke(fn, r)); };
  }
  return made;
}

}  // namespace detail

/// A callable for a route: gives a response, or what to_response takes, or a task of it. Called as const, on every loop
/// that serves, so what it shares between loops must be safe for that.
template <class Fn>
concept handler = std::is_invocable_v<const std::decay_t<Fn>&, request&> &&
                  makes_response<typename detail::handler_value<
                      std::invoke_result_t<const std::decay_t<Fn>&, request&>>::type>;

/// Built first, then served; adding routes while it serves stops the program. Must outlive its serving. May serve on
/// several loops and listeners at once; loops that share a port even out their connections (net/connection_spread.hpp).
///
/// Patterns are "/a/{name}/b": `{name}` stands for one segment that is not empty, `{name...}` as the last for all that
/// is left, which may be empty. Segments written out beat parameters, those beat a tail. "/a" and "/a/" differ. A
/// pattern that is malformed, or taken already, throws invalid_input. GET answers HEAD as well; OPTIONS, unknown paths
/// (404) and other methods (405 with Allow) are answered by the server.
class server {
 public:
  explicit server(server_options options = {});
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server();

  template <handler Fn>
  server& route(method m, std::string_view pattern, Fn&& fn, route_options options = {}) {
    add(m, pattern, detail::make_handler<std::decay_t<Fn>>(std::forward<Fn>(fn)), options);
    return *this;
  }
  template <handler Fn>
  server& get(std::string_view pattern, Fn&& fn, route_options options = {}) {
    return route(method::get, pattern, std::forward<Fn>(fn), options);
  }
  template <handler Fn>
  server& post(std::string_view pattern, Fn&& fn, route_options options = {}) {
    return route(method::post, pattern, std::forward<Fn>(fn), options);
  }
  template <handler Fn>
  server& put(std::string_view pattern, Fn&& fn, route_options options = {}) {
    return route(method::put, pattern, std::forward<Fn>(fn), options);
  }
  template <handler Fn>
  server& patch(std::string_view pattern, Fn&& fn, route_options options = {}) {
    return route(method::patch, pattern, std::forward<Fn>(fn), options);
  }
  template <handler Fn>
  server& delete_(std::string_view pattern, Fn&& fn, route_options options = {}) {
    return route(method::delete_, pattern, std::forward<Fn>(fn), options);
  }

  /// Puts `fn` around everything the server answers; see middleware.hpp. The first one is outermost.
  template <middleware Fn>
  server& use(Fn&& fn) {
    add(any_middleware(std::forward<Fn>(fn)));
    return *this;
  }

  /// Called after every exchange, on its loop: for access logs and metrics. Must not throw. Costs two looks at the
  /// clock per request.
  void observe(std::function<void(const exchange_record&)> observer);

  /// Serves what the listener accepts, until shutdown(), until the listener is closed, or until cancelled, when it
  /// throws `cancelled` after the phases described above. The listener is closed in the end.
  [[nodiscard]] task<void> serve(net::tcp_listener& listener);
  [[nodiscard]] task<void> serve(net::unix_listener& listener);
  /// The same over TLS. Where the context offers "h2" (tls::server_options::alpn), clients may choose HTTP/2. A
  /// handshake has the time of a head; one that fails is counted, and no news for the error hook.
  [[nodiscard]] task<void> serve(net::tcp_listener& listener, tls::context context);
  /// Listens and serves. `host` is a name or a numeric address; port 0 takes a free one. On several loops give
  /// `reuse_port`.
  [[nodiscard]] task<void> listen_and_serve(std::string host, std::uint16_t port,
                                            net::listen_options options = {});
  /// Serves one connection that somebody else has accepted, on any kind of stream, to its end.
  [[nodiscard]] task<void> serve_connection(io::any_stream stream, net::address peer = {});

  /// Begins the end of all serving, on all loops; serve() then returns without an error. Any thread.
  void shutdown();

  /// For health checks: whether it serves, its end has not begun, and the program has not said otherwise. Any thread.
  [[nodiscard]] bool ready() const;
  /// Says that a load balancer should not send more, or may again, while all goes on: before shutdown(), by as long as
  /// the balancer needs to notice. Any thread.
  void set_ready(bool on);

  /// Any thread.
  [[nodiscard]] server_statistics statistics() const;

 private:
  void add(method m, std::string_view pattern, detail::any_handler fn, route_options options);
  void add(any_middleware fn);

  std::unique_ptr<detail::server_core> core_;
};

}  // namespace eddy::http
