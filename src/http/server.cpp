#include <eddy/http/server.hpp>

#include "serve_stream.hpp"

#include <eddy/base/check.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/serve.hpp>

namespace eddy::http {
namespace detail {
namespace {

template <class Listener>
task<void> serve_listener(server_core& core, Listener& listener) {
  using stream_type = typename Listener::stream_type;
  server_loop here(core);
  if (core.is_shut_down()) co_return;
  net::serve_options how;
  how.max_connections = core.options_.max_connections;
  how.max_per_peer = core.options_.max_per_peer;
  how.drain_limit = core.options_.drain_limit;
  auto handle = [&here](stream_type stream, net::serve_state::admission admitted) {
    return serve_accepted(here, std::move(stream), std::move(admitted));
  };
  auto serving = net::serve(listener, handle, how);
  std::function<void()> stop = [&listener] { listener.close(); };
  co_await here.run(std::move(serving), listener.closed(), std::move(stop));
}

task<void> serve_any(server_loop& server, io::any_stream& stream, const net::address& peer) {
  const open_connection counted(server.counts());
  const request_origin origin{.peer = peer};
  static_cast<void>(co_await serve_awake(server, stream, origin, true));
}

}  // namespace
}  // namespace detail

server::server(server_options options) : core_(std::make_unique<detail::server_core>(options)) {}

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
  return detail::serve_listener(*core_, listener);
}

task<void> server::serve(net::unix_listener& listener) {
  return detail::serve_listener(*core_, listener);
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
  auto serving = detail::serve_stream(here, std::move(stream), std::move(peer));
  co_await here.run(std::move(serving), never_ends.get_future(), std::move(nothing_to_stop));
}

void server::shutdown() { core_->shutdown(); }

server_statistics server::statistics() const { return core_->statistics(); }

}  // namespace eddy::http
