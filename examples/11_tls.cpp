// An echo server over TLS and a client that trusts its certificate, which was made a moment ago.
#include <array>
#include <iostream>
#include <span>
#include <string>

#include <eddy/eddy.hpp>
#include <eddy/io/buffered_reader.hpp>

namespace io = eddy::io;
namespace net = eddy::net;
namespace tls = eddy::tls;

eddy::task<void> echo(net::tcp_stream tcp, tls::context context) {
  io::any_stream under(std::move(tcp));
  auto peer = co_await tls::stream::accept(std::move(under), context);
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t received = co_await peer.read_some(buffer);
    if (received == 0) break;  // the peer has said goodbye
    co_await io::write_all(peer, std::span(buffer).first(received));
  }
  co_await peer.close();  // and so do we
}

eddy::task<std::string> ask(std::uint16_t port, tls::context context, std::string question) {
  auto stream = co_await tls::connect("localhost", port, context);
  std::cout << "TLS with " << stream.peer_certificate()->subject << ", " << stream.cipher() << '\n';
  co_await io::write_all(stream, question);
  co_await stream.shutdown_write();
  io::buffered_reader reader(stream);
  co_return co_await reader.read_to_end(1000);
}

eddy::task<int> async_main() {
  const tls::credentials own = tls::self_signed({"localhost"});
  tls::server_options serving;
  serving.certificates = {own};
  tls::client_options asking;
  asking.authorities = tls::trust::pem(own.chain);
  const auto server = tls::context::server(serving);
  const auto client = tls::context::client(asking);

  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  std::string answer;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    auto handle = [&server](net::tcp_stream tcp) { return echo(std::move(tcp), server); };
    group.spawn(net::serve(listener, handle));
    answer = co_await ask(listener.local().port(), client, "anybody there?");
    group.cancel();  // ends the server
  });
  std::cout << answer << '\n';
  co_return answer == "anybody there?" ? 0 : 1;
}

int main() { return eddy::run(async_main()); }
