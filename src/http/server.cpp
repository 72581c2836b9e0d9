#include <eddy/http/server.hpp>

#include "serve_secure.hpp"
#include "serve_stream.hpp"

#include <eddy/base/check.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/serve.hpp>

namespace eddy::http {
namespace detail {
namespace {

// Tells connections beyond the limits so, and those that have had enough time in which to read it.
constexpr duration refusal_limit = std::chrono::seconds(2);

template <io::byte_stream Stream>
task<void> refuse(server_loop& server, Stream stream) {
  server.counts().connections_refused.add(1);
  exchange said(server.options().wire);
  said.refuse(server.core().overloaded("too many connections"), server.date());
  auto talk = [&](cancel_scope&) -> task<void> {
    co_await io::write_all(stream, std::string_view(said.output()));
    co_await stream.shutdown_write();
    for (std::size_t count = 1; count > 0;) count = co_await stream.read_some(said.scratch_room());
  };
  cancel_scope limit(after(server.loop().now(), refusal_limit));
  try {
    const bool read = co_await with_scope(limit, talk);
    if (read) co_return;
  } catch (const error&) {  // it has gone
  }
  stream.abort();
}

template <class Stream>
struct plain_connections {
  server_loop& server;

  task<void> operator()(Stream stream, net::serve_state::admission admitted) const {
    return serve_accepted(server, std::move(stream), std::move(admitted));
  }
  task<void> refuse(Stream stream) const { return detail::refuse(server, std::move(stream)); }
};

struct secure_connections {
  server_loop& server;
  tls::context context;

  task<void> operator()(net::tcp_stream stream, net::serve_state::admission admitted) const {
    return serve_secure(server, context, std::move(stream), std::move(admitted));
  }
};

/// `connect(loop)` gives what serves a connection.
template <class Listener, class Connect>
task<void> serve_listener(server_core& core, Listener& listener, Connect connect) {
  server_loop here(core);
  if (core.is_shut_down()) co_return;
  net::serve_options how;
  how.max_connections = core.options_.max_connections;
  how.max_per_peer = core.options_.max_per_peer;
  how.max_refusals = core.options_.max_refusals;
  how.drain_limit = core.options_.drain_limit;
  auto connections = connect(here);
  auto serving = net::serve(listener, std::move(connections), how);
  std::function<void()> stop = [&listener] { listener.close(); };
  co_await here.run(std::move(serving), listener.closed(), std::move(stop));
}

template <class Listener>
task<void> serve_plain(server_core& core, Listener& listener) {
  using stream_type = typename Listener::stream_type;
  const auto connect = [](server_loop& here) { return plain_connections<stream_type>{here}; };
  return serve_listener(core, listener, connect);
}

task<void> serve_any(server_loop& server, io::any_stream stream, net::address peer) {
  const open_connection counted(server.counts());
  const request_origin origin{.peer = peer};
  static_cast<void>(co_await serve_awake(server, stream, origin, true));
}

}  // namespace
}  // namespace detail

server::server(server_options options)
    : core_(std::make_unique<detail::server_core>(std::move(options))) {}

server::~server() { check(!core_->is_serving(), "an http::server was destroyed while it served"); }

void server::add(method m, std::string_view pattern, detail::any_handler fn,
                 route_options options) {
  check(!core_->is_serving(), "a route was added to an http::server that serves");
  core_->routes_.add(m, pattern, std::move(fn), options);
}

void server::add(any_middleware fn) {
  check(!core_->is_serving(), "a middleware was given to an http::server that serves");
  core_->middlewares_.push_back(std::move(fn));
}

void server::observe(std::function<void(const exchange_record&)> observer) {
  check(!core_->is_serving(), "an observer was given to an http::server that serves");
  core_->observer_ = std::move(observer);
}

task<void> server::serve(net::tcp_listener& listener) {
  return detail::serve_plain(*core_, listener);
}

task<void> server::serve(net::unix_listener& listener) {
  return detail::serve_plain(*core_, listener);
}

task<void> server::serve(net::tcp_listener& listener, tls::context context) {
  check(context.is_server(), "an http::server was given a TLS context that is not a server's");
  auto connect = [context = std::move(context)](detail::server_loop& here) {
    return detail::secure_connections{here, context};
  };
  return detail::serve_listener(*core_, listener, std::move(connect));
}

task<void> server::listen_and_serve(std::string host, std::uint16_t port,
                                    net::listen_options options) {
  const std::vector<net::address> found = co_await net::resolve(std::move(host), port);
  net::tcp_listener listener = net::tcp_listener::listen(found.front(), options);
  co_await serve(listener);
}

task<void> server::serve_connection(io::any_stream stream, net::address peer) {
  detail::server_loop here(*core_);
  if (core_->is_shut_down()) co_return;
  const promise<void> never_ends;
  std::function<void()> nothing_to_stop;
  auto serving = detail::serve_any(here, std::move(stream), peer);
  co_await here.run(std::move(serving), never_ends.get_future(), std::move(nothing_to_stop));
}

void server::shutdown() { core_->shutdown(); }

bool server::ready() const {
  return core_->ready_.load(std::memory_order_relaxed) && core_->is_accepting();
}

void server::set_ready(bool on) { core_->ready_.store(on, std::memory_order_relaxed); }

server_statistics server::statistics() const { return core_->statistics(); }

}  // namespace eddy::http
