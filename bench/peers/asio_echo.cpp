// A TCP echo server with Boost.Asio's coroutines: asio_echo <port>.
#include "asio_server.hpp"

#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace {

using namespace peers;

asio::awaitable<void> echo(tcp::socket peer) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t received =
        co_await peer.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    co_await asio::async_write(peer, asio::buffer(buffer.data(), received), asio::use_awaitable);
  }
}

}  // namespace

int main(int argc, char** argv) { return serve(argc, argv, echo); }
