#include "client_dialer.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/happy_eyeballs.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/tls/stream.hpp>

namespace eddy::http::detail {
namespace {

/// The addresses of `host` that `allowed` lets pass.
task<std::vector<net::address>> allowed_addresses(
    const std::function<bool(const net::address&)>& allowed, std::string host, std::uint16_t port) {
  std::vector<net::address> candidates = co_await net::resolve(host, port);
  std::erase_if(candidates, [&](const net::address& each) { return !allowed(each); });
  if (candidates.empty()) throw error(request_errc::address_refused, "connect", host);
  co_return candidates;
}

task<net::tcp_stream> connect_to(const client_options& options, std::string host,
                                 std::uint16_t port) {
  net::connect_options how;
  how.timeout = duration::max();  // dial() has a limit around all
  if (!options.allow_address) {
    co_return co_await net::tcp_stream::connect(std::move(host), port, how);
  }
  auto candidates = co_await allowed_addresses(options.allow_address, host, port);
  auto attempt = [how](net::address to) { return net::tcp_stream::connect(to, how); };
  co_return co_await net::race_addresses(
      std::move(host), net::interleave_families(std::move(candidates)), how.attempt_delay, attempt);
}

task<dialed> connect(const client_options& options, const proxy_address* proxy,
                     const client_url& to) {
  if (options.connector) {
    connect_target target;
    target.scheme = to.scheme();
    target.host = to.host;
    target.port = to.port;
    io::any_stream stream = co_await options.connector(std::move(target));
    net::address peer;
    if (const auto* tcp = stream.target<net::tcp_stream>()) peer = tcp->peer();
    co_return dialed(std::move(stream), peer, false);
  }
  const std::string& host = proxy != nullptr ? proxy->host : to.host;
  net::tcp_stream stream =
      co_await connect_to(options, host, proxy != nullptr ? proxy->port : to.port);
  if (proxy != nullptr && proxy->speaks == proxy_address::kind::socks5) {
    co_await open_socks5(stream, *proxy, to);
  } else if (proxy != nullptr && to.secure) {
    co_await open_tunnel(stream, *proxy, to);
  }
  const net::address peer = stream.peer();
  co_return dialed(std::move(stream), peer, false);
}

/// TLS over what `under` runs over.
task<dialed> secured(dialed under, tls::context context, const client_url& to, duration limit,
                     bool offer_http2) {
  static constexpr std::array<std::string_view, 2> protocols{"h2", "http/1.1"};
  tls::handshake_options how;
  how.timeout = limit;
  how.alpn = std::span(protocols).subspan(offer_http2 ? 0 : 1);
  io::any_stream plain(std::move(std::get<net::tcp_stream>(under.stream)));
  tls::stream stream = co_await tls::stream::connect(std::move(plain), context, to.host, how);
  const net::address peer = under.peer;
  const bool http2 = stream.alpn() == "h2";
  co_return dialed(io::any_stream(std::move(stream)), peer, http2);
}

}  // namespace

bool may_multiplex(const client_options& options, const client_url& to) noexcept {
  return to.secure && !options.connector ? options.http2 : options.http2_prior_knowledge;
}

task<dialed> dial(const client_options& options, const proxy_address* proxy, const client_url& to,
                  const client_timeouts& limits, bool plain, request_progress& at) {
  // A proxy that is asked for http URLs itself is asked in HTTP/1.1.
  const bool forwarded = proxy != nullptr && !to.secure;
  const bool http2 = !plain && !forwarded && may_multiplex(options, to);
  at.phase = request_phase::connecting;
  at.peer = to.where();
  if (proxy != nullptr) at.peer += " through " + proxy->host + ":" + std::to_string(proxy->port);
  auto made = co_await move_on_after(limits.connect, connect(options, proxy, to));
  if (!made) throw at.timed_out(limits.connect, "not connected");
  if (!to.secure || options.connector) {
    made->multiplexed = http2;
    co_return std::move(*made);
  }
  at.peer = made->peer.to_string();
  co_return co_await secured(std::move(*made), options.tls, to, limits.tls, http2);
}

}  // namespace eddy::http::detail
