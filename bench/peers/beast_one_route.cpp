// An HTTP server with one route, with Boost.Beast over Asio's coroutines: beast_one_route <port>.
#include "asio_server.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace {

using namespace peers;
namespace beast = boost::beast;
namespace http = beast::http;

http::response<http::string_body> answer(const http::request<http::string_body>& request) {
  const bool known = request.method() == http::verb::get && request.target() == "/plaintext";
  http::response<http::string_body> response(known ? http::status::ok : http::status::not_found,
                                             request.version());
  response.keep_alive(request.keep_alive());
  response.set(http::field::content_type, "text/plain");
  if (known) response.body() = "Hello, World!";
  response.prepare_payload();
  return response;
}

asio::awaitable<void> exchange(tcp::socket socket) {
  beast::tcp_stream peer(std::move(socket));
  beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    co_await http::async_read(peer, buffer, request, asio::use_awaitable);
    http::response<http::string_body> response = answer(request);
    co_await http::async_write(peer, response, asio::use_awaitable);
    if (!response.keep_alive()) co_return;
  }
}

}  // namespace

int main(int argc, char** argv) { return serve(argc, argv, exchange); }
