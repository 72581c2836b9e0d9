#include <eddy/http/server.hpp>

#include "serve_secure.hpp"
#include "serve_stream.hpp"

#include <sys/socket.h>

#include <eddy/base/check.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/serve.hpp>
#include <eddy/tls/stream.hpp>

namespace eddy::http {
namespace detail {
namespace {

// Tells connections beyond the limits so, and those that have had enough time in which to read it.
constexpr duration refusal_limit = std::chrono::seconds(2);

template <io::byte_stream Stream>
task<void> tell_overload(server_loop& server, Stream& stream) {
  exchange said(server.options().wire);
  said.refuse(server.core().unavailable("too many connections"), server.date());
  co_await io::write_all(stream, std::string_view(said.output()));
  co_await stream.shutdown_write();
  input_buffer ignored;
  for (std::size_t count = 1; count > 0;) {
    count = co_await stream.read_some(ignored.scratch_room());
  }
}

/// Whether the client has been told in time.
task<bool> tell_in_time(server_loop& server, task<void> telling) {
  server.counts().connections_refused.add(1);
  try {
    co_return co_await move_on_after(refusal_limit, std::move(telling));
  } catch (const error&) {  // it has gone
  }
  co_return false;
}

template <io::byte_stream Stream>
task<void> refuse(server_loop& server, Stream stream) {
  const bool told = co_await tell_in_time(server, tell_overload(server, stream));
  if (!told) stream.abort();
}

// HTTP/1.1 is what a refusal can be said in; the handshake of a client that speaks nothing but HTTP/2 fails.
task<void> tell_overload_secretly(server_loop& server, tls::context context,
                                  net::tcp_stream stream) {
  const std::string_view http1 = "http/1.1";
  tls::handshake_options how;
  how.timeout = refusal_limit;
  how.alpn = std::span(&http1, 1);
  io::any_stream under(std::move(stream));
  tls::stream secure = co_await tls::stream::accept(std::move(under), std::move(context), how);
  co_await tell_overload(server, secure);
}

task<void> refuse_secretly(server_loop& server, tls::context context, net::tcp_stream stream) {
  auto telling = tell_overload_secretly(server, std::move(context), std::move(stream));
  static_cast<void>(co_await tell_in_time(server, std::move(telling)));
}

/// What the accept loop tells.
struct connections_of {
  server_loop& server;
  void end_begins() const noexcept { server.note_end(); }
  void drain_begins() const noexcept { server.begin_drain(); }
};

template <class Stream>
struct plain_connections : connections_of {
  task<void> operator()(Stream stream, net::serve_state::admission admitted) const {
    return serve_accepted(server, std::move(stream), std::move(admitted));
  }
  task<void> refuse(Stream stream) const { return detail::refuse(server, std::move(stream)); }
};

struct secure_connections : connections_of {
  tls::context context;

  task<void> operator()(net::tcp_stream stream, net::serve_state::admission admitted) const {
    return serve_secure(server, context, std::move(stream), std::move(admitted));
  }
  task<void> refuse(net::tcp_stream stream) const {
    return refuse_secretly(server, context, std::move(stream));
  }
};

/// Whether other loops, or the next generation of the program, may listen beside this listener.
template <class Listener>
bool is_shared(const Listener& listener) {
  if (!listener.is_open()) return false;
  return !listener.owns_queue() || listener.option(SOL_SOCKET, SO_REUSEPORT) != 0;
}

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
  const bool shared = is_shared(listener);
  how.handover = shared ? core.options_.handover : duration::zero();
  std::shared_ptr<net::connection_spread> spread;
  if (shared && listener.native_handle() >= 0) spread = core.spread_of(listener.local());
  how.spread = spread.get();
  if (shared) here.keep_idle(end_notice);
  cancel_scope accepting;
  const auto accept = [&](cancel_scope&) -> task<void> {
    auto connections = connect(here);
    co_await net::serve(listener, std::move(connections), how);
  };
  const auto serving = [&]() -> task<void> {
    static_cast<void>(co_await with_scope(accepting, accept));
  };
  std::function<void()> stop = [&accepting] { accepting.cancel(cancel_reason::shutdown); };
  co_await here.run(serving(), std::move(stop));
}

template <class Listener>
task<void> serve_plain(server_core& core, Listener& listener) {
  using stream_type = typename Listener::stream_type;
  const auto connect = [](server_loop& here) { return plain_connections<stream_type>{{here}}; };
  return serve_listener(core, listener, connect);
}

task<void> serve_any(server_loop& server, io::any_stream stream, net::address peer) {
  const open_connection counted(server.counts());
  const request_origin origin{.peer = peer, .secure = stream.target<tls::stream>()};
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
    return detail::secure_connections{{here}, context};
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
  co_await here.run(detail::serve_any(here, std::move(stream), peer));
}

void server::shutdown() { core_->shutdown(); }

bool server::ready() const {
  return core_->ready_.load(std::memory_order_relaxed) && core_->is_accepting();
}

void server::set_ready(bool on) { core_->ready_.store(on, std::memory_order_relaxed); }

server_statistics server::statistics() const { return core_->statistics(); }

}  // namespace eddy::http
