#include <eddy/net/tcp.hpp>

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/net/happy_eyeballs.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net {
namespace {

int whole_seconds(duration d) noexcept {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(d).count();
  return static_cast<int>(std::clamp<std::int64_t>(seconds, 1, 32'767));
}

void apply_keepalive(runtime::descriptor& on, const std::optional<keepalive>& when) {
  on.set_option(SOL_SOCKET, SO_KEEPALIVE, when ? 1 : 0);
  if (!when) return;
  on.set_option(IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(when->idle));
  on.set_option(IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(when->interval));
  on.set_option(IPPROTO_TCP, TCP_KEEPCNT, std::clamp(when->probes, 1, 127));
}

/// One attempt on one address. The options outlive the task.
task<tcp_stream> attempt(address to, const connect_options& options) {
  auto on = runtime::loop::current().io().open_socket(to.family(), SOCK_STREAM, 0);
  if (!options.local.empty()) on->bind(options.local);
  if (options.nodelay) on->set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keep_alive) apply_keepalive(*on, options.keep_alive);
  co_await connect_operation(*on, to);
  co_return tcp_stream(std::move(on), to);
}

task<tcp_stream> race_host(const std::string& host, std::uint16_t port,
                           const connect_options& options) {
  resolve_options how;
  how.family = options.family;
  how.timeout = options.timeout;
  std::vector<address> found = co_await resolve(host, port, how);
  found = interleave_families(std::move(found));
  auto one = [&options](const address& to) { return attempt(to, options); };
  co_return co_await race_addresses(host, std::move(found), options.attempt_delay, one);
}

}  // namespace

task<tcp_stream> tcp_stream::connect(address to, connect_options options) {
  if (!to.is_ip()) throw_invalid_input("a TCP connection to " + to.to_string());
  auto made = co_await move_on_after(options.timeout, attempt(to, options));
  if (!made) throw error(errc::timed_out, "connect", to.to_string());
  co_return std::move(*made);
}

task<tcp_stream> tcp_stream::connect(std::string host, std::uint16_t port,
                                     connect_options options) {
  auto made = co_await move_on_after(options.timeout, race_host(host, port, options));
  if (!made) {
    endpoint where;
    where.host = std::move(host);
    where.port = port;
    throw error(errc::timed_out, "connect", to_string(where));
  }
  co_return std::move(*made);
}

void tcp_stream::set_nodelay(bool on_off) {
  on().set_option(IPPROTO_TCP, TCP_NODELAY, on_off ? 1 : 0);
}

void tcp_stream::set_keepalive(const std::optional<keepalive>& when) {
  apply_keepalive(on(), when);
}

tcp_listener tcp_listener::listen(const address& where, listen_options options) {
  if (!where.is_ip()) throw_invalid_input("a TCP listener on " + where.to_string());
  auto on = runtime::loop::current().io().open_socket(where.family(), SOCK_STREAM, 0);
  if (options.reuse_address) on->set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) on->set_option(SOL_SOCKET, SO_REUSEPORT, 1);
  if (where.family() == AF_INET6)
    on->set_option(IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only ? 1 : 0);
  // Accepted sockets inherit these two.
  if (options.nodelay) on->set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.unsent_limit > 0)
    on->set_option(IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.unsent_limit);
  on->bind(where);
  on->listen(options.backlog);
  return {std::move(on), options.accept_pause};
}

tcp_listener tcp_listener::adopt(int fd, duration accept_pause) {
  auto on = runtime::loop::current().io().adopt(fd);
  const address where = on->local_address();
  if (!where.is_ip() || on->option(SOL_SOCKET, SO_ACCEPTCONN) == 0)
    throw_invalid_input("adopting a socket that does not listen for TCP");
  return {std::move(on), accept_pause, false};
}

task<tcp_stream> tcp_listener::accept() {
  accept_operation::connection made = co_await accept_connection();
  co_return tcp_stream(std::move(made.on), made.peer);
}

}  // namespace eddy::net
