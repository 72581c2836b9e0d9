// A WebSocket echo server with Boost.Beast over Asio's coroutines: beast_websocket <port>.
#include <cstdlib>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket.hpp>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket socket) {
  socket.set_option(tcp::no_delay(true));
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

asio::awaitable<void> serve(tcp::acceptor acceptor) {
  for (;;) {
    tcp::socket peer = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), echo(std::move(peer)),
                   asio::detached);  // its end throws: ignored
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  asio::io_context context{1};
  const auto port = static_cast<unsigned short>(std::atoi(argv[1]));
  asio::co_spawn(context, serve(tcp::acceptor(context, {asio::ip::address_v4::loopback(), port})),
                 asio::detached);
  context.run();
}
