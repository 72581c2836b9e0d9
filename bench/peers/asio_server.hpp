// What the servers over Asio have in common: one thread, one coroutine for each connection.
#pragma once

#include <cstdlib>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace peers {

namespace asio = boost::asio;
using asio::ip::tcp;

template <class Handler>
asio::awaitable<void> accept_all(tcp::acceptor acceptor, Handler handler) {
  for (;;) {
    tcp::socket peer = co_await acceptor.async_accept(asio::use_awaitable);
    peer.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), handler(std::move(peer)),
                   asio::detached);  // its end throws: ignored
  }
}

/// Serves on the port that the program's only argument names.
template <class Handler>
int serve(int argc, char** argv, Handler handler) {
  if (argc != 2) return 2;
  asio::io_context context{1};
  const auto port = static_cast<unsigned short>(std::atoi(argv[1]));
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
  asio::co_spawn(context, accept_all(std::move(acceptor), handler), asio::detached);
  context.run();
  return 0;
}

}  // namespace peers
