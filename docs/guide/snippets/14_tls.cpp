// The program behind 14-tls.md.
#include "expect.hpp"

#include <chrono>
#include <string>
#include <utility>

#include <eddy/coro/group.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/net/net.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/virtual_run.hpp>
#include <eddy/tls/tls.hpp>

using namespace std::chrono_literals;

// [context]
namespace io = eddy::io;
namespace net = eddy::net;
namespace tls = eddy::tls;

tls::context server_context(std::string chain, std::string key) {
  tls::server_options options;
  options.certificates.push_back(tls::credentials::files(std::move(chain), std::move(key)));
  options.alpn = {"h2", "http/1.1"};  // best first
  return tls::context::server(options);
}
// [/context]

// [server]
eddy::task<void> shout_back(net::tcp_stream tcp, tls::context context) {
  io::any_stream under(std::move(tcp));
  auto peer = co_await tls::stream::accept(std::move(under), context, {.timeout = 5s});
  io::buffered_reader reader(peer);
  while (auto line = co_await reader.read_line()) {
    for (char& c : *line) c = static_cast<char>(std::toupper(c));
    co_await io::write_all(peer, *line + "\n");
  }
  co_await peer.close();
}
// [/server]

// [client]
eddy::task<std::string> ask(std::string host, std::uint16_t port, tls::context context) {
  auto stream = co_await tls::connect(host, port, context);
  co_await io::write_all(stream, "hello\n");
  io::buffered_reader reader(stream);
  auto answer = co_await reader.read_line();
  co_await stream.close();
  co_return answer ? *answer : std::string();
}
// [/client]

// [errors]
eddy::task<std::string> why_not(std::string host, std::uint16_t port, tls::context context) {
  try {
    auto stream = co_await tls::connect(host, port, context);
    co_return "connected";
  } catch (const tls::tls_error& e) {
    if (e.code() == tls::errc::certificate_expired) co_return "tell the administrator";
    co_return e.what();
  }
}
// [/errors]

// [reload]
eddy::task<void> certificates_were_renewed(tls::context& context) {
  co_await eddy::to_thread([&context] { context.reload(); });  // throws if they are wrong
}
// [/reload]

// [made]
tls::context test_server(const tls::certificate_authority& ca) {
  tls::server_options options;
  options.certificates.push_back(ca.issue({"localhost", "127.0.0.1"}));
  return tls::context::server(options);
}

tls::context test_client(const tls::certificate_authority& ca) {
  tls::client_options options;
  options.authorities = ca.trusted();
  return tls::context::client(options);
}
// [/made]

eddy::task<void> async_main() {
  const tls::certificate_authority ca;
  auto server = test_server(ca);
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  const std::uint16_t port = listener.local().port();
  const eddy::testing::error_recorder expected;  // the server's side of the refused handshake
  const auto body = [&](eddy::task_group& group) -> eddy::task<void> {
    auto handle = [&server](net::tcp_stream tcp) { return shout_back(std::move(tcp), server); };
    group.spawn(net::serve(listener, handle));
    const std::string answer = co_await ask("localhost", port, test_client(ca));
    expect(answer == "HELLO");
    const std::string untrusted = co_await why_not("localhost", port, tls::context::client());
    expect(untrusted.find("not from a trusted authority") != std::string::npos);
    co_await certificates_were_renewed(server);
    bool refused = false;
    try {
      static_cast<void>(server_context("/nowhere.pem", "/nowhere.key"));
    } catch (const tls::tls_error& e) {
      refused = e == eddy::condition::invalid_input;
    }
    expect(refused);
    listener.close();
  };
  co_await eddy::with_group(body);
}

int main() { eddy::testing::run_virtual(async_main()); }
