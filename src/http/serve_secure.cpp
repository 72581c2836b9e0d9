#include "serve_secure.hpp"

#include "serve_stream.hpp"

#include <eddy/coro/timeout.hpp>
#include <eddy/tls/stream.hpp>

namespace eddy::http::detail {
namespace {

constexpr duration goodbye_limit = std::chrono::seconds(1);

task<std::optional<tls::stream>> shake_hands(server_loop& server, tls::context context,
                                             net::tcp_stream stream) {
  tls::handshake_options how;
  how.timeout = server.options().head_timeout;
  io::any_stream under(std::move(stream));
  std::optional<tls::stream> made;
  try {
    made.emplace(co_await tls::stream::accept(std::move(under), std::move(context), how));
  } catch (const error&) {  // of a client; there are many on the internet that just try
    server.counts().handshakes_failed.add(1);
  }
  co_return made;
}

task<bool> speak_awake(server_loop& server, tls::stream& stream, const net::address* client) {
  const request_origin origin{
      .peer = stream.peer(), .scheme = "https", .client = client, .secure = &stream};
  connection<tls::stream> served(server, stream, origin, false);
  co_return co_await served.run();
}

void report_connection(const net::address& peer, const std::exception_ptr& failure) {
  report_failure("serving a connection over TLS failed: " + peer.to_string(), failure);
}

task<void> speak_http2(server_loop& server, tls::stream stream, const net::address* client) {
  const net::address peer = stream.peer();
  request_origin origin{.peer = peer, .scheme = "https", .client = client};
  std::exception_ptr failure;
  try {
    io::any_stream rest(std::move(stream));
    origin.secure = rest.target<tls::stream>();
    co_await serve_http2(server, std::move(rest), origin);
    co_return;
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  report_connection(peer, failure);
}

task<void> say_goodbye(tls::stream& stream) {
  try {
    static_cast<void>(co_await move_on_after(goodbye_limit, stream.close()));
  } catch (const error&) {  // it has gone
  }
}

task<void> rest(server_loop& server, tls::stream& stream) {
  std::exception_ptr ended;
  try {
    const resting_connection resting(server);
    co_await stream.wait_readable();
  } catch (...) {
    ended = std::current_exception();
  }
  if (!ended) co_return;
  co_await shield(say_goodbye(stream));
  std::rethrow_exception(ended);
}

// Reports where the peer's address is at hand: what waits with an idle connection has no room for it.
task<void> speak(server_loop& server, tls::stream stream, const net::address* client) {
  if (stream.alpn() == "h2") co_return co_await speak_http2(server, std::move(stream), client);
  std::exception_ptr failure;
  try {
    for (;;) {
      const bool rests = co_await speak_awake(server, stream, client);
      if (!rests) co_return;
      co_await rest(server, stream);
    }
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  report_connection(stream.peer(), failure);
}

task<std::optional<tls::stream>> open(server_loop& server, tls::context context,
                                      net::tcp_stream stream,
                                      std::unique_ptr<net::address>& client) {
  const net::address peer = stream.peer();
  std::optional<tls::stream> made;
  std::exception_ptr failure;
  try {
    bool good = true;
    if (server.options().proxy_protocol) good = co_await read_proxy_header(server, stream, client);
    if (good) {
      made = co_await shake_hands(server, std::move(context), std::move(stream));
    } else {
      stream.abort();
    }
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) report_connection(peer, failure);
  co_return made;
}

}  // namespace

task<void> serve_secure(server_loop& server, tls::context context, net::tcp_stream stream,
                        [[maybe_unused]] net::serve_state::admission admitted) {
  const open_connection counted(server.counts());
  std::unique_ptr<net::address> client;
  auto made = co_await open(server, std::move(context), std::move(stream), client);
  if (made) co_await speak(server, std::move(*made), client.get());
}

}  // namespace eddy::http::detail
