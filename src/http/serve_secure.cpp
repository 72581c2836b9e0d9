#include "serve_secure.hpp"

#include "serve_stream.hpp"

#include <eddy/tls/stream.hpp>

namespace eddy::http::detail {
namespace {

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

task<void> speak(server_loop& server, tls::stream stream, const request_origin& origin) {
  if (stream.alpn() == "h2") {
    io::any_stream rest(std::move(stream));
    co_await serve_http2(server, std::move(rest), origin);
  } else {
    connection<tls::stream> served(server, stream, origin, false);
    static_cast<void>(co_await served.run());
  }
}

}  // namespace

task<void> serve_secure(server_loop& server, tls::context context, net::tcp_stream stream,
                        [[maybe_unused]] net::serve_state::admission admitted) {
  const open_connection counted(server.counts());
  const net::address peer = stream.peer();
  std::unique_ptr<net::address> client;
  std::exception_ptr failure;
  try {
    if (server.options().proxy_protocol) {
      const bool good = co_await read_proxy_header(server, stream, client);
      if (!good) {
        stream.abort();
        co_return;
      }
    }
    const request_origin origin{.peer = peer, .scheme = "https", .client = client.get()};
    auto made = co_await shake_hands(server, std::move(context), std::move(stream));
    if (made) co_await speak(server, std::move(*made), origin);
    co_return;
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  report_failure("serving a connection failed: " + peer.to_string(), failure);
}

}  // namespace eddy::http::detail
