// A WebSocket echo server with Boost.Beast over Asio's coroutines: beast_websocket <port>.
#include "asio_server.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket.hpp>

namespace {

using namespace peers;
namespace beast = boost::beast;

asio::awaitable<void> echo(tcp::socket socket) {
  beast::websocket::stream<beast::tcp_stream> peer(std::move(socket));
  co_await peer.async_accept(asio::use_awaitable);
  beast::flat_buffer buffer;
  for (;;) {
    buffer.clear();
    co_await peer.async_read(buffer, asio::use_awaitable);
    peer.text(peer.got_text());
    co_await peer.async_write(buffer.data(), asio::use_awaitable);
  }
}

}  // namespace

int main(int argc, char** argv) { return serve(argc, argv, echo); }
