// A TCP echo server with Boost.Asio's coroutines: asio_echo <port>.
#include <array>
#include <cstdlib>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket peer) {
  peer.set_option(tcp::no_delay(true));
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t received =
        co_await peer.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    co_await asio::async_write(peer, asio::buffer(buffer.data(), received), asio::use_awaitable);
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
